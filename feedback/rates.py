"""How invitations ended: how many were shown, answered, declined and ignored."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, F, Q, Value

from feedback.metrics import Estimate, share
from feedback.models import CampaignMail, Invitation, Respondent
from privacy.models import Product
from surveys.models import Channel
from surveys.scales import Metric

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.contrib.auth.models import AnonymousUser, User
    from django.db.models import QuerySet

    from feedback.periods import Period

IN_APP: Final = (Channel.WEB, Channel.MOBILE)


@dataclass(frozen=True)
class Rates:
    """How invitations of one channel ended: all that were shown, and of these the answered and the declined."""

    shown: int = 0
    responded: int = 0
    declined: int = 0

    def __add__(self, other: Rates) -> Rates:
        return Rates(self.shown + other.shown, self.responded + other.responded, self.declined + other.declined)

    @property
    def ignored(self) -> int:
        """Neither answered nor declined; “later” is among them."""
        return self.shown - self.responded - self.declined

    @property
    def response_rate(self) -> Estimate | None:
        return share(self.responded, self.shown)

    @property
    def decline_rate(self) -> Estimate | None:
        return share(self.declined, self.shown)


def rates_by_product(
    *, user: User | AnonymousUser, products: Collection[Product], period: Period
) -> dict[tuple[int, Metric], dict[Channel, Rates]]:
    """Return how invitations ended, for each product and metric, by channel.

    In apps and on web sites an invitation counts on the day it was shown. A personal link counts on the day it was
    first opened; a visitor of a share link is only known once they answer, so there is no rate of those. A mail that
    was delivered counts on the day it was sent.
    """
    shown, opened, sent = Q(pk__in=()), Q(pk__in=()), Q(pk__in=())
    for zone in {product.zone for product in products}:
        start, end = period.instants(zone)
        there_too = [product.pk for product in products if product.zone == zone]
        there = Q(product__in=there_too)
        shown |= there & Q(shown_at__gte=start, shown_at__lt=end)
        opened |= there & Q(opened_at__gte=start, opened_at__lt=end)
        sent |= Q(campaign__product__in=there_too) & Q(sent_at__gte=start, sent_at__lt=end)
    before_answering = Q(responded_at__isnull=True) | Q(opened_at__lte=F("responded_at"))
    visible = Product.objects.visible_to(user).filter(pk__in=[product.pk for product in products]).keys()
    in_app = _ended(visible, shown & Q(channel__in=IN_APP))
    by_link = _ended(visible, opened & Q(channel=Channel.LINK) & before_answering)
    found: defaultdict[tuple[int, Metric], dict[Channel, Rates]] = defaultdict(dict)
    # One after the other: each is by an index of its own, and a statement with both of them would read everything.
    for product, metric, channel, *numbers in [*in_app, *by_link, *_mailed(visible, sent)]:
        found[product, Metric(metric)][Channel(channel)] = Rates(*numbers)
    return dict(found)


def _ended(products: Collection[int], asked: Q) -> QuerySet[Invitation, tuple[Any, ...]]:
    """Return product, metric, channel, and how many were shown, answered and declined of the invitations asked for."""
    answered = Q(responded_at__isnull=False)
    return (
        Invitation.including_restricted.filter(asked, product__in=products, is_test=False)
        .exclude(respondent__in=_restricted())
        .values_list("product_id", "version__metric", "channel")
        .annotate(
            shown=Count("pk"),
            responded=Count("pk", filter=answered),
            declined=Count("pk", filter=~answered & Q(declined_at__isnull=False)),
        )
        .order_by()
    )


def _mailed(products: Collection[int], sent: Q) -> QuerySet[CampaignMail, tuple[Any, ...]]:
    """Return the same of the mails of campaigns: delivered, answered and declined.

    What a scanner may have sent is no answer; a reminder is not counted again.
    """
    mails = CampaignMail.objects.filter(sent, kind=CampaignMail.Kind.FIRST, state=CampaignMail.State.SENT)
    declined = Q(invitation__declined_at__isnull=False, invitation__responded_at__isnull=True)
    return (
        mails.filter(campaign__product__in=products, bounced_at__isnull=True)
        .exclude(respondent__in=_restricted())
        .values_list("campaign__product_id", "campaign__version__metric", Value(str(Channel.EMAIL)))
        .annotate(
            shown=Count("pk"),
            responded=Count("pk", filter=Q(invitation__response__is_suspect=False)),
            declined=Count("pk", filter=declined),
        )
        .order_by()
    )


def _restricted() -> QuerySet[Respondent, Any]:
    """Return the keys of restricted people: they are few, and to look up everybody who was asked takes far longer."""
    return Respondent.including_restricted.filter(restricted_at__isnull=False).values("pk")
