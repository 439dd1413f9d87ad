"""What a survey's share link allows: until when, how many answers, and one from each device."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from feedback.invitations import InvitationError
from feedback.models import Invitation, Response
from privacy.encryption import token_digest
from surveys.models import Channel, Survey
from surveys.throttling import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from django.http import HttpResponse

MOST_COOKIE_DAYS: Final = 390  # browsers keep none for longer


class EndedLink(InvitationError):
    code, status, message = "link_ended", 410, _("This link has ended.")


class FullSurvey(InvitationError):
    code, status, message = "survey_full", 410, _("This survey has all the answers it needs.")


def check_link(survey: Survey, *, at: datetime) -> None:
    """Let the share link lead on only as long as it works and the survey takes more answers through it.

    Raises:
        EndedLink: its time is over.
        FullSurvey: it brought as many answers as it may.
    """
    if survey.link_ends_at is not None and survey.link_ends_at <= at:
        raise EndedLink
    if _is_full(survey):
        raise FullSurvey


@contextmanager
def room_for(survey: Survey, *, token: str) -> Iterator[None]:
    """Store a visitor's answer inside of this: where answers are limited, one visitor waits for the other.

    A visitor who sends the same form again was let in before.

    Raises:
        FullSurvey: somebody else gave the last answer meanwhile.
    """
    if survey.link_cap is None:
        yield
        return
    with transaction.atomic():
        Survey.objects.select_for_update(no_key=True).get(pk=survey.pk)
        if _is_full(survey) and not was_here(token):
            raise FullSurvey
        yield


def was_here(token: str) -> bool:
    """Tell whether a visitor with this token was let in already."""
    return Invitation.including_restricted.filter(token_digest=token_digest(token)).exists()


def _is_full(survey: Survey) -> bool:
    """Tell whether the link brought its answers: those that count, of visitors whom nobody sent a link of their own."""
    if survey.link_cap is None:
        return False
    answers = Response.objects.counted().filter(survey=survey, channel=Channel.LINK)
    visitors = answers.filter(respondent__subject_key__startswith="anon:")
    return bool(visitors.order_by()[: survey.link_cap].count() >= survey.link_cap)


def has_answered(survey: Survey, cookies: Mapping[str, str]) -> bool:
    """Tell whether somebody answered on this device, where the survey wants only one answer from each."""
    return survey.one_per_device and _cookie(survey) in cookies


def remember_device(response: HttpResponse, *, survey: Survey, path: str) -> None:
    """Leave a cookie that says that this survey was answered, and nothing about who did.

    Args:
        path: of the survey's page, the only one that is told.
    """
    if not survey.one_per_device:
        return
    days = resolve(survey, getattr(survey.product, "throttles", None)).response_days
    response.set_cookie(
        _cookie(survey),
        "1",
        max_age=min(days, MOST_COOKIE_DAYS) * 24 * 60 * 60,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _cookie(survey: Survey) -> str:
    return f"odzew_answered_{survey.pk}"
