"""What a survey page shows: which survey, which step is due, and in which language."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Q
from django.utils.html import format_html
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from feedback.intake import COMMENT_EDITABLE, SCORE_EDITABLE
from feedback.invitations import InvitationError
from feedback.models import Invitation, Response
from privacy.encryption import token_digest
from surveys.models import Channel, Survey
from surveys.wording import choose_language

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.utils.safestring import SafeString

    from surveys.models import SurveyVersion


class UnknownSurvey(InvitationError):
    code, status, message = "unknown_survey", 404, _("There is no such survey.")


class EndedSurvey(InvitationError):
    code, status, message = "survey_ended", 410, _("This survey has ended.")


def find_open_survey(slug: str, *, at: datetime) -> Survey:
    """Return the survey that anybody with its share link may answer now, with its version and product.

    Raises:
        UnknownSurvey: there is none, it was never published, or it has not begun.
        EndedSurvey: it is paused, archived or over, or can no longer be answered through a link.
    """
    published = Survey.objects.filter(slug=slug, current_version__isnull=False)
    survey = (
        published.askable(at=at)
        .filter(channels__contains=[Channel.LINK])
        .select_related("current_version", "product__controller")
        .first()
    )
    if survey is not None:
        return survey
    if published.filter(Q(starts_at__isnull=True) | Q(starts_at__lte=at)).exists():
        raise EndedSurvey
    raise UnknownSurvey


def framing_origins(token: str) -> list[str]:
    """Return the web sites that may show an invitation's page in a frame: those that its product lists by name.

    An empty list allows any site to ask, but none to frame: a page in a frame can be laid under another one's buttons.
    """
    asked = Invitation.including_restricted.filter(token_digest=token_digest(token))
    return asked.values_list("product__allowed_origins", flat=True).first() or []


class Step(StrEnum):
    SCORE = "score"
    FOLLOW_UP = "comment"
    DONE = "done"


def due_step(response: Response | None, *, wanted: str = "", at: datetime) -> Step:
    """Return the step a person finds: the first one open, or the one they want to change while they still may.

    Args:
        wanted: the step to go back to, ``score`` or ``comment``; anything else asks for none.
    """
    if response is None:
        return Step.SCORE
    if wanted in editable_steps(response, at=at):
        return Step(wanted)
    return Step.FOLLOW_UP if response.state == Response.State.PARTIAL else Step.DONE


def editable_steps(response: Response, *, at: datetime) -> set[Step]:
    """Return the steps of an answer that its author may still change."""
    limits = {Step.SCORE: SCORE_EDITABLE, Step.FOLLOW_UP: COMMENT_EDITABLE}
    return {step for step, limit in limits.items() if at < response.answered_at + limit}


@dataclass(frozen=True, kw_only=True)
class Speech:
    """The wording of a survey version in the language chosen for one person.

    Args:
        furniture: the language of everything around the wording; one of ``LANGUAGES``.
        languages: code and name of every language the person may switch to.
    """

    language: str
    furniture: str
    words: Mapping[str, Any]
    languages: tuple[tuple[str, str], ...]

    @property
    def attributes(self) -> SafeString | str:
        """Mark wording that is in another language than the page around it."""
        if self.language == self.furniture:
            return ""
        direction = "rtl" if _info(self.language)["bidi"] else "ltr"
        return format_html(' lang="{}" dir="{}"', self.language, direction)


def choose_speech(version: SurveyVersion, *preferred: str | None) -> Speech:
    """Choose the first preferred language that has wording, else the version's default.

    Args:
        preferred: language codes or values of ``Accept-Language``, best first.
    """
    language = choose_language(version.content, version.default_language, *preferred)
    ours = dict(settings.LANGUAGES)
    furniture = next(code for code in (language, version.default_language, settings.LANGUAGE_CODE) if code in ours)
    return Speech(
        language=language,
        furniture=furniture,
        words=version.content[language],
        languages=tuple(
            (code, _info(code)["name_local"])
            for code in sorted(version.content, key=lambda code: (code != version.default_language, code))
        ),
    )


def _info(language: str) -> Mapping[str, Any]:
    try:
        info: Mapping[str, Any] = get_language_info(language)
    except KeyError:
        return {"bidi": False, "name_local": language}
    return info
