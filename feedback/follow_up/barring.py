"""Who must not be contacted, and why: asked again before every step that means contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.models import Respondent
from privacy.models import Suppression
from privacy.suppression import suppression_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from feedback.models import FollowUp, Response


class Bar(models.TextChoices):
    """Why a person must not be contacted; the first that applies is named."""

    ERASED = "erased", _("Their data were erased on request.")
    RESTRICTED = "restricted", _("Their data are restricted: they may be kept and not used.")
    OBJECTED = "objected", _("They objected to being contacted.")
    DO_NOT_CONTACT = "do_not_contact", _("They are marked “do not contact”.")
    SUPPRESSED = "suppressed", _("They are on the list of people who are never contacted.")


# What is read of somebody to recognise them on the list.
IDENTIFIERS = ("product_id", "subject_key", "external_id", "email", "phone")
LISTED = {Suppression.Reason.ERASED: Bar.ERASED, Suppression.Reason.OBJECTED: Bar.OBJECTED}


def bar_of(response: Response, respondent: Respondent | None = None) -> Bar | None:
    """Return why whoever gave a response must not be contacted; ``None`` where they may be.

    Args:
        respondent: the person as just read, where the caller holds the row; otherwise read here.
    """
    respondent = respondent or Respondent.including_restricted.get(pk=response.respondent_id)
    return _bars([(response, respondent)])[response.pk]


def bars_of(follow_ups: Iterable[FollowUp]) -> dict[int, Bar | None]:
    """Return the same for many follow-ups, by their number, in as many queries as for one.

    Args:
        follow_ups: with ``response`` and ``respondent`` at hand.
    """
    follow_ups = list(follow_ups)
    found = _bars([(each.response, each.respondent) for each in follow_ups])
    return {each.pk: found[each.response_id] for each in follow_ups}


def unmarked(path: str = "") -> Q:
    """Return the condition that no mark forbids contact: neither one of a visitor nor one of who they turned out to be.

    What only the list of suppressed people knows is no column: ask ``listed_among`` for that.

    Args:
        path: leads from the rows to be filtered to the respondent, ``respondent__`` for instance.
    """
    return _without_marks(path) & (Q(**{f"{path}person__isnull": True}) | _without_marks(f"{path}person__"))


def listed_among(people: Iterable[Respondent]) -> set[int]:
    """Return the numbers of those who are on the list of suppressed people, themselves or as who they turned out to be.

    Args:
        people: with ``person`` at hand; the list is asked once for all of them.
    """
    keys = {each.pk: {*_keys(each), *(_keys(each.person) if each.person else ())} for each in people}
    listed = _listed({key for own in keys.values() for key in own})
    return {pk for pk, own in keys.items() if not own.isdisjoint(listed)}


def check_contact(response: Response, respondent: Respondent) -> None:
    """Refuse a step that means contact with somebody who must not be contacted.

    Raises:
        ValidationError: ``may_not_be_contacted``, with the reason in its text.
    """
    bar = bar_of(response, respondent)
    if bar is not None:
        message = _("This person must not be contacted. %(why)s")
        raise ValidationError(message, code="may_not_be_contacted", params={"why": bar.label})


def _without_marks(path: str) -> Q:
    marks = {"restricted_at__isnull": True, "objected_at__isnull": True, "do_not_contact": False}
    return Q(**{f"{path}{name}": value for name, value in marks.items()})


def _bars(pairs: Collection[tuple[Response, Respondent]]) -> dict[int, Bar | None]:
    devices = [respondent.person_id for _response, respondent in pairs if respondent.person_id]
    people = Respondent.including_restricted.in_bulk(devices) if devices else {}
    rows = [
        (response, [each for each in (respondent, people.get(respondent.person_id or 0)) if each])
        for response, respondent in pairs
    ]
    listed = _listed({key for _response, several in rows for one in several for key in _keys(one)})
    return {response.pk: _bar(response, several, listed) for response, several in rows}


def _bar(response: Response, people: list[Respondent], listed: dict[tuple[int, bytes], Bar]) -> Bar | None:
    """Return the first bar that holds for a visitor or for the person they turned out to be."""
    hit = {listed[key] for one in people for key in _keys(one) if key in listed}
    if response.restricted_at or any(one.restricted_at for one in people):
        hit.add(Bar.RESTRICTED)
    if any(one.objected_at for one in people):
        hit.add(Bar.OBJECTED)
    if any(one.do_not_contact for one in people):
        hit.add(Bar.DO_NOT_CONTACT)
    return next((bar for bar in Bar if bar in hit), None)


def _listed(keys: Collection[tuple[int, bytes]]) -> dict[tuple[int, bytes], Bar]:
    if not keys:
        return {}
    rows = Suppression.objects.filter(
        product__in={product for product, _digest in keys}, digest__in={digest for _product, digest in keys}
    ).values_list("product", "digest", "reason")
    return {
        (product, bytes(digest)): LISTED.get(Suppression.Reason(reason), Bar.SUPPRESSED)
        for product, digest, reason in rows
    }


def _keys(person: Respondent) -> list[tuple[int, bytes]]:
    identifiers = {"id": person.external_id, "mail": person.email, "tel": person.phone}
    names = {f"{kind}:{value}" for kind, value in identifiers.items() if value}
    names |= {person.subject_key} if person.is_known else set()
    return [(person.product_id, suppression_digest(name)) for name in sorted(names)]
