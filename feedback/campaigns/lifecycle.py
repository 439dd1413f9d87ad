"""The life of a campaign: written, started, paused and resumed, cancelled or finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.models import Campaign, CampaignAudience, CampaignMail, CampaignWording
from feedback.unsent import drop_waiting
from surveys.models import Channel, Survey
from surveys.wording import language_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.contrib.auth.models import User

State = Campaign.State
# From which states a campaign can be brought into which.
MOVES: Final[dict[str, frozenset[str]]] = {
    State.SCHEDULED: frozenset({State.DRAFT}),
    State.RUNNING: frozenset({State.DRAFT, State.SCHEDULED, State.PAUSED}),
    State.PAUSED: frozenset({State.SCHEDULED, State.RUNNING}),
    State.CANCELLED: frozenset({State.DRAFT, State.SCHEDULED, State.RUNNING, State.PAUSED}),
    State.FINISHED: frozenset({State.RUNNING}),
}
MAY_GET_PEOPLE: Final = frozenset({State.DRAFT, State.SCHEDULED, State.RUNNING, State.PAUSED})
# Nobody who is named by the first mail reads anything that only holds on one day.
SHIPPED: Final[dict[str, tuple[str, str]]] = {
    "pl": (
        "Jak oceniasz produkt {product}? Jedno krótkie pytanie",
        "Dzień dobry {name},\n\nmamy do Ciebie jedno krótkie pytanie. Odpowiedź zajmie mniej niż minutę.",
    ),
    "en": (
        "One short question about {product}",
        "Hello {name},\n\nwe have one short question for you. Answering takes less than a minute.",
    ),
}


@transaction.atomic
def write_campaign(
    *, campaign: Campaign, by: User | None, wording: Mapping[str, tuple[str, str]] | None = None
) -> Campaign:
    """Store a new campaign, with the shipped wording in every language of its survey that has one.

    Args:
        by: the member of staff; ``None`` where the product's server made it.
        wording: language → subject and introduction, in place of the shipped one.

    Raises:
        ValidationError: what is wrong with the campaign or its wording.
    """
    campaign.created_by = by
    campaign.full_clean()
    campaign.save()
    version = campaign.survey.current_version
    languages = version.content if version else SHIPPED
    words = {language: SHIPPED[language] for language in languages if language in SHIPPED} | dict(wording or {})
    for language, (subject, intro) in words.items():
        row = CampaignWording(campaign=campaign, language=language, subject=subject, intro=intro)
        row.full_clean()
        row.save()
    return campaign


@transaction.atomic
def start(*, campaign: Campaign) -> Campaign:
    """Let the mails go out, now or from the planned beginning on, with the version published at this moment.

    Raises:
        ValidationError: ``not_possible``, ``survey_not_live``, ``no_audience``, ``wording_missing`` or ``no_reminder``.
    """
    campaign = lock(campaign)
    if campaign.state != State.DRAFT:
        raise _not_possible()
    survey = Survey.objects.select_related("current_version").get(pk=campaign.survey_id)
    version = survey.current_version
    if survey.state != Survey.State.LIVE or version is None or Channel.EMAIL not in survey.channels:
        raise ValidationError(_("The survey is not live for e-mail."), code="survey_not_live")
    if not (campaign.audiences.exists() or campaign.mails.exists()):
        raise ValidationError(_("Choose an audience first."), code="no_audience")
    missing = sorted(set(version.content) - set(campaign.wordings.values_list("language", flat=True)))
    if missing:
        names = ", ".join(language_name(code) for code in missing)
        raise ValidationError(
            _("The mail has no wording in: %(languages)s."), code="wording_missing", params={"languages": names}
        )
    campaign.survey = survey
    campaign.clean()
    now = timezone.now()
    is_later = campaign.starts_at is not None and campaign.starts_at > now
    campaign.version, campaign.started_at = version, now
    campaign.state = State.SCHEDULED if is_later else State.RUNNING
    campaign.save(update_fields=["version", "started_at", "state"])
    return campaign


@transaction.atomic
def pause(*, campaign: Campaign) -> Campaign:
    """Hand over nothing more; a mail that is being handed over at this moment still goes.

    Raises:
        ValidationError: ``not_possible``.
    """
    return _move(lock(campaign), State.PAUSED)


@transaction.atomic
def resume(*, campaign: Campaign) -> Campaign:
    """Go on where the campaign was paused.

    Raises:
        ValidationError: ``not_possible``.
    """
    campaign = lock(campaign)
    if campaign.state != State.PAUSED:
        raise _not_possible()
    is_early = campaign.starts_at is not None and campaign.starts_at > timezone.now()
    campaign.state = State.SCHEDULED if is_early else State.RUNNING
    campaign.save(update_fields=["state"])
    return campaign


@transaction.atomic
def cancel(*, campaign: Campaign) -> Campaign:
    """End a campaign for good: what waits is not sent.

    Raises:
        ValidationError: ``not_possible``.
    """
    campaign = _move(lock(campaign), State.CANCELLED)
    _drop_waiting()
    open_ones = campaign.audiences.exclude(state__in=[CampaignAudience.State.DONE, CampaignAudience.State.FAILED])
    open_ones.update(state=CampaignAudience.State.FAILED, failure=_("The campaign was cancelled."), content=b"")
    return campaign


def advance_campaigns(*, now: datetime) -> None:
    """Begin the campaigns whose time has come, and finish those with nothing left to do.

    What waits again although its campaign was cancelled, because it was being sent at that moment, waits no longer.
    A campaign that was given something to do in the moment in which it finished goes on: the statement that finishes
    it does not see what is committed while it waits for the campaign's row.
    """
    _drop_waiting()
    due = Campaign.objects.filter(state=State.SCHEDULED, starts_at__lte=now)
    due.update(state=State.RUNNING)
    mails = CampaignMail.objects.filter(campaign=OuterRef("pk"))
    waiting, being_sent = (Exists(mails.filter(state=state)) for state in ("queued", "sending"))
    audiences = CampaignAudience.objects.filter(campaign=OuterRef("pk"))
    is_fed = Exists(audiences.filter(state__in=[CampaignAudience.State.WAITING, CampaignAudience.State.RUNNING]))
    overtaken = Campaign.objects.filter(waiting | is_fed, state=State.FINISHED)
    overtaken.update(state=State.RUNNING, finished_at=None)
    done = Campaign.objects.filter(~waiting, ~being_sent, ~is_fed, state=State.RUNNING)
    done.update(state=State.FINISHED, finished_at=now)


def _drop_waiting() -> None:
    drop_waiting(CampaignMail.objects.filter(campaign__state=State.CANCELLED), code="cancelled")


def lock(campaign: Campaign) -> Campaign:
    """Return the campaign as it is now; whoever changes it next waits until this transaction ends."""
    rows = Campaign.objects.select_for_update(of=("self",)).select_related("product", "survey")
    locked: Campaign = rows.get(pk=campaign.pk)
    return locked


def fits(campaign: Campaign, to: str) -> bool:
    """Tell whether a campaign can be brought into a state now."""
    return campaign.state in MOVES[to]


def _move(campaign: Campaign, to: State) -> Campaign:
    if not fits(campaign, to):
        raise _not_possible()
    campaign.state = to
    changed = ["state"]
    if to == State.CANCELLED:
        campaign.finished_at = timezone.now()
        changed.append("finished_at")
        if campaign.version_id is None:  # a draft that never was started names the version it would have had
            campaign.version = campaign.survey.current_version
            changed.append("version")
    campaign.save(update_fields=changed)
    return campaign


def _not_possible() -> ValidationError:
    return ValidationError(_("This is not possible now: somebody else may have changed it."), code="not_possible")
