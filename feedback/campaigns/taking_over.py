"""Turning an audience into owed mails: part by part, so that a killed worker loses nothing and repeats nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import DataError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.campaigns.entries import check_file, entries_of
from feedback.campaigns.judging import LEAVES_NO_TRACE, OWED, Judge, Judged
from feedback.campaigns.lifecycle import MAY_GET_PEOPLE, lock
from feedback.campaigns.zones import first_allowed, zone_of
from feedback.imports.running import KEEP_FILES_FOR
from feedback.models import Campaign, CampaignAudience, CampaignMail, ChannelPermission, Respondent
from surveys.models import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from feedback.campaigns.entries import Entry, StatedPermission
    from feedback.models import Segment

PART: Final = 500
MOST_TRIED: Final = 5_000  # of whom the page of a dry run tells; its file tells of everybody
# Errors of a program or of what it was given: another try meets them again.
BREAKS: Final = (DataError, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
# What a product says about somebody replaces what it said before; what it leaves out stays.
TOLD: Final = ("email", "phone", "name", "company", "country", "language", "customer_since")
State = CampaignAudience.State
Kind = CampaignAudience.Kind


@transaction.atomic
def add_audience(
    *,
    campaign: Campaign,
    segment: Segment | None = None,
    file_name: str = "",
    content: bytes = b"",
    permission: StatedPermission | None = None,
) -> CampaignAudience:
    """Add a segment or a file to a campaign; nobody is taken over before that is asked for.

    Args:
        permission: what is known about the permission of everybody in the file; ``None`` where it is recorded.

    Raises:
        ValidationError: ``not_open`` where the campaign takes nobody any more, ``foreign_segment``,
            ``in_the_future``, or what ``entries.check_file`` raises.
    """
    if segment is None:
        check_file(content)  # takes its time, in which nobody has to wait
    campaign = lock(campaign)
    if campaign.state not in MAY_GET_PEOPLE:
        raise ValidationError(_("This campaign takes nobody any more."), code="not_open")
    if segment is not None and segment.product_id != campaign.product_id:
        raise ValidationError(_("This segment belongs to another product."), code="foreign_segment")
    check_permission(campaign, permission)
    return CampaignAudience.objects.create(
        campaign=campaign,
        kind=Kind.SEGMENT if segment else Kind.FILE,
        segment=segment,
        file_name=file_name[-255:],
        content=content,
        **_columns_of(permission),
    )


def check_permission(campaign: Campaign, permission: StatedPermission | None) -> None:
    """Refuse a permission that nobody can have given yet.

    Raises:
        ValidationError: ``in_the_future`` or ``no_evidence``.
    """
    if permission is None:
        return
    if permission.given_on > timezone.now().astimezone(campaign.product.zone).date():
        raise ValidationError(_("The day of the permission has not come yet."), code="in_the_future")
    if not permission.evidence.strip():
        raise ValidationError(_("Say where the permission can be looked up."), code="no_evidence")


def _columns_of(permission: StatedPermission | None) -> dict[str, Any]:
    if permission is None:
        return {}
    return {"basis": permission.basis, "evidence": permission.evidence, "given_on": permission.given_on}


def dry_run(*, audience: CampaignAudience) -> Iterator[Judged]:
    """Yield for each person whether they would be mailed and why not; nothing is stored.

    Raises:
        ValidationError: as ``entries_of``, before the first.
    """
    judge = Judge(audience.campaign, planned_at(audience.campaign))
    seen: set[int] = set()  # of an address its hash, which takes less room
    for part in _parts(entries_of(audience)):
        for judged in judge.judge(part):
            is_owed, mailbox = judged.code in OWED, hash(judged.address)
            yield replace(judged, code="same_mailbox") if is_owed and mailbox in seen else judged
            if is_owed:
                seen.add(mailbox)


def counts_of(judged: Iterator[Judged] | Sequence[Judged]) -> Counter[str]:
    """Return how many people got which answer."""
    return Counter(each.code for each in judged)


def take_over(*, audience_id: int) -> int:
    """Turn an audience into owed mails, from where an earlier worker was stopped, and return how many people it saw.

    Two workers at once do not do it twice: each part is written together with how far it reaches. What breaks it in a
    way that another try would not mend closes it, so that staff see it.

    Raises:
        Exception: whatever broke it off.
    """
    audience = CampaignAudience.objects.select_related("campaign__product", "campaign__survey", "segment").get(
        pk=audience_id
    )
    if audience.state in {State.DONE, State.FAILED}:
        return 0
    seen = 0
    try:
        for part in _parts(entries_of(audience)):
            if not _take_part(audience, part):
                return seen
            seen += len(part)
    except ValidationError as error:
        _close(audience, State.FAILED, " ".join(error.messages)[:300])
        return seen
    except BREAKS:
        _close(audience, State.FAILED, _broke_off(audience))
        raise
    _close(audience, State.DONE)
    return seen


def unfinished_audiences() -> list[int]:
    """Return the ids of the audiences that a worker should be at work on."""
    waiting = CampaignAudience.objects.filter(state__in=[State.WAITING, State.RUNNING])
    open_ones = waiting.filter(campaign__state__in=[Campaign.State.SCHEDULED, Campaign.State.RUNNING])
    return list(open_ones.values_list("pk", flat=True))


def remove_old_files(*, now: datetime) -> int:
    """Remove files that were uploaded 30 days ago and never taken over; return how many.

    The names of files go with them, also of those that were taken over: whoever named a file may have named a person.
    """
    old = CampaignAudience.objects.filter(kind=Kind.FILE, created_at__lte=now - KEEP_FILES_FOR)
    old.exclude(file_name="").update(file_name="")
    waiting = old.filter(state__in=[State.WAITING, State.RUNNING])
    return waiting.update(state=State.FAILED, failure=_("The file has been removed. Upload it again."), content=b"")


@transaction.atomic
def _take_part(audience: CampaignAudience, part: Sequence[Entry]) -> bool:
    """Write a part unless another worker did, or the campaign takes nobody any more."""
    campaign = lock(audience.campaign)  # several audiences of it owe each person one mail
    row = CampaignAudience.objects.select_for_update(of=("self",)).defer("content").get(pk=audience.pk)
    is_done = row.position != audience.position or row.state in {State.DONE, State.FAILED}
    if is_done or campaign.state not in MAY_GET_PEOPLE:
        return False
    judge = Judge(audience.campaign, planned_at(audience.campaign))
    owe_mails(campaign=audience.campaign, judged=judge.judge(part))
    row.position, row.state = part[-1].position, State.RUNNING
    row.save(update_fields=["position", "state"])
    audience.position = row.position
    return True


def planned_at(campaign: Campaign) -> datetime:
    """Return as of when people are judged before the mails go out: the planned beginning, where it is to come."""
    return max(at for at in (campaign.starts_at, campaign.survey.starts_at, timezone.now()) if at)


def owe_mails(*, campaign: Campaign, judged: Sequence[Judged]) -> None:
    """Owe a mail to those who may get one, and note why the others get none. Needs a transaction."""
    now = timezone.now()
    people = _store_people(campaign, [each for each in judged if each.code in OWED], at=now)
    ChannelPermission.objects.bulk_create(
        [
            ChannelPermission(
                respondent=people[id(each)],
                channel=Channel.EMAIL,
                basis=each.permission.basis,
                evidence=each.permission.evidence.strip(),
                given_on=each.permission.given_on,
            )
            for each in judged
            if each.permission and id(each) in people
        ],
        ignore_conflicts=True,
    )
    rows = [_mail(campaign, each, people.get(id(each)), at=planned_at(campaign)) for each in judged]
    skipped = CampaignMail.objects.filter(
        campaign=campaign, kind=CampaignMail.Kind.FIRST, respondent__in=people.values()
    )
    skipped.filter(state=CampaignMail.State.SKIPPED).delete()
    CampaignMail.objects.bulk_create(rows, ignore_conflicts=True, batch_size=PART)


def _mail(campaign: Campaign, judged: Judged, respondent: Respondent | None, *, at: datetime) -> CampaignMail:
    if respondent is None:
        is_named = judged.respondent and judged.code not in LEAVES_NO_TRACE | {"already_queued"}
        return CampaignMail(
            campaign=campaign,
            respondent=judged.respondent if is_named else None,
            line=judged.entry.line,
            state=CampaignMail.State.SKIPPED,
            code=judged.code,
        )
    zone = zone_of(properties=respondent.properties, country=respondent.country, otherwise=campaign.product.zone)
    return CampaignMail(
        campaign=campaign,
        respondent=respondent,
        line=judged.entry.line,
        state=CampaignMail.State.QUEUED,
        next_attempt_at=first_allowed(campaign, judged.passes_at or at, zone),
    )


def _store_people(campaign: Campaign, judged: Sequence[Judged], *, at: datetime) -> dict[int, Respondent]:
    """Store what the product tells about people who will be mailed; return their records by the judged entry."""
    strangers = [each for each in judged if each.respondent is None]
    fresh = [
        Respondent(
            product_id=campaign.product_id,
            subject_key=each.person.subject_key,
            external_id=each.person.external_id,
            properties=dict(each.person.properties),
            first_seen_at=at,
            **{name: getattr(each.person, name) for name in TOLD},
        )
        for each in strangers
        if each.person
    ]
    Respondent.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=PART)
    met = Respondent.objects.filter(
        product=campaign.product_id, subject_key__in=[each.person.subject_key for each in strangers if each.person]
    )
    by_key = {record.subject_key: record for record in met}
    records = {}
    for each in judged:
        record = each.respondent or (by_key.get(each.person.subject_key) if each.person else None)
        if record is not None and each.person is not None:
            records[id(each)] = record
            _update(record, each)
    return records


def _update(record: Respondent, judged: Judged) -> None:
    """Replace what the product tells anew; another address has not come back yet."""
    person = judged.person
    assert person is not None  # noqa: S101  only people are stored
    told = {name: getattr(person, name) for name in TOLD if getattr(person, name)}
    told["properties"] = {**record.properties, **person.properties}
    changed = {name: value for name, value in told.items() if getattr(record, name) != value}
    if "email" in changed:
        changed["mail_bounced_at"] = None
    if changed:
        for name, value in changed.items():
            setattr(record, name, value)
        record.save(update_fields=list(changed))


def _broke_off(audience: CampaignAudience) -> str:
    message = _("This broke off at one of the %(most)s people after number %(position)s; the workers’ log says why.")
    return message % {"most": PART, "position": audience.position}


def _close(audience: CampaignAudience, state: State, failure: str = "") -> None:
    open_ones = CampaignAudience.objects.filter(pk=audience.pk).exclude(state__in=[State.DONE, State.FAILED])
    open_ones.update(state=state, failure=failure, content=b"")


def _parts(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while part := list(islice(entries, PART)):
        yield part
