"""What a preview of a rule tells: how many responses, and the newest of them as far as the user may see those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.formats import date_format, number_format
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from feedback.disclosure import READ_COMMENTS
from feedback.models import Response
from feedback.reports import SEE_RESPONSES
from feedback.small_groups import SMALLEST_GROUP
from privacy.masking import mask

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from feedback.models import Rule
    from feedback.rules import Found

SHORTENED_TO: Final = 200


@dataclass(frozen=True)
class Row:
    """A response in the preview, with its comment masked and shortened."""

    response: Response
    comment: str


def count_in_words(rule: Rule, found: Found, user: User) -> str:
    """Return the number as it may be told, with days of the product.

    Who may not read comments must not learn from a small number whether somebody wrote a certain word.
    """
    if found.count is None:
        return _("There are too many responses to look through quickly.")
    number = number_format(found.count, force_grouping=True)
    if found.count < SMALLEST_GROUP and not user.has_perm(READ_COMMENTS):
        return _("Fewer than %(number)d responses match.") % {"number": SMALLEST_GROUP}
    if found.is_more and found.since:
        day = date_format(localtime(found.since, rule.product.zone), "DATE_FORMAT")
        if not found.count:
            return _("No response matches among the newest since %(day)s.") % {"day": day}
        return _("At least %(number)s responses match, counted among the newest since %(day)s.") % {
            "number": number,
            "day": day,
        }
    if found.is_more:
        return _("More than %(number)s responses match.") % {"number": number}
    return ngettext("%(number)s response matches.", "%(number)s responses match.", found.count) % {"number": number}


def newest_rows(rule: Rule, found: Found, user: User) -> list[Row]:
    """Return the newest matches that the user may see.

    None of a rule with keywords for who may not read comments: what is masked could be guessed word by word.
    """
    if not user.has_perm(SEE_RESPONSES) or (rule.keywords and not user.has_perm(READ_COMMENTS)):
        return []
    rows = Response.objects.visible_to(user).filter(pk__in=found.newest, respondent__restricted_at__isnull=True)
    newest = rows.defer("search").order_by("-answered_at", "-pk")
    return [Row(row, Truncator(mask(row.comment)).chars(SHORTENED_TO)) for row in newest]
