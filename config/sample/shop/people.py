"""Who can be logged in at the sample shop, and how its backend vouches for one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import jwt

SIGNED_FOR: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Person:
    """A customer of the shop.

    Args:
        days: for how long they have been a customer when somebody begins to look around.
        is_signed: the shop's backend signs who this is, instead of the page just saying so.
    """

    key: str
    name: str
    days: int
    plan: str
    is_signed: bool = False

    def identifier(self, run: int) -> str:
        """Return a name that Odzew has not met before where somebody starts over."""
        return f"shop-{self.key}-{run}"

    def customer_since(self, run: int) -> str:
        return (datetime.fromtimestamp(run, UTC) - timedelta(days=self.days)).isoformat()

    def signed_identity(self, run: int, *, secret: str, at: datetime) -> str:
        """Return who this is as a JSON Web Token, which only the owner of the secret can make."""
        claims = {"id": self.identifier(run), "iat": int(at.timestamp()), "exp": int((at + SIGNED_FOR).timestamp())}
        return jwt.encode(claims, secret, algorithm="HS256")


PEOPLE: Final = {
    person.key: person
    for person in (
        Person("anna", "Anna Nowak", 900, "premium"),
        Person("james", "James Smith", 400, "free"),
        Person("hanna", "Hanna Zielińska", 2, "free"),
        Person("marek", "Marek Kamiński", 1500, "premium", is_signed=True),
    )
}
