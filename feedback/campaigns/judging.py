"""May these people be mailed: the one decision of ``feedback.eligibility`` for each, in the channel e-mail.

Nothing is written here, so that trying a campaign, taking an audience over and sending all ask the same question.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback import eligibility
from feedback import facts as stored
from feedback.eligibility import decide
from feedback.invitations import Moment, facts_of
from feedback.models import CampaignMail, ChannelPermission, Respondent
from feedback.products import load_product
from surveys.models import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django_stubs_ext import StrOrPromise

    from feedback.campaigns.entries import Entry, StatedPermission
    from feedback.eligibility import Candidate, Verdict
    from feedback.identity import Person
    from feedback.models import Campaign, Invitation
    from feedback.products import ProductFacts

ELIGIBLE: Final = "eligible"
LATER: Final = "later"
# To these a mail is owed.
OWED: Final = frozenset({ELIGIBLE, LATER})
# What stands in the way and passes by itself: a mail waits for it if it is over soon enough. Everything else ends the
# mail: a wish or a missing permission, an answer or a decline, another mail, a quota that is full, a survey that ended.
# Whoever was asked elsewhere since the first mail is not reminded.
PASSES: Final[dict[str, frozenset[str]]] = {
    CampaignMail.Kind.FIRST: frozenset({"pending", "snoozed", "shown_recently", "cooldown", "daily_cap"}),
    CampaignMail.Kind.REMINDER: frozenset({"daily_cap"}),
}
LONGEST_WAIT: Final = timedelta(days=7)
WHY: Final[dict[str, StrOrPromise]] = {
    **eligibility.WHY,
    LATER: _("Waits until a short rest or the limit of the day is over."),
    "no_address": _("No e-mail address is known."),
    "same_mailbox": _("Somebody with the same mailbox gets this mail."),
    "already_queued": _("This person is in the campaign already."),
    "invalid_email": _("This is not an e-mail address."),
    "invalid_phone": _("This is not a phone number with its country code."),
    "invalid_country": _("A country is written with two letters: PL."),
    "invalid_date": _("A date is written as year-month-day: 2026-01-31."),
    "too_long": _("A value is too long."),
    "malformed_row": _("This row of the file cannot be read."),
    "cancelled": _("The campaign was cancelled."),
    "answered": _("This person reacted to the first mail."),
    "no_reminder": _("The survey does not allow a reminder."),
    "expired": _("The invitation has expired."),
    "refused": _("The mail server does not accept it."),
    "broken": _("Making or sending this mail failed every time; the workers’ log says why."),
    "unknown_outcome": _("The connection broke while the mail was handed over: it may have been sent or not."),
}
# Of these people nothing more is stored, not even that they were on a list.
LEAVES_NO_TRACE: Final = frozenset({"opted_out", "restricted", "suppressed"})


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An entry with the answer.

    Args:
        code: ``eligible``, ``later`` or why not; a key of ``WHY``.
        respondent: the stored record of the person, where there is one.
        address: where the mail would go.
        permission: to be recorded before the person is asked.
        passes_at: when what stands in the way of a mail ``later`` is over.
    """

    entry: Entry
    code: str
    person: Person | None = None
    respondent: Respondent | None = None
    address: str = ""
    permission: StatedPermission | None = None
    passes_at: datetime | None = None


