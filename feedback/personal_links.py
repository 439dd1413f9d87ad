"""Personal links in bulk, for the mailing of a customer: a list of people goes in, the same list with links comes out.

Everybody on it passes the rules of asking. Whoever may not be asked now gets no link but the reason, and so does
whoever said that nobody should write to them, under this record or another with the same mailbox. The links are made
for this one file: only digests of their tokens are stored, and neither is the list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from feedback import campaigns
from feedback.imports.reading import open_source
from feedback.imports.recognising import (
    RowProblem,
    fold_name,
    recognise_language,
    recognise_person,
    tidy_text,
)
from feedback.invitations import Moment, ask
from feedback.models import Invitation
from feedback.products import LIFETIME, load_product
from privacy.access_log import record_exports
from privacy.encryption import token_digest
from surveys.models import Channel, Survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

    from feedback.identity import Person
    from feedback.imports.reading import Row, Source
    from feedback.products import ProductFacts

MOST_PEOPLE: Final = 5_000
NAMES: Final = {
    "external_id": ("id", "external id", "external_id", "user id", "customer id", "identyfikator", "id klienta"),
    "email": ("email", "e-mail", "mail", "email address", "e-mail address", "adres e-mail", "adres email"),
    "language": ("language", "lang", "język", "jezyk"),
}
# The words of a campaign's dry run: a customer's own mailing is a mailing as well.
WHY: Final[dict[str, StrOrPromise]] = {
    **campaigns.WHY,
    "invalid_language": gettext_lazy("The language is not a code such as “pl” or “en-GB”."),
}
HEADERS: Final = ("id", "email", "link", "expires", "code", "why")


@dataclass(frozen=True, kw_only=True)
class PersonalLink:
    """What a row of the list came to: a link, or the code and the words of what stands against one."""

    external_id: str
    email: str
    link: str = ""
    code: str
    why: str = ""


def make_personal_links(*, survey: Survey, content: bytes, by: User) -> list[PersonalLink]:
    """Make a link for everybody on a list who may be asked now; it counts as sent to them from now on.

    Args:
        content: CSV or XLSX with a line of headers and a column of ids or e-mail addresses.
        by: who takes the links out; recorded before any is made.

    Raises:
        ValidationError: nothing is made: ``no_identifiers``, ``too_many_people``, ``not_by_link``, or a code of
            ``imports.reading.PROBLEMS``.
    """
    at = timezone.now()
    if not Survey.objects.askable(at=at).filter(pk=survey.pk, channels__contains=[Channel.LINK]).exists():
        raise ValidationError(_("The survey is not live, or not asked through links."), "not_by_link")
    source = open_source(content)
    columns, rows = _columns(source), list(islice(source.rows(), MOST_PEOPLE + 1))
    if len(rows) > MOST_PEOPLE:
        message = _("The list has more than %(most)d people. Please split it.")
        raise ValidationError(message, "too_many_people", {"most": MOST_PEOPLE})
    record_exports(user=by, record=Invitation, products=[survey.product])
    product = load_product(survey.product.public_key)
    assert product is not None  # noqa: S101  the survey's own
    only = replace(product, candidates=tuple(each for each in product.candidates if each.survey_id == survey.pk))
    return list(_links(only, columns, rows))


def _columns(source: Source) -> Mapping[str, int]:
    folded = [fold_name(header) for header in source.headers]
    columns = {
        kind: next((place for place, header in enumerate(folded) if header in names), -1)
        for kind, names in NAMES.items()
    }
    if columns["external_id"] < 0 and columns["email"] < 0:
        raise ValidationError(_("The list has no column called “id” or “email”."), "no_identifiers")
    return columns


def _links(product: ProductFacts, columns: Mapping[str, int], rows: list[Row]) -> Iterator[PersonalLink]:
    named = [_named(columns, row) for row in rows]
    records = campaigns.Records.of(product.id, [person for _cells, person, _problem in named if person])
    for cells, person, problem in named:
        link, code = _link(product, person, records) if person else ("", problem)
        why = "" if link else str(WHY[code])
        yield PersonalLink(external_id=cells["external_id"], email=cells["email"], link=link, code=code, why=why)


def _named(columns: Mapping[str, int], row: Row) -> tuple[dict[str, str], Person | None, str]:
    """Return the cells of a row, and whom they name or why nobody."""
    cells = {
        kind: tidy_text(row.cells[place]) if 0 <= place < len(row.cells) else "" for kind, place in columns.items()
    }
    if row.problem:
        return cells, None, row.problem
    try:
        person = recognise_person(cells["external_id"], cells["email"])
        language = recognise_language(cells["language"])
    except RowProblem as problem:
        return cells, None, problem.code
    if not person.is_known:
        return cells, None, "unidentified"
    # The controller's own list says who these people are.
    return cells, replace(person, language=language, is_signed=True), ""


def _link(product: ProductFacts, person: Person, records: campaigns.Records) -> tuple[str, str]:
    """Return the person's link, or nothing, and the code of the decision."""
    if wish := records.wish_of(person):
        return "", wish
    answer = ask(product=product, person=person, moment=Moment(channel=Channel.LINK, language=person.language))
    if answer.token is None:
        return "", answer.code
    sent = Invitation.including_restricted.filter(token_digest=token_digest(answer.token))
    sent.update(sent_at=timezone.now())
    return f"{settings.PUBLIC_URL}/i/{answer.token}/", answer.code


def as_rows(links: list[PersonalLink]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the file, in the order of ``HEADERS``."""
    expires = (timezone.now() + LIFETIME).date().isoformat()
    for each in links:
        yield each.external_id, each.email, each.link, expires if each.link else "", each.code, each.why
