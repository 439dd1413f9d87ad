"""The daily and the weekly digest of a product: who is owed one, and what it says to whom.

Days are those of the product. A daily digest covers the day before, a weekly one the ISO week before; both are owed
from the morning on. A run that was missed is made up for once: of several missed digests only the latest is owed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from feedback import reports
from feedback.mail_preferences import products_with_digests
from feedback.models import FollowUp, Notice, Response, StaffMail, Subscription
from feedback.movers import Group, find_movers
from feedback.periods import Bucket, Choice, Period, Span
from feedback.staff_mail import owe
from privacy.models import Product
from surveys.scales import Band, Metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

MORNING: Final = timedelta(hours=7)
PREVIEW: Final = "preview"
TRIAGE: Final = "feedback.triage_response"


# --- Who is owed one --------------------------------------------------------------------------------------------------


def latest_period(notice: Notice, *, now: datetime, zone: ZoneInfo) -> Period:
    """Return what the latest digest covers: before this morning that is still yesterday's digest."""
    local = now.astimezone(zone).replace(tzinfo=None) - MORNING
    bucket = Bucket.WEEK if notice == Notice.WEEKLY else Bucket.DAY
    end = bucket.start(local.date())
    return Period(bucket.start(end - timedelta(days=1)), end)


def owe_digests(*, now: datetime) -> int:
    """Owe the latest digest to every subscriber who was not owed it yet; return how many mails that makes."""
    owed = 0
    pairs = Subscription.objects.order_by().values_list("product", "notice").distinct()
    products = Product.objects.in_bulk({product for product, _notice in pairs})
    for product_id, value in pairs:
        product, notice = products[product_id], Notice(value)
        day = latest_period(notice, now=now, zone=product.zone).start
        key = f"{notice.value}:{product.pk}:{day.isoformat()}"
        had = StaffMail.objects.filter(key=key).values("user")
        subscribed = Subscription.objects.filter(product=product, notice=notice).values("user")
        for user in User.objects.filter(pk__in=subscribed, is_active=True).exclude(pk__in=had).order_by("pk"):
            owed += owe(user=user, notice=notice, key=key, product=product, day=day) is not None
    return owed


@transaction.atomic
def owe_preview(*, user: User, product: Product, notice: Notice, now: datetime) -> StaffMail:
    """Owe somebody the latest digest at once, because they asked to see it; once a minute at most.

    Raises:
        ValidationError: ``no_digest`` where they may get none of this product, or ``no_address``.
    """
    if not user.email:
        raise ValidationError(_("Your account has no e-mail address. An administrator can add it."), code="no_address")
    day = latest_period(notice, now=now, zone=product.zone).start
    key = f"{PREVIEW}:{notice.value}:{product.pk}:{now:%Y%m%dT%H%M}"
    mail = owe(user=user, notice=notice, key=key, product=product, day=day)
    if mail is None or not products_with_digests(user).filter(pk=product.pk).exists():
        raise ValidationError(_("You get no digests of this product."), code="no_digest")
    if mail.sent_at is None:
        mail.next_attempt_at = now
        mail.save(update_fields=["next_attempt_at"])
    return mail


def is_preview(mail: StaffMail) -> bool:
    """Tell whether somebody asked for this mail just now: neither quiet hours nor an empty day keep it back."""
    return mail.key.startswith(f"{PREVIEW}:")


# --- What it says -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenWork:
    """What waits for somebody at this moment; ``None`` where it is nothing the reader works on."""

    mine: int | None = None
    overdue: int | None = None
    unread: int | None = None

    @property
    def is_any(self) -> bool:
        return bool(self.mine or self.overdue or self.unread)


@dataclass(frozen=True)
class Answers:
    """How many counted answers there are, and how many of them say why."""

    all: int
    commented: int


@dataclass(frozen=True)
class Digest:
    """What one reader may know of a product's period; ``answers`` and ``comments`` are ``None`` without the right."""

    product: Product
    notice: Notice
    span: Span
    metrics: Sequence[reports.MetricReport]
    movers: Mapping[Metric, Sequence[Group]]
    answers: Answers | None
    work: OpenWork
    comments: Sequence[reports.Excerpt] | None

    @property
    def is_empty(self) -> bool:
        """Whether nobody answered and nothing waits: then there is nothing to tell."""
        answered = any(metric.together.counts.n or metric.together.is_hidden for metric in self.metrics)
        return not (answered or self.work.is_any)


def span_of(notice: Notice, first: date) -> Span:
    """Return the period of a digest and the one of the same length before it."""
    length = timedelta(days=7 if notice == Notice.WEEKLY else 1)
    return Span(Choice.CUSTOM, Period(first, first + length), Period(first - length, first))


def gather_digest(*, user: User, product: Product, notice: Notice, first: date, now: datetime) -> Digest:
    """Return what a digest says to somebody who sees the product; what their role may not see is not in it.

    Args:
        first: the first day that it covers.
    """
    span = span_of(notice, first)
    sees_figures = user.has_perm(reports.SEE_FIGURES)
    metrics = reports.report_scores(user=user, products=[product], span=span) if sees_figures else []
    return Digest(
        product=product,
        notice=notice,
        span=span,
        metrics=metrics,
        movers=find_movers(product=product, period=span.period, previous=_previous(span)) if sees_figures else {},
        answers=_answers(user, product, span.period),
        work=_open_work(user, product, now),
        comments=reports.latest_comments(user=user, products=[product], period=span.period),
    )


def _previous(span: Span) -> Period:
    assert span.previous is not None  # noqa: S101  span_of always names one
    return span.previous


def _answers(user: User, product: Product, period: Period) -> Answers | None:
    if not user.has_perm(reports.SEE_RESPONSES):
        return None
    rows = Response.objects.counted().filter(product=product, answered_on__gte=period.start, answered_on__lt=period.end)
    return Answers(rows.count(), rows.commented().count())


def _open_work(user: User, product: Product, now: datetime) -> OpenWork:
    mine = overdue = unread = None
    if user.has_perm(reports.SEE_FOLLOW_UPS):
        queue = FollowUp.objects.open().filter(product=product)
        mine = queue.filter(owner=user).count()
        overdue = queue.filter(due_at__lt=now, contacted_at__isnull=True).count()
    if user.has_perm(reports.SEE_RESPONSES) and user.has_perm(TRIAGE):
        detractors = Response.objects.counted().filter(product=product, band=Band.DETRACTOR)
        unread = detractors.filter(triage=Response.Triage.UNREAD).count()
    return OpenWork(mine, overdue, unread)
