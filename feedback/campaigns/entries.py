"""Who is named by an audience: the rows of a file, the people of a segment, the entries of a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from feedback.audiences import people_in
from feedback.campaigns.zones import PROPERTY
from feedback.identity import Person, identify
from feedback.imports.reading import open_source
from feedback.imports.recognising import tidy_text
from feedback.looking_up import person_of
from feedback.models import CampaignAudience

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from feedback.imports.reading import Cell
    from feedback.models import Campaign

Kind = CampaignAudience.Kind
# Whoever names a column of a file after one of these means that.
HEADERS: Final[dict[str, frozenset[str]]] = {
    "email": frozenset({"email", "e-mail", "mail", "email address", "e-mail address", "adres e-mail", "adres email"}),
    "external_id": frozenset({"id", "user_id", "user id", "external_id", "customer_id", "customer id", "id klienta"}),
    "phone": frozenset({"phone", "telephone", "telefon"}),
    "name": frozenset({"name", "full name", "imię", "imię i nazwisko", "nazwa"}),
    "company": frozenset({"company", "firma"}),
    "country": frozenset({"country", "kraj"}),
    "language": frozenset({"language", "lang", "język"}),
    "customer_since": frozenset({"customer_since", "customer since", "created_at", "klient od"}),
    PROPERTY: frozenset({"time_zone", "timezone", "time zone", "strefa czasowa"}),
}
OWN_PROPERTY: Final = "property."
LONGEST: Final = {"external_id": 255, "name": 200, "company": 200, "language": 10, "country": 2}
# At the ends of the calendar, a moment in one zone is none in another.
YEARS: Final = range(1900, 2101)
MOST_PROPERTIES: Final = 50
LONGEST_PROPERTY: Final = 500


@dataclass(frozen=True, kw_only=True)
class StatedPermission:
    """What whoever brought a person in says about their permission to be asked by e-mail."""

    basis: str
    evidence: str
    given_on: date


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Somebody whom an audience names.

    Args:
        position: how far the audience is taken over with this entry.
        line: of the file, or the number in the list; ``None`` in a segment.
        person: ``None`` where ``problem`` says what is wrong with the entry.
    """

    position: int
    line: int | None = None
    person: Person | None = None
    problem: str = ""
    permission: StatedPermission | None = None


def entries_of(audience: CampaignAudience) -> Iterator[Entry]:
    """Yield the entries that were not taken over yet, one at a time, so that memory does not grow with their number.

    Raises:
        ValidationError: ``no_identifier`` where a file has no column of addresses or ids, or a code of
            ``imports.reading.PROBLEMS``.
    """
    if audience.kind == Kind.SEGMENT:
        return _of_segment(audience)
    return _of_file(audience)


def check_file(content: bytes) -> int:
    """Return the number of rows of a file whose people can be told.

    Raises:
        ValidationError: as ``entries_of``, or ``no_rows``.
    """
    source = open_source(content)
    _columns(source.headers)
    rows = sum(1 for _row in source.rows())
    if not rows:
        raise ValidationError(_("The file has a line of headers and nothing below it."), code="no_rows")
    return rows


def stated_permission(audience: CampaignAudience) -> StatedPermission | None:
    """Return what was said about the permission of everybody in an audience."""
    if not audience.basis or audience.given_on is None:
        return None
    return StatedPermission(basis=audience.basis, evidence=audience.evidence, given_on=audience.given_on)


def _of_segment(audience: CampaignAudience) -> Iterator[Entry]:
    campaign: Campaign = audience.campaign
    assert audience.segment is not None  # noqa: S101  held by a constraint, which the type cannot say
    people = people_in(product=campaign.product, rules=audience.segment.rules).order_by("pk")
    for respondent in people.filter(pk__gt=audience.position).iterator(chunk_size=500):
        yield Entry(position=respondent.pk, person=person_of(respondent))


def _of_file(audience: CampaignAudience) -> Iterator[Entry]:
    source = open_source(bytes(audience.content))
    columns, permission = _columns(source.headers), stated_permission(audience)
    for number, row in enumerate(source.rows(), start=1):
        if number <= audience.position:
            continue
        if row.problem:
            yield Entry(position=number, line=row.line, problem=row.problem)
            continue
        cells = {name: row.cells[place] for name, place in columns.items() if place < len(row.cells)}
        try:
            person = _person(cells)
        except ValidationError as error:
            yield Entry(position=number, line=row.line, problem=str(error.code))
            continue
        yield Entry(position=number, line=row.line, person=person, permission=permission)


def _columns(headers: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, header in enumerate(headers):
        folded = header.casefold()
        name = next((name for name, written in HEADERS.items() if folded in written), "")
        if not name and folded.startswith(OWN_PROPERTY):
            name = header[: len(OWN_PROPERTY) + 64]
        if name:
            found.setdefault(name, place)
    if not found.keys() & {"email", "external_id"}:
        message = _("The file needs a column “email” or “id”, so that people can be recognised.")
        raise ValidationError(message, code="no_identifier")
    return found


def _person(cells: Mapping[str, Cell]) -> Person:
    texts = {name: tidy_text(cell) for name, cell in cells.items() if name in HEADERS and name != "customer_since"}
    properties = {
        name[len(OWN_PROPERTY) :]: tidy_text(cell)[:LONGEST_PROPERTY]
        for name, cell in cells.items()
        if name.casefold().startswith(OWN_PROPERTY) and tidy_text(cell)
    }
    if zone := texts.pop(PROPERTY, ""):
        properties[PROPERTY] = zone[:LONGEST_PROPERTY]
    return describe(**texts, customer_since=_moment(cells.get("customer_since")), properties=properties)


def describe(**claims: Any) -> Person:
    """Return the person whom the product describes; what it says about its own people needs no signature.

    Raises:
        ValidationError: ``invalid_email``, ``invalid_phone``, ``invalid_country``, ``too_long``, ``no_address``.
    """
    claims["country"] = claims.get("country", "").upper()
    if claims["country"] and not (len(claims["country"]) == 2 and claims["country"].isascii()):
        raise ValidationError(_("A country is written with two letters: PL."), code="invalid_country")
    for name, longest in LONGEST.items():
        if len(claims.get(name, "")) > longest:
            raise ValidationError(_("This is too long."), code="too_long")
    if len(claims.get("properties", {})) > MOST_PROPERTIES:
        raise ValidationError(_("There may be at most 50 properties."), code="too_long")
    person = identify(**claims, is_signed=True)
    if not (person.email or person.external_id):
        raise ValidationError(_("There is neither an e-mail address nor an id."), code="no_address")
    return Person(**{**vars(person), "anonymous_id": "", "is_nameless": False})


def _moment(cell: Cell) -> datetime | None:
    """Return the moment in a cell; a day without a time is noon in UTC.

    Raises:
        ValidationError: ``invalid_date``.
    """
    if cell is None or cell == "":
        return None
    found = cell if isinstance(cell, date) else _date_in(tidy_text(cell))
    if found is None or found.year not in YEARS:
        raise ValidationError(_("A date is written as year-month-day: 2026-01-31."), code="invalid_date")
    moment = found if isinstance(found, datetime) else datetime.combine(found, time(12))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _date_in(text: str) -> date | None:
    try:
        return parse_datetime(text) or parse_date(text)
    except ValueError:
        return None
