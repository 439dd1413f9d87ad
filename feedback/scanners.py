"""Telling people from the programs that open, and even send, whatever stands in a mail before its reader does.

No look at a page ever stores an answer. Of a form that was sent, the page's script says whether somebody touched,
clicked or typed; where there was no script, the time it took and earlier visits to the link decide. What a machine
probably sent is kept as a suspect that no measure counts, and it never takes the place of what a person said:
https://github.com/odoo/odoo/issues/262262
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from feedback.models import Invitation, Response, Suspicion
from privacy.encryption import keyed_hash
from surveys.models import Channel

if TYPE_CHECKING:
    from datetime import datetime

    from feedback.intake import Submission

SENT_TOO_FAST: Final = timedelta(seconds=5)  # nobody reads a question, decides and presses faster
OPENED_TOO_EARLY: Final = timedelta(seconds=5)  # after the mail server took the mail
TWO_SCORES_WITHIN: Final = timedelta(seconds=60)
CLOCKS_DIFFER: Final = timedelta(seconds=1)
FINGERPRINT_KEPT: Final = timedelta(days=14)  # as long as a comment can be changed
# Parts of the names by which programs introduce themselves that open links for somebody else; a Cubot is a phone.
SCANNERS: Final = re.compile(
    r"(?<!cu)bot(\b|_)|crawl|spider|slurp|preview|scan(ner|ning)?\b|headless|phantomjs|imageproxy|mailproxy|safelinks"
    r"|existence discovery|proofpoint|barracuda|mimecast|zscaler|forcepoint|trendmicro|trend micro|ironport|symantec"
    r"|fortiguard|bitdefender|sophos|urldefense|virustotal|facebookexternalhit|whatsapp/|skypeuri|embedly"
    r"|^(curl|wget|python|java|go-http|okhttp|apache-httpclient|libwww|ruby|php|node|axios)\b",
    re.IGNORECASE,
)
INPUT: Final = re.compile(r"(pointer|touch|key|click):([0-9]{1,10})")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known about how a form came to be sent.

    Args:
        age: how long ago the form was shown.
        has_script: the page's script ran, so that it would have seen somebody touch, click or type.
        has_input: it did.
    """

    age: timedelta
    has_script: bool
    has_input: bool

    @classmethod
    def read(cls, said: str, *, age: timedelta) -> Evidence:
        """Return what the page's script said; input before the form was shown is none.

        Args:
            said: the kind of input and the milliseconds between showing the page and it; empty without a script.
        """
        found = INPUT.fullmatch(said)
        is_possible = found is not None and timedelta(milliseconds=int(found[2])) <= age + CLOCKS_DIFFER
        return cls(age=age, has_script=bool(said), has_input=is_possible)


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Whoever sent a form of our pages: a browser as it can be recognised, and what speaks against a person.

    Args:
        has_input: somebody was seen to touch, click or type, and nothing speaks against it.
    """

    fingerprint: bytes
    has_input: bool = False
    suspicion: str = ""

    def gave(self, response: Response) -> bool:
        """Tell whether an answer came from this browser; one from elsewhere than our pages is anybody's."""
        return response.fingerprint is None or compare_digest(bytes(response.fingerprint), self.fingerprint)

    def takes_the_place_of(self, response: Response) -> bool:
        """Tell whether a score is not that of the suspect answer, but somebody else's or a person's after all."""
        return response.is_suspect and (self.has_input or not self.gave(response))

    def may_merge(self, message: Submission, response: Response) -> bool:
        """Tell whether a later message comes from whoever gave the answer, as far as that can be told.

        Somebody at another device may still add what was not said yet.
        """
        is_own = self.gave(response)
        if response.is_suspect:
            return is_own
        if response.fingerprint is None:
            return not self.suspicion
        if is_own:
            return self.has_input or not (response.is_confirmed or self.suspicion)
        return self.has_input and _only_adds(message, response)


def _only_adds(message: Submission, response: Response) -> bool:
    changes = (
        (message.score, response.score),
        (message.comment, response.comment),
        (message.reasons, tuple(response.reasons)),
        (message.contact_permission, response.contact_permission),
    )
    return all(new is None or new == old or old in ("", (), False) for new, old in changes)


def traces_of(sender: Sender | None) -> dict[str, Any]:
    """Return what a response keeps of the browser that sent it."""
    if sender is None:
        return {"is_suspect": False, "suspicion": "", "is_confirmed": False, "fingerprint": None}
    return {
        "is_suspect": bool(sender.suspicion),
        "suspicion": str(sender.suspicion),
        "is_confirmed": sender.has_input,
        "fingerprint": sender.fingerprint,
    }


