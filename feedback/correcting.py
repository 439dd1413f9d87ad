"""What follows when a person's data are corrected at their request: keys, copies, earlier scores, tags by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from feedback.identity import Person, normalise_email, normalise_phone
from feedback.models import Respondent, Response, ResponseTag, ScoreChange

if TYPE_CHECKING:
    from collections.abc import Mapping

COPIED = ("name", "email")  # to the response, as at the first score


def person_was_corrected(person: Respondent, before: Mapping[str, Any]) -> None:
    """Bring identifiers into their form, and make the key and the copies on responses follow.

    Raises:
        ValidationError: ``invalid_email``, ``invalid_phone``, or ``known_already``: the product has somebody else
            under this identifier.
    """
    person.email, person.phone = normalise_email(person.email), normalise_phone(person.phone)
    known_as = Person(
        external_id=person.external_id, email=person.email, phone=person.phone, anonymous_id=person.anonymous_id
    )
    if known_as.is_known or known_as.anonymous_id:
        person.subject_key = known_as.subject_key
    namesakes = Respondent.including_restricted.filter(product=person.product_id, subject_key=person.subject_key)
    if namesakes.exclude(pk=person.pk).exists():
        raise ValidationError(_("The product knows somebody else by this identifier."), "known_already")
    theirs = Response.including_restricted.filter(Q(respondent=person.pk) | Q(respondent__person=person.pk))
    for column in COPIED:
        if before.get(column):
            theirs.filter(**{column: before[column]}).update(**{column: getattr(person, column)})
    if before.get("external_id"):  # which stands where no name was known
        theirs.filter(name=before["external_id"]).update(name=person.external_id)


def response_was_corrected(response: Response, before: Mapping[str, Any]) -> None:
    """Forget what was said before, and let rules look at the answer as it is now.

    Tags that staff gave stay: they say what staff think.
    """
    if "score" in before:
        ScoreChange.objects.filter(response=response.pk).delete()
    if before.keys() & {"score", "comment", "reasons"}:
        ResponseTag.objects.filter(response=response.pk, added_by__isnull=True).delete()
        response.rules_applied_at = None
