"""Sending what is owed: nobody is mailed twice, and nobody is forgotten, wherever a worker is killed.

Each mail takes three short transactions around the moment at which it leaves:

1. It is **claimed** (``claiming``), then looked at again: is the campaign still running, is it the right hour where
   the person is, may they be asked (the decision of ``feedback.eligibility``, with the facts of this moment). If so
   their invitation is reserved. A worker killed up to here has handed nothing over: after the lease the mail waits
   again.
2. Just before the mail server is told ``DATA``, ``handed_over_at`` is written, on the condition that the claim still
   holds. Whoever lost it, a worker that hung for longer than the lease for instance, sends nothing.
3. When the server has accepted the mail, ``sent_at`` is written; when it refused, ``handed_over_at`` is taken back
   and the mail waits for its next attempt.

Between 2 and 3 lies a window of milliseconds in which nobody but the mail server knows whether it has the mail:
neither a database nor SMTP can close it. A mail whose worker was killed there, or whose connection broke there, is
never sent again by itself. It becomes ``unknown``, counts as mailed for every rest, is shown to staff, and is settled
by the provider's report about it or by their decision. So a mail goes out **at most once**, and every mail that did
not go out is either waiting or listed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, transaction
from django.utils import timezone

from feedback import facts as stored
from feedback.campaigns.claiming import BATCH, MINUTE, at_work, claim
from feedback.campaigns.handing_over import Courier, OutcomeUnknown, is_about_one_mail, provider_id_of
from feedback.campaigns.judging import Judge, Records
from feedback.campaigns.letter import Letter, compose, invitation_token, language_for, write_letter
from feedback.campaigns.settling import (
    has_arrived,
    settle_sent,
    settle_unknown,
    somebody,
    wait,
)
from feedback.campaigns.zones import first_allowed, zone_of
from feedback.eligibility import Verdict
from feedback.looking_up import person_of
from feedback.models import Campaign, CampaignMail, Invitation
from feedback.products import LIFETIME
from feedback.unsent import REACTIONS, take_back
from privacy.delivery import NOT_ACCEPTED, RETRIES, next_attempt
from privacy.encryption import token_digest
from surveys.models import Channel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.core.mail import EmailMessage

    from feedback.identity import Person
    from feedback.models import Respondent
    from surveys.models import SurveyVersion

logger = logging.getLogger(__name__)

State = CampaignMail.State
Kind = CampaignMail.Kind
# How often a decision is made anew because something else about the person was reserved meanwhile.
MOST_DECISIONS: Final = 5


class ClaimLost(Exception):
    """Somebody else decided about the mail since it was claimed."""


def send_batch(*, campaign_id: int, most: int = BATCH) -> int:
    """Claim mails of a campaign that are due and send them one after the other; return how many were claimed.

    Any number of workers may do this at the same time. Where the mail server is out of reach, the rest of the batch
    waits for a minute. A mail that breaks its worker waits longer each time, so that it does so to no other.

    Raises:
        Exception: whatever broke off the work.
    """
    mails = claim(campaign_id=campaign_id, most=most)
    if not mails:
        return 0
    rows = Campaign.objects.select_related("product__controller", "survey", "version")
    sender = Sender(rows.get(pk=campaign_id))
    try:
        for mail in mails:
            try:
                if not sender.send(mail):
                    break
            except Exception:
                _stumble(mail)
                raise
    finally:
        sender.courier.close()
        _release(mails)
    return len(mails)


def _release(mails: Sequence[CampaignMail]) -> None:
    """Let those mails of a batch wait again that nobody came to."""
    untouched = CampaignMail.objects.filter(
        pk__in=[mail.pk for mail in mails],
        state=State.SENDING,
        handed_over_at__isnull=True,
        claimed_at=mails[0].claimed_at,
    )
    untouched.update(state=State.QUEUED, claimed_at=None, next_attempt_at=timezone.now() + MINUTE)


@dataclass
class Sender:
    """Sends mails of one campaign over one connection; writes each language's letter once."""

    campaign: Campaign
    courier: Courier = field(default_factory=Courier)
    letters: dict[str, Letter] = field(default_factory=dict)
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self.judge = Judge(self.campaign, timezone.now())

    @property
    def version(self) -> SurveyVersion:
        assert self.campaign.version is not None  # noqa: S101  held by a constraint, which the type cannot say
        return self.campaign.version

    def send(self, mail: CampaignMail) -> bool:
        """Send one claimed mail, or write down why not.

        Returns:
            Whether it makes sense to go on with the next.
        """
        message = self._prepare(mail)
        if message is None:
            return True
        try:
            self.courier.hand_over(message, before=lambda: _leave(mail))
        except ClaimLost:
            return True
        except OutcomeUnknown:
            settle_unknown(mail)
            return False
        except (*NOT_ACCEPTED, ValueError) as error:  # ValueError: an address that no header can hold
            # Only the kind of error: its text may quote the address.
            logger.warning("campaign mail %s was not sent: %s", mail.pk, type(error).__name__)
            _put_off(mail, error)
            return is_about_one_mail(error)
        self._settle(mail, message)
        return True

    @transaction.atomic
    def _prepare(self, mail: CampaignMail) -> EmailMessage | None:
        """Return the mail ready to be handed over, its invitation reserved; ``None`` where it is not to be sent."""
        _do_not_wait_for_the_disk()  # what is written before the mail leaves takes it along
        claimed = _claimed(mail).select_for_update(of=("self",)).select_related("respondent", "invitation").first()
        if claimed is None or not self._is_running(claimed) or not self._is_time(claimed):
            return None
        respondent, token = somebody(claimed), self._token(claimed)
        language = language_for(self.version, self.campaign, respondent)
        if code := self._why_not(claimed, respondent, token):
            _skip(claimed, code)
            return None
        verdict = self._invite(claimed, respondent, language, token)
        if not verdict.eligible:
            self._wait_or_skip(claimed, verdict)
            return None
        return compose(
            letter=self._letter(language),
            campaign=self.campaign,
            mail=claimed,
            respondent=respondent,
            token=token,
        )

    def _is_running(self, mail: CampaignMail) -> bool:
        now = timezone.now()
        if at_work(now=now).filter(pk=self.campaign.pk).exists():
            return True
        if Campaign.objects.filter(pk=self.campaign.pk, state=Campaign.State.CANCELLED).exists():
            _skip(mail, "cancelled")
        else:
            wait(mail, until=now)
        return False

    def _is_time(self, mail: CampaignMail) -> bool:
        respondent, now = somebody(mail), timezone.now()
        zone = zone_of(
            properties=respondent.properties, country=respondent.country, otherwise=self.campaign.product.zone
        )
        allowed = first_allowed(self.campaign, now, zone)
        if allowed > now:
            wait(mail, until=allowed)
        return allowed <= now

    def _token(self, mail: CampaignMail) -> str:
        return invitation_token(campaign_id=self.campaign.pk, respondent_id=somebody(mail).pk)

    def _why_not(self, mail: CampaignMail, respondent: Respondent, token: str) -> str:
        """Return why a mail is out of place whatever the rules of asking say; empty where it is not."""
        if not respondent.email:
            return "no_address"
        if mail.kind == Kind.FIRST:
            return "answered" if has_arrived(mail) else ""
        if not self.campaign.survey.allows_reminder:
            return "no_reminder"
        invitation = mail.invitation
        if invitation is None or invitation.expires_at <= timezone.now():
            return "expired"
        if bytes(invitation.token_digest) != token_digest(token):  # SECRET_KEY was changed: the link would be dead
            return "expired"
        return "answered" if any(getattr(invitation, f"{each}_at") for each in REACTIONS) else ""

    def _wait_or_skip(self, mail: CampaignMail, verdict: Verdict) -> None:
        """Let a mail wait for what passes soon, for no longer than an invitation of the first day would live."""
        begun = [at for at in (self.campaign.started_at, self.campaign.starts_at) if at]
        passes_at = self.judge.passes_at(verdict, mail.kind)
        if passes_at and passes_at <= max(begun) + LIFETIME:
            wait(mail, until=passes_at)
        else:
            _skip(mail, verdict.code)

    def _invite(self, mail: CampaignMail, respondent: Respondent, language: str, token: str) -> Verdict:
        """Decide with the facts of this moment and reserve the invitation; return the decision."""
        person = person_of(respondent)
        records = Records.of(self.campaign.product_id, [person])
        for _decision in range(MOST_DECISIONS):
            self.judge.at = timezone.now()
            verdict, known = self.judge.verdict_on(person, records, apart_from=mail.invitation)
            if not verdict.eligible or mail.invitation is not None:
                return verdict
            if self._reserve(mail, person, known, language, token):
                return verdict
        # Something else is being reserved for this person again and again.
        return Verdict(code="pending", candidate=None, next_check_at=self.judge.at + MINUTE)

    def _reserve(
        self, mail: CampaignMail, person: Person, known: stored.PersonFacts, language: str, token: str
    ) -> bool:
        at, digest = self.judge.at, token_digest(token)
        row: dict[str, Any] = {
            **{"survey": self.campaign.survey_id, "version": self.version.pk, "channel": Channel.EMAIL},
            **{"shown_language": language, "url": "", "device": "", "app_version": "", "is_test": False},
            **{"expires_at": at + LIFETIME, "token_digest": digest},
        }
        if not stored.reserve(self.judge.product, person, known, at=at, invitation=row):
            return False
        mail.invitation_id = Invitation.including_restricted.values_list("pk", flat=True).get(token_digest=digest)
        CampaignMail.objects.filter(pk=mail.pk).update(invitation=mail.invitation_id)
        return True

    def _letter(self, language: str) -> Letter:
        if language not in self.letters:
            wording = self.campaign.wordings.get(language=language)
            self.letters[language] = write_letter(
                campaign=self.campaign,
                version=self.version,
                language=language,
                subject=wording.subject,
                intro=wording.intro,
            )
        return self.letters[language]

    @transaction.atomic
    def _settle(self, mail: CampaignMail, message: EmailMessage) -> None:
        _do_not_wait_for_the_disk()  # if the server loses it, the mail is one of which nobody knows
        settle_sent(mail_id=mail.pk, attempts=mail.attempts, provider_id=provider_id_of(message))


