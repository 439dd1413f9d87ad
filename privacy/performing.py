"""What performing a task of a plan ends in. Each performer takes a task, may run twice, and returns one of these."""

from __future__ import annotations

from dataclasses import dataclass

from privacy.models import RequestTask


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a task ended; one that could not be done raises instead, and is tried again.

    Args:
        state: done, nothing found, exempt, or sent where somebody else has yet to acknowledge it.
        affected: how many records it concerned.
        reason: why it is exempt.
    """

    state: RequestTask.State
    affected: int = 0
    reason: str = ""

    @classmethod
    def of(cls, affected: int) -> Result:
        """Return the result of a task that found so many records."""
        return cls(state=RequestTask.State.DONE if affected else RequestTask.State.NOTHING_FOUND, affected=affected)