def put_in_place_of(response: Response, message: Submission, *, at: datetime) -> dict[str, Any]:
    """Return what a suspect answer becomes with a score that takes its place: as if it were the first one."""
    return {
        "seq": message.seq,
        "score": message.score,
        "answered_at": at,
        "answered_on": at.astimezone(response.product.zone).date(),
        "received_at": at,
        "state": Response.State.PARTIAL,
        "triage": Response.Triage.UNREAD,
        **{"comment": "", "reasons": [], "contact_permission": False, "completed_at": None},
        **{"excluded_at": None, "excluded_by": None, "exclusion_reason": ""},
        **traces_of(message.sender),
    }


def sender_of(*, token: str, network: str, user_agent: str, evidence: Evidence | None = None, seen: str = "") -> Sender:
    """Return who looks at a page, or sent its form.

    Args:
        network: what ``privacy.limits.address_prefix`` returns.
        evidence: how the form came to be sent; ``None`` for a look at the page.
        seen: what earlier visits to the link, or an earlier answer there, are suspected of.
    """
    # Recognises a browser on one page only: it can be linked neither to a person nor to other answers.
    fingerprint = keyed_hash("fingerprint", f"{token}\x00{network}\x00{user_agent}")
    suspicion = judge(evidence, user_agent=user_agent, seen=seen) if evidence else ""
    has_input = evidence is not None and evidence.has_input and not suspicion
    return Sender(fingerprint=fingerprint, has_input=has_input, suspicion=suspicion)


def is_scanner(user_agent: str) -> bool:
    """Tell whether a browser's name is that of a program that scans links."""
    return SCANNERS.search(user_agent) is not None


def judge(evidence: Evidence, *, user_agent: str, seen: str = "") -> str:
    """Return why a form was probably sent by a machine; empty where it was a person.

    Args:
        seen: what earlier visits to the link, or an earlier answer there, are suspected of. Where somebody was seen to
            press the button it does not matter: a company's scanner opens all links of people who then answer.
    """
    if is_scanner(user_agent):
        return Suspicion.SCANNER
    if evidence.has_input:
        return ""
    if evidence.has_script:
        return Suspicion.NO_INPUT
    return seen or (Suspicion.TOO_FAST if evidence.age < SENT_TOO_FAST else "")


def record_visit(*, invitation: Invitation, is_head: bool, score: int | None, user_agent: str) -> None:
    """Remember that a link was opened, and what about it only a machine does; at most one statement, no answer.

    A visit that is suspect by itself does not count as opened by the person.

    Args:
        score: the score on the scale that the link names, if it names one.
    """
    at = timezone.now()
    suspicion = _suspicion_of_visit(invitation, is_head=is_head, user_agent=user_agent, at=at)
    rows = Invitation.including_restricted.filter(pk=invitation.pk)
    # The conditions look at the row as it is when its turn has come: scanners open all links at once.
    two_scores = Q(score_opened_at__gt=at - TWO_SCORES_WITHIN) & ~Q(score_opened=score)
    if suspicion:
        rows.filter(suspicion="").update(suspicion=suspicion)
    elif score is not None and not is_head:
        rows.update(
            opened_at=Coalesce(F("opened_at"), Value(at)),
            suspicion=Case(
                When(Q(suspicion="") & two_scores, then=Value(Suspicion.TWO_SCORES)), default=F("suspicion")
            ),
            score_opened=score,
            score_opened_at=at,
        )
    elif invitation.opened_at is None:
        rows.filter(opened_at=None).update(opened_at=at)


def _suspicion_of_visit(invitation: Invitation, *, is_head: bool, user_agent: str, at: datetime) -> str:
    if is_scanner(user_agent):
        return Suspicion.SCANNER
    if is_head:
        return Suspicion.HEAD
    if invitation.sent_at is None:  # of an e-mail: the mail server is taking it at this moment
        is_early = invitation.channel == Channel.EMAIL
    else:
        is_early = at < invitation.sent_at + OPENED_TOO_EARLY
    return Suspicion.EARLY if is_early else ""


def forget_fingerprints(*, at: datetime) -> int:
    """Remove the fingerprints of answers that can no longer be changed; return how many."""
    old = Response.including_restricted.filter(fingerprint__isnull=False, received_at__lte=at - FINGERPRINT_KEPT)
    return old.update(fingerprint=None)
