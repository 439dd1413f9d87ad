"""Notes among staff; who is mentioned in one is told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from feedback.follow_up.assigning import staff_who_see
from feedback.follow_up.locking import required_text
from feedback.models import FollowUp, Note, Notice
from feedback.staff_mail import owe

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_TEXT: Final = 4000
READ: Final = "feedback.view_followup"
# A name begins after a space or a bracket, so that e-mail addresses mention nobody.
MENTION: Final = re.compile(r"(?<![\w@.+-])@([\w@.+-]+)")


@dataclass(frozen=True)
class Mentions:
    """Whom a text mentions with @name.

    Args:
        users: those who may read it.
        unknown: names of nobody who may read it.
    """

    users: Sequence[User]
    unknown: Sequence[str]


@transaction.atomic
def write_note(*, follow_up: FollowUp, text: str, by: User) -> tuple[Note, Mentions]:
    """Add a note, and tell whom it mentions; nobody learns of a follow-up whose product they do not see.

    Args:
        text: at most 4000 characters; ``@name`` mentions the member of staff with this user name.

    Raises:
        ValidationError: ``text_required`` or ``too_long``.
    """
    text = required_text(text, LONGEST_TEXT, message=_("Write something."), code="text_required")
    mentions = find_mentions(text, follow_up)
    note = Note.objects.create(follow_up=follow_up, author=by, text=text)
    note.mentions.set(mentions.users)
    for user in mentions.users:
        if user.pk != by.pk:
            owe(user=user, notice=Notice.MENTION, key=f"mention:{note.pk}", follow_up=follow_up)
    return note, mentions


def find_mentions(text: str, follow_up: FollowUp) -> Mentions:
    """Return whom a text mentions; a full stop or comma after a name is not part of it."""
    written = {name.casefold(): name for name in MENTION.findall(text)}
    if not written:
        return Mentions((), ())
    possible = {variant for name in written for variant in (name, name.rstrip(".-+@"))}
    readers = {user.username.casefold(): user for user in staff_who_see(follow_up.product, READ)}
    known = {name: readers[name] for name in possible if name in readers}
    unknown = [
        original.rstrip(".-+@") for name, original in written.items() if not {name, name.rstrip(".-+@")} & set(known)
    ]
    return Mentions(sorted(known.values(), key=User.get_username), sorted(name for name in unknown if name))
