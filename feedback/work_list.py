"""The work list: which responses wait for what, and how many, counted no further than a limit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from feedback.follow_up.barring import IDENTIFIERS, listed_among, unmarked
from feedback.models import FollowUp, Respondent, Response
from privacy.models import Product
from surveys.scales import Band

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

MOST_COUNTED: Final = 99
MOST_PRODUCTS: Final = 20
MOST_LOOKED_UP: Final = MOST_COUNTED + 1  # so that what is counted is right


class Queue(models.TextChoices):
    """What staff come for; the value stands in addresses."""

    UNREAD = "unread", _("Unread")
    MINE = "mine", _("Mine")
    NEEDS_FOLLOW_UP = "needs-follow-up", _("Needs follow-up")
    SUSPECT = "suspect", _("Suspect")


WAITS_FOR_FOLLOW_UP: Final = Q(
    band=Band.DETRACTOR,
    contact_permission=True,
    triage__in=[Response.Triage.UNREAD, Response.Triage.READ],
)
SUSPECTS: Final = Q(is_suspect=True, excluded_at__isnull=True)


def waiting(
    responses: QuerySet[Response], *, queue: Queue, user: User, suppressed: Collection[int]
) -> QuerySet[Response]:
    """Keep the responses of one queue of the user.

    Unread are those nobody opened; mine, those with an open follow-up assigned to the user; in need of a follow-up,
    detractors who may be contacted, have had none about this response, have none open, and were not put aside;
    suspects, those nobody decided about.

    Args:
        suppressed: what ``suppressed_in_need`` returned, which asks the database; this does not.
    """
    match queue:
        case Queue.UNREAD:
            return responses.filter(triage=Response.Triage.UNREAD)
        case Queue.MINE:
            return responses.filter(pk__in=FollowUp.objects.open().filter(owner=user).values("response"))
        case Queue.SUSPECT:
            return responses.filter(SUSPECTS)
    needing = _in_need(responses)
    return needing.exclude(respondent__in=suppressed) if suppressed else needing


def suppressed_in_need(responses: QuerySet[Response]) -> set[int]:
    """Return which respondents in need of a follow-up are suppressed: the list knows digests, which no join finds.

    It is asked about those of the newest responses only. Whoever is further down is refused when they are flagged.
    """
    newest = _in_need(responses).order_by("-answered_at", "-pk").values("respondent")[:MOST_LOOKED_UP]
    people = Respondent.including_restricted.filter(pk__in=newest).select_related("person")
    own = ("pk", *IDENTIFIERS, "person")
    return listed_among(people.only(*own, *(f"person__{name}" for name in IDENTIFIERS)))


def _in_need(responses: QuerySet[Response]) -> QuerySet[Response]:
    """Keep those that need a follow-up, as far as a join can tell."""
    return responses.filter(WAITS_FOR_FOLLOW_UP, Response.COUNTED).filter(
        ~Exists(FollowUp.objects.filter(response=OuterRef("pk")).order_by()),
        ~Exists(FollowUp.objects.open().filter(respondent=OuterRef("respondent")).order_by()),
        Exists(Respondent.including_restricted.filter(unmarked(), pk=OuterRef("respondent"))),
    )


def count_waiting(responses: QuerySet[Response], *, user: User, suppressed: Collection[int]) -> dict[Queue, int]:
    """Return how many responses wait in each queue; one more than ``MOST_COUNTED`` where there are more.

    Args:
        suppressed: what ``suppressed_in_need`` returned.
    """
    queues = {queue: waiting(responses, queue=queue, user=user, suppressed=suppressed) for queue in Queue}
    return {queue: rows.order_by()[: MOST_COUNTED + 1].count() for queue, rows in queues.items()}


def unread_by_product(*, user: User) -> list[tuple[Product, int]]:
    """Return the user's first twenty products by name with their unread responses, counted as the queues are."""
    products = list(Product.objects.visible_to(user).order_by("name")[:MOST_PRODUCTS])
    if not products:
        return []
    unread = Response.objects.filter(triage=Response.Triage.UNREAD).values_list("product_id", flat=True)
    # Asked for in the order of the index, so that no plan reads a whole product to find the first thousand.
    unread = unread.order_by("-answered_at", "-pk")
    first, *others = (unread.filter(product=product.pk)[: MOST_COUNTED + 1] for product in products)
    counts = Counter(first.union(*others, all=True) if others else first)
    return [(product, counts[product.pk]) for product in products]
