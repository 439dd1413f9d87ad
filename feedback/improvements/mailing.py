"""One mail about an improvement, once, to those who gave linked feedback and said that they may be contacted.

Rows say what is owed. Whether somebody may still be contacted is asked again when their mail goes out, with the very
query that chose them.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Case, Count, Exists, F, Min, OuterRef, Q, SmallIntegerField, Value, When
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.campaigns.handing_over import OutcomeUnknown, TakenMeanwhile, send_owed
from feedback.identity import Person
from feedback.improvements.letter import compose
from feedback.improvements.linking import linked_responses, lock
from feedback.models import Improvement, ImprovementMail, Respondent, Response
from privacy.delivery import BATCH, NOT_ACCEPTED, next_attempt
from privacy.models import Suppression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

Reason = ImprovementMail.Reason
# What can stand between a response and a mail, the nearest to one first: of several responses the best counts.
OBSTACLES: Final = (Reason.BOUNCED, Reason.NO_ADDRESS, Reason.MAY_NOT, Reason.NO_PERMISSION)
MAY_BE_MAILED: Final = 0
CHUNK: Final = 1000

# The address that is known now comes before the one that was given with the answer.
ADDRESS: Final = Coalesce(
    NullIf("respondent__email", Value("")),
    NullIf("respondent__person__email", Value("")),
    NullIf("email", Value("")),
    Value(""),
)


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Who a mail would go to.

    Args:
        people: how many people gave linked feedback.
        recipients: ids of the respondents who would get it, one per mailbox.
        left_out: how many get none, and why; the most frequent reason first.
    """

    people: int
    recipients: tuple[int, ...]
    left_out: tuple[tuple[Reason, int], ...]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a mailing is; ``dropped`` says why some were not sent."""

    owed: int
    sent: int
    waiting: int
    given_up: int
    dropped: tuple[tuple[Reason, int], ...]


def audience(*, improvement: Improvement) -> Audience:
    """Return who would get the mail now, and how many people with linked feedback would not."""
    best = _judged(improvement).order_by().values("respondent").annotate(best=Min("obstacle")).values_list("best")
    obstacles = Counter(rank for (rank,) in best.iterator(chunk_size=CHUNK))
    left_out = Counter({reason: obstacles[rank] for rank, reason in enumerate(OBSTACLES, start=1) if obstacles[rank]})
    mailboxes: dict[str, int] = {}
    for respondent, address, is_suppressed in _candidates(improvement):
        if is_suppressed:
            left_out[Reason.SUPPRESSED] += 1
        elif address in mailboxes:
            left_out[Reason.SAME_MAILBOX] += 1
        else:
            mailboxes[address] = respondent
    return Audience(
        people=sum(obstacles.values()), recipients=tuple(mailboxes.values()), left_out=tuple(left_out.most_common())
    )


@transaction.atomic
def mail(*, improvement: Improvement, by: User, expected: int | None = None) -> int:
    """Owe a mail to everybody in the audience, once in the life of an improvement; return how many.

    Args:
        expected: how many the user agreed to; anything else now is refused.

    Raises:
        ValidationError: ``not_published``, ``already_mailed``, ``nobody_to_mail`` or ``audience_changed``.
    """
    improvement, now = lock(improvement), timezone.now()
    if improvement.state != Improvement.State.PUBLISHED:
        raise ValidationError(_("Publish it first: the mail links to the public page."), code="not_published")
    if improvement.mailed_at is not None:
        raise ValidationError(_("Those who gave linked feedback were told already."), code="already_mailed")
    recipients = audience(improvement=improvement).recipients
    if not recipients:
        raise ValidationError(_("Nobody with linked feedback may be contacted."), code="nobody_to_mail")
    if expected is not None and expected != len(recipients):
        raise ValidationError(_("Meanwhile it is another number of people. Look again."), code="audience_changed")
    owed = [ImprovementMail(improvement=improvement, respondent_id=pk, next_attempt_at=now) for pk in recipients]
    ImprovementMail.objects.bulk_create(owed, batch_size=CHUNK)
    improvement.mailed_at = now
    improvement.save(update_fields=["mailed_at"])
    return len(owed)


def progress(*, improvement: Improvement) -> Progress:
    """Return how many mails were sent, wait, were given up, or were not sent and why."""
    mails = ImprovementMail.objects.filter(improvement=improvement).order_by()
    numbers = mails.aggregate(
        owed=Count("pk"), sent=Count("sent_at"), given_up=Count("failed_at"), waiting=Count("pk", filter=UNSETTLED)
    )
    why = mails.filter(dropped_at__isnull=False).values_list("dropped_why").annotate(count=Count("pk"))
    return Progress(**numbers, dropped=tuple((Reason(name), count) for name, count in why.order_by("-count")))


def due_mail_ids() -> list[int]:
    """Return the ids of mails that should have gone out, the longest overdue first."""
    return list(_due().order_by("next_attempt_at").values_list("pk", flat=True)[:BATCH])


def send_mail(*, mail_id: int) -> bool:
    """Send a mail that is due, at most once, whoever else tries, unless the person may not be contacted now.

    A refusal is put off with growing waits and in the end given up. Where nobody knows whether the mail was accepted,
    because the connection broke off or the worker was killed just then, it counts as sent: better none than two.

    Returns:
        Whether this call sent it.
    """
    owed = _due().select_related("improvement__product__controller").filter(pk=mail_id).first()
    if owed is None:
        return False
    address, obstacle = _look_again(owed)
    if obstacle is not None:
        _due().filter(pk=owed.pk).update(dropped_at=timezone.now(), dropped_why=obstacle)
        return False
    try:
        send_owed(compose(owed, to=address), owed, _due())
    except TakenMeanwhile:
        return False
    except OutcomeUnknown:
        logger.warning("nobody knows whether improvement mail %s was sent", owed.pk)
        return False
    except (*NOT_ACCEPTED, ValueError) as error:  # ValueError: an address or a name that no header can hold
        # Only the kind of error: its text may quote the address.
        logger.warning("improvement mail %s was not sent: %s", owed.pk, type(error).__name__)
        _put_off(owed, error)
        return False
    return True


UNSETTLED: Final = Q(sent_at__isnull=True, dropped_at__isnull=True, failed_at__isnull=True)


def _due() -> QuerySet[ImprovementMail]:
    return ImprovementMail.objects.filter(UNSETTLED, next_attempt_at__lte=timezone.now())


def _put_off(owed: ImprovementMail, error: Exception) -> None:
    attempts, now = owed.attempts + 1, timezone.now()
    again = None if isinstance(error, ValueError) else next_attempt(error, failures=attempts, now=now)
    then: dict[str, Any] = {"next_attempt_at": again} if again else {"failed_at": now}
    # As this worker left it: another one may have sent it meanwhile.
    mine = ImprovementMail.objects.filter(pk=owed.pk, sent_at=owed.sent_at)
    mine.update(sent_at=None, attempts=attempts, **then)


def _judged(improvement: Improvement) -> QuerySet[Any]:
    """Return the linked responses with ``address`` and ``obstacle``: 0, or the place of a reason in ``OBSTACLES``.

    A wish holds for the person, all their devices, and everybody of the product with the same address. What a scanner
    may have sent gives no permission.
    """
    wish = Q(do_not_contact=True) | Q(objected_at__isnull=False) | Q(restricted_at__isnull=False)
    of_product = Respondent.including_restricted.filter(product=improvement.product_id)
    same_person = of_product.filter(wish, person=Coalesce(OuterRef("respondent__person"), OuterRef("respondent")))
    same_mailbox = of_product.filter(wish, email=OuterRef("address")).exclude(email="")
    own = _prefixed(wish, "respondent__") | _prefixed(wish, "respondent__person__")
    bounced = Q(respondent__mail_bounced_at__isnull=False) | Q(respondent__person__mail_bounced_at__isnull=False)
    conditions = {
        Reason.NO_PERMISSION: Q(contact_permission=False) | Q(is_suspect=True),
        Reason.MAY_NOT: own | Exists(same_person) | Exists(same_mailbox),
        Reason.NO_ADDRESS: Q(address=""),
        Reason.BOUNCED: bounced,
    }
    whens = [When(condition, then=Value(OBSTACLES.index(reason) + 1)) for reason, condition in conditions.items()]
    obstacle = Case(*whens, default=Value(MAY_BE_MAILED), output_field=SmallIntegerField())
    return linked_responses(improvement).annotate(address=ADDRESS).annotate(obstacle=obstacle)


def _prefixed(condition: Q, prefix: str) -> Q:
    return Q(*((f"{prefix}{name}", value) for name, value in condition.children), _connector=condition.connector)  # type: ignore[misc]  # pairs only


def _candidates(improvement: Improvement, **narrower: int) -> Iterator[tuple[int, str, bool]]:
    """Yield who may be mailed as far as SQL can tell: respondent, address, and whether they are suppressed."""
    rows = (
        _judged(improvement)
        .filter(obstacle=MAY_BE_MAILED, **narrower)
        .order_by("respondent_id", "-answered_at")
        .distinct("respondent_id")
        .values_list("respondent_id", "address", F("respondent__external_id"), F("respondent__phone"))
    )
    found = list(rows)
    for start in range(0, len(found), CHUNK):
        chunk = found[start : start + CHUNK]
        digests = [_digests(*row[1:]) for row in chunk]
        listed = _listed(improvement, (digest for of_one in digests for digest in of_one))
        for row, of_one in zip(chunk, digests, strict=True):
            yield row[0], row[1].casefold(), not listed.isdisjoint(of_one)


def _digests(address: str, external_id: str, phone: str) -> set[bytes]:
    person = Person(external_id=external_id, email=address.casefold(), phone=phone)
    return {digest for digest in person.suppression_digests if digest is not None}


def _listed(improvement: Improvement, digests: Iterable[bytes]) -> set[bytes]:
    found = Suppression.objects.filter(product=improvement.product_id, digest__in=list(digests))
    return {bytes(digest) for digest in found.values_list("digest", flat=True)}


def _look_again(owed: ImprovementMail) -> tuple[str, Reason | None]:
    """Return the address for a mail that is due, or why it must not be sent."""
    improvement: Improvement = owed.improvement
    if improvement.state != Improvement.State.PUBLISHED:
        return "", Reason.WITHDRAWN
    for _pk, address, is_suppressed in _candidates(improvement, respondent=owed.respondent_id):
        return address, Reason.SUPPRESSED if is_suppressed else None
    judged = _judged(improvement).order_by().filter(respondent=owed.respondent_id)
    rank = judged.aggregate(best=Min("obstacle"))["best"]
    if rank is not None:
        return "", OBSTACLES[rank - 1]
    is_restricted = Response.including_restricted.filter(
        respondent=owed.respondent_id, restricted_at__isnull=False
    ).exists()
    return "", Reason.MAY_NOT if is_restricted else Reason.UNLINKED