@dataclass
class Judge:
    """Decides about people of one campaign as of one moment; the product's settings are read once.

    A survey that is paused counts as if it went on: what it owes waits until it does (``claiming.at_work``).
    """

    campaign: Campaign
    at: datetime
    product: ProductFacts = field(init=False)

    def __post_init__(self) -> None:
        product = load_product(self.campaign.product.public_key)
        assert product is not None  # noqa: S101  the campaign's foreign key says that there is one
        self.product = product

    @property
    def _candidates(self) -> list[Candidate]:
        own = [each for each in self.product.candidates if each.survey_id == self.campaign.survey_id]
        return [replace(each, is_live=True) for each in own]

    def judge(self, entries: Sequence[Entry]) -> list[Judged]:
        """Decide about some hundred people; takes one statement for each and a few for all."""
        records = Records.of(self.campaign.product_id, [entry.person for entry in entries if entry.person])
        withdrawals = _withdrawals(records.everybody) if any(entry.permission for entry in entries) else {}
        judged = [self._judge(entry, records, withdrawals) for entry in entries]
        return self._without_repetitions(judged)

    def verdict_on(
        self,
        person: Person,
        records: Records,
        *,
        permits: bool = False,
        is_moved: bool = False,
        apart_from: Invitation | None = None,
    ) -> tuple[Verdict, stored.PersonFacts]:
        """Return whether a person may be mailed, why not and until when, and the facts on which that rests.

        Args:
            permits: counts as if a permission were in force.
            is_moved: has another address than the one that is stored, so that what came back says nothing.
            apart_from: an invitation that this mail itself belongs to, which therefore stands in nobody's way.
        """
        known = stored.load_person(self.product, person, channel=Channel.EMAIL, at=self.at)
        wishes = records.of_mailbox(person.email)
        judged = replace(
            known,
            has_permission=(known.has_permission or permits) and not any(each.wants_no_mail for each in wishes),
            has_objected=known.has_objected or any(each.objected_at for each in wishes),
            is_restricted=known.is_restricted or any(each.restricted_at for each in wishes),
            has_bounced=(known.has_bounced and not is_moved) or any(each.mail_bounced_at for each in wishes),
            history=tuple(each for each in known.history if not _is_of(each, apart_from)),
        )
        moment = Moment(channel=Channel.EMAIL, language=person.language or known.language)
        facts = facts_of(self.product, replace(person, is_signed=True), moment, judged, at=self.at)
        return decide(self._candidates, facts), known

    def passes_at(self, verdict: Verdict, kind: str = CampaignMail.Kind.FIRST) -> datetime | None:
        """Return when to look again at what passes soon; ``None`` where nothing stands in the way, or for longer."""
        is_soon = verdict.code in PASSES[kind] and verdict.next_check_at <= self.at + LONGEST_WAIT
        return verdict.next_check_at if is_soon else None

    def _judge(self, entry: Entry, records: Records, withdrawals: dict[int, datetime]) -> Judged:
        if entry.person is None:
            return Judged(entry=entry, code=entry.problem)
        person, respondent = records.recognise(entry.person)
        address = person.email or (respondent.email if respondent else "")
        if not address:
            return Judged(entry=entry, code="no_address", person=person, respondent=respondent)
        person = replace(person, email=address)
        stated = entry.permission
        if stated and respondent and (withdrawn := withdrawals.get(respondent.pk)):
            # What was given before it was withdrawn does not come back with a list.
            stated = stated if stated.given_on > withdrawn.astimezone(self.product.zone).date() else None
        if any(each.wants_no_mail for each in records.of_mailbox(address)):
            stated = None  # only a consent that is recorded by itself, as given since, takes that back
        is_moved = respondent is not None and respondent.email != address
        verdict, known = self.verdict_on(person, records, permits=stated is not None, is_moved=is_moved)
        passes_at = self.passes_at(verdict)
        return Judged(
            entry=entry,
            code=LATER if passes_at else verdict.code,
            passes_at=passes_at,
            person=person,
            respondent=respondent,
            address=address,
            permission=None if known.has_permission else stated,
        )

    def _without_repetitions(self, judged: list[Judged]) -> list[Judged]:
        """Leave each person and each mailbox in once, also across the parts of an audience and several audiences."""
        addresses = [each.address for each in judged if each.code in OWED]
        owed = CampaignMail.objects.filter(campaign=self.campaign, kind=CampaignMail.Kind.FIRST)
        people = {each.respondent.pk for each in judged if each.respondent}
        owed = owed.exclude(state=CampaignMail.State.SKIPPED)  # a later list may say what was missing
        there = set(owed.filter(respondent__in=people).values_list("respondent", flat=True))
        mailboxes = set(owed.filter(respondent__email__in=addresses).values_list("respondent__email", flat=True))
        kept = []
        for each in judged:
            code = each.code
            if each.respondent and each.respondent.pk in there:
                code = "already_queued"
            elif code in OWED and each.address in mailboxes:
                code = "same_mailbox"
            if each.respondent:
                there.add(each.respondent.pk)
            if code in OWED:
                mailboxes.add(each.address)
            kept.append(replace(each, code=code))
        return kept


@dataclass(frozen=True)
class Records:
    """The stored records that some people may be, by their key and by their mailbox."""

    by_key: dict[str, Respondent]
    by_mailbox: dict[str, list[Respondent]]

    @classmethod
    def of(cls, product_id: int, people: Iterable[Person]) -> Records:
        people = list(people)
        everybody = Respondent.including_restricted.filter(product=product_id, person__isnull=True).order_by("pk")
        named = Q(subject_key__in=[person.subject_key for person in people])
        mailboxes = {person.email for person in people if person.email}
        if by_id_alone := [person.subject_key for person in people if not person.email]:
            known = everybody.filter(subject_key__in=by_id_alone).exclude(email="")
            mailboxes.update(known.values_list("email", flat=True))
        found = everybody.filter(named | Q(email__in=mailboxes))
        by_key: dict[str, Respondent] = {}
        by_mailbox: dict[str, list[Respondent]] = {}
        for record in found:
            by_key[record.subject_key] = record
            by_mailbox.setdefault(record.email, []).append(record)
        return cls(by_key, by_mailbox)

    @property
    def everybody(self) -> list[Respondent]:
        return list(self.by_key.values())

    def of_mailbox(self, address: str) -> list[Respondent]:
        """Return everybody with an address: a wish of one of them holds for the mailbox."""
        return self.by_mailbox.get(address, []) if address else []

    def wish_of(self, person: Person) -> str:
        """Return the code of what anybody with the person's mailbox wishes against being written to, or nothing."""
        own = self.by_key.get(person.subject_key)
        wishes = self.of_mailbox(person.email or (own.email if own else ""))
        if any(each.objected_at for each in wishes):
            return "opted_out"
        if any(each.restricted_at for each in wishes):
            return "restricted"
        return "no_permission" if any(each.wants_no_mail for each in wishes) else ""

    def recognise(self, person: Person) -> tuple[Person, Respondent | None]:
        """Return who somebody is; whoever is named by an address alone may be known by an id."""
        own = self.by_key.get(person.subject_key)
        if own is None and not person.external_id:
            for record in self.of_mailbox(person.email):
                kind, _colon, identifier = record.subject_key.partition(":")
                if kind == "id":
                    return replace(person, external_id=identifier), record
        return person, own


def _is_of(occasion: eligibility.Occasion, invitation: Invitation | None) -> bool:
    return invitation is not None and (occasion.survey_id, occasion.created_at) == (
        invitation.survey_id,
        invitation.created_at,
    )


def _withdrawals(people: Iterable[Respondent]) -> dict[int, datetime]:
    """Return when each of the people last withdrew a permission."""
    rows = ChannelPermission.including_restricted.filter(
        respondent__in=people, channel=Channel.EMAIL, withdrawn_at__isnull=False
    )
    found = rows.order_by("withdrawn_at").values_list("respondent", "withdrawn_at")
    return {respondent: at for respondent, at in found if at is not None}
