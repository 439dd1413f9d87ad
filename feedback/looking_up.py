"""Finding a person's record by what staff know of them, without leaving a trace of it in an address."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from django.db.models import Q

from feedback.identity import Person
from feedback.invitations import Moment
from feedback.models import Respondent
from privacy.encryption import decrypt, encrypt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from privacy.models import Product

MOST_SIMILAR: Final = 10
IDENTIFIERS: Final = ("external_id", "email", "phone", "anonymous_id")


@dataclass(frozen=True, kw_only=True)
class LookUp:
    """A question that staff ask: who, of which product, and where they would be asked."""

    product_id: int
    person: Person
    moment: Moment

    def person_signed(self, is_signed: bool) -> Person:
        """Return the person as they would be described with or without a signature."""
        return replace(self.person, is_signed=is_signed)

    def seal(self) -> str:
        """Return the question as encrypted text, to be kept for the time of a session."""
        person = {name: getattr(self.person, name) for name in (*IDENTIFIERS, "is_signed")}
        return encrypt(json.dumps({"product": self.product_id, "person": person, "moment": asdict(self.moment)}))

    @classmethod
    def unseal(cls, sealed: str) -> LookUp:
        """Return the question that ``seal`` made."""
        question = json.loads(decrypt(sealed))
        return cls(
            product_id=question["product"], person=Person(**question["person"]), moment=Moment(**question["moment"])
        )


def person_of(respondent: Respondent) -> Person:
    """Return the person as a request that names everything we know would describe them.

    The devices they use belong to them already; naming one more would ask about somebody else.
    """
    kind, _colon, identifier = respondent.subject_key.partition(":")
    return Person(
        external_id=identifier if kind == "id" else "",
        email=identifier if kind == "mail" else respondent.email if kind == "id" else "",
        phone=identifier if kind == "tel" else respondent.phone if kind in {"id", "mail"} else "",
        anonymous_id=identifier if kind == "anon" else "",
    )


def find_records(*, product: Product, person: Person) -> Sequence[Respondent]:
    """Return the records that any of the identifiers leads to, first the one under which the person would be asked.

    Returns:
        at most ten; a product may know one mailbox under several ids.
    """
    named = Q(subject_key__in=[*person.lasting_keys, f"anon:{person.anonymous_id}"])
    for name in ("email", "phone"):
        if identifier := getattr(person, name):
            named |= Q(**{name: identifier})
    found = Respondent.including_restricted.filter(named, product=product).order_by("pk")[:MOST_SIMILAR]
    return sorted(found, key=lambda each: (each.subject_key != person.subject_key, each.pk))