def _do_not_wait_for_the_disk() -> None:
    """Let this transaction commit before it is on disk; a later commit that waits takes it along."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO OFF")


def _claimed(mail: CampaignMail) -> Any:
    """Return the row of a mail as long as the claim holds and nothing was handed over."""
    return CampaignMail.objects.filter(
        pk=mail.pk, state=State.SENDING, attempts=mail.attempts, handed_over_at__isnull=True
    )


def _leave(mail: CampaignMail) -> None:
    """Write down that a mail is being handed over, committed at once.

    Raises:
        ClaimLost: the claim does not hold any more.
    """
    if not _claimed(mail).update(handed_over_at=timezone.now()):
        raise ClaimLost


def _skip(mail: CampaignMail, code: str) -> None:
    _end(mail, State.SKIPPED, code)


def _end(mail: CampaignMail, state: State, code: str) -> None:
    """End a mail that did not leave; an invitation that reached nobody is taken back."""
    if mail.kind == Kind.FIRST and mail.invitation_id is not None:
        take_back([mail.invitation_id])
    CampaignMail.objects.filter(pk=mail.pk).update(state=state, code=code, next_attempt_at=None, handed_over_at=None)


@transaction.atomic
def _put_off(mail: CampaignMail, error: Exception) -> None:
    """Let a mail that was not accepted wait for its next attempt, or give it up."""
    rows = CampaignMail.objects.select_for_update().filter(pk=mail.pk, state=State.SENDING, attempts=mail.attempts)
    claimed = rows.first()
    if claimed is None:
        return
    claimed.failures += 1
    claimed.save(update_fields=["failures"])
    is_hopeless = isinstance(error, ValueError)
    again = None if is_hopeless else next_attempt(error, failures=claimed.failures, now=timezone.now())
    _try_again(claimed, again, otherwise="refused")


@transaction.atomic
def _stumble(mail: CampaignMail) -> None:
    """Let a mail over which a worker broke wait for its next attempt, or give it up; one that may have left stays."""
    claimed = _claimed(mail).select_for_update(of=("self",)).first()
    if claimed is None:
        return
    claimed.failures += 1
    claimed.save(update_fields=["failures"])
    is_over = claimed.failures > len(RETRIES)
    again = None if is_over else timezone.now() + RETRIES[claimed.failures - 1]
    _try_again(claimed, again, otherwise="broken")


def _try_again(mail: CampaignMail, at: datetime | None, *, otherwise: str) -> None:
    if at is None:
        _end(mail, State.FAILED, otherwise)
    else:
        wait(mail, until=at)
