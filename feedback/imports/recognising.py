"""What a cell of an imported file means: a score, a moment, a text; and which column probably holds what."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from openpyxl.utils.datetime import from_excel

from feedback.identity import Person, identify
from surveys.models import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from feedback.imports.reading import Cell
    from surveys.scales import Scale

EARLIEST: Final = date(1990, 1, 1)
LONGEST_EMAIL: Final = 254
LAST_SERIAL: Final = 2_958_465  # 31 December 9999
# A date without a time becomes noon where the product is: the same day also in the zones around it, and on the day
# the clocks change.
NOON: Final = time(12)


class RowProblem(Exception):
    """A row cannot be imported; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")


def tidy_text(cell: Cell) -> str:
    """Return the cell as text: trimmed, lines ended by a line feed, without NUL and halves of characters."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = cell if isinstance(cell, str) else str(cell)
    if not text.isascii() and _HALF_CHARACTER.search(text):
        # Pairs are joined to the character they mean (exports of Java and Oracle write them apart), halves dropped.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    # Excel writes a carriage return as _x000D_.
    text = text.replace("\0", "").replace("_x000D_", "\r").replace("\r\n", "\n").replace("\r", "\n")
    return text.strip()


def fold_name(name: str) -> str:
    """Return what two spellings of the same product's name have in common."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


# --- Scores, people, languages, channels ------------------------------------------------------------------------------

_WHOLE_NUMBER: Final = re.compile(r"[+]?([0-9]{1,3})(?:\.0+)?")


def recognise_score(cell: Cell, scale: Scale) -> int:
    """Return the cell as a score of the scale: 9, 9.0, "9" and "9.0" are nine; "9,5", "nine" and TRUE are nothing.

    Raises:
        RowProblem: ``missing_score`` or ``invalid_score``.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        raise RowProblem("missing_score")
    score: int | None = None
    if isinstance(cell, str):
        found = _WHOLE_NUMBER.fullmatch(tidy_text(cell))
        score = int(found[1]) if found else None
    elif isinstance(cell, float) and cell.is_integer():
        score = int(cell)
    elif type(cell) is int:
        score = cell
    if score is None or score not in scale:
        raise RowProblem("invalid_score")
    return score


def recognise_person(external_id: str, email: str) -> Person:
    """Return the person whom a row names; "unknown", "null" and the like are nobody.

    Raises:
        RowProblem: ``invalid_email``.
    """
    if len(email) > LONGEST_EMAIL or any(character.isspace() for character in email):
        raise RowProblem("invalid_email")
    try:
        return identify(external_id=external_id, email=email)
    except ValidationError as error:
        raise RowProblem("invalid_email") from error


_LANGUAGE: Final = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*")


def recognise_language(cell: Cell) -> str:
    """Return the language of a code such as "pl", "pl-PL" or "pl_PL"; "" where there is none.

    Raises:
        RowProblem: ``invalid_language``.
    """
    text = tidy_text(cell).lower()
    found = _LANGUAGE.fullmatch(text)
    if text and not found:
        raise RowProblem("invalid_language")
    return found[1] if found else ""


def recognise_channel(cell: Cell) -> Channel:
    """Return the channel a cell names; a link where there is none.

    Raises:
        RowProblem: ``invalid_channel``.
    """
    text = tidy_text(cell).lower().replace("e-mail", "email")
    try:
        return Channel(text) if text else Channel.LINK
    except ValueError as error:
        raise RowProblem("invalid_channel") from error


# --- Dates ------------------------------------------------------------------------------------------------------------


class DateOrder(TextChoices):
    """What 3/4/2025 means, for a whole column."""

    DAY_FIRST = "day_first", _("day first: 31/12/2025")
    MONTH_FIRST = "month_first", _("month first: 12/31/2025")


@dataclass(frozen=True)
class DateReading:
    """How the dates of a column are read, and whether that was certain.

    Args:
        doubt: "" or ``ambiguous`` (every such date fits both orders) or ``contradictory`` (some fit only the other).
    """

    order: DateOrder
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, with a time where the cell had one; ``at`` has a zone only where the cell named it."""

    day: date
    at: datetime | None = None

    @property
    def key(self) -> str:
        """The same text however the cell wrote the moment, to the second."""
        if self.at is None:
            return self.day.isoformat()
        at = self.at.replace(microsecond=0)
        return (at.astimezone(UTC) if at.tzinfo else at).isoformat()

    def resolve(self, zone: ZoneInfo, now: datetime) -> datetime:
        """Return the moment in UTC, for a product in the zone.

        Raises:
            RowProblem: ``future_date`` or ``date_too_early`` (before 1990).
        """
        today = now.astimezone(zone).date()
        if self.day < EARLIEST:
            raise RowProblem("date_too_early")
        if self.day > today + timedelta(days=1) or (self.at is None and self.day > today):
            raise RowProblem("future_date")
        if self.at is None:
            return min(datetime.combine(self.day, NOON, zone).astimezone(UTC), now)
        at = (self.at if self.at.tzinfo else self.at.replace(tzinfo=zone)).astimezone(UTC)
        if at > now:
            raise RowProblem("future_date")
        return at


_TIME = (
    r"(?:,?[ T]+(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,]\d{1,9})?)?"
    r"\s?(?P<half>[AP]M)?\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_FORMS: Final = (
    re.compile(r"(?P<year>\d{4})(?P<sep>[-/.])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})" + _TIME, re.ASCII | re.I),
    re.compile(r"(?P<first>\d{1,2})(?P<sep>[-/.])(?P<second>\d{1,2})(?P=sep)(?P<year>\d{4})" + _TIME, re.ASCII | re.I),
    re.compile(
        r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[ -](?P<name>[^\W\d_]{3,12})\.?,?[ -](?P<year>\d{4})" + _TIME, re.I
    ),
    re.compile(r"(?P<name>[^\W\d_]{3,12})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})" + _TIME, re.I),
)
_SERIAL: Final = re.compile(r"\d{5}(?:\.\d+)?", re.ASCII)
_MONTHS: Final = {
    name: number
    for language in (
        "january february march april may june july august september october november december",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    )
    for number, name in enumerate(language.split(), start=1)
} | {"sept": 9}


def find_date_order(cells: Iterable[Cell]) -> DateReading:
    """Decide for a whole column whether 3/4/2025 is in April or in March: by the dates that fit one order only.

    Where none does, the day is taken to come first. Where some fit only the one and some only the other, the more
    frequent order wins and the rest will be rows in error; reading each row its own way would swap days unseen.
    """
    day_first = month_first = either = 0
    for cell in cells:
        found = _FORMS[1].fullmatch(cell.strip()) if isinstance(cell, str) else None
        if found is None or found["sep"] == ".":  # nobody writes 12.31.2025
            continue
        first, second = int(found["first"]), int(found["second"])
        day_first += first > 12 >= second
        month_first += second > 12 >= first
        either += first <= 12 >= second and first != second
    order = DateOrder.MONTH_FIRST if month_first > day_first else DateOrder.DAY_FIRST
    if day_first and month_first:
        return DateReading(order, "contradictory")
    return DateReading(order, "ambiguous" if either and not day_first and not month_first else "")


def recognise_moment(cell: Cell, order: DateOrder, first_day: datetime) -> Moment:
    """Return the day or moment that a cell means.

    Args:
        cell: a date or datetime, a serial number of Excel, or text.
        order: what 3/4/2025 means.
        first_day: what a serial number is counted from.

    Raises:
        RowProblem: ``missing_date`` or ``invalid_date``.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        raise RowProblem("missing_date")
    if isinstance(cell, datetime):
        return _moment(cell)
    if isinstance(cell, date):
        return Moment(cell)
    if isinstance(cell, str):
        return _moment_of_text(" ".join(tidy_text(cell).split()), order, first_day)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise RowProblem("invalid_date")
    return _moment_of_serial(cell, first_day)


def _moment(at: datetime) -> Moment:
    # Midnight to the second, in no zone, is how spreadsheets and data frames write a date without a time.
    if at.tzinfo is None and at.time() == time.min:
        return Moment(at.date())
    return Moment(at.date(), at)


def _moment_of_serial(serial: float, first_day: datetime) -> Moment:
    if not 1 <= serial <= LAST_SERIAL:
        raise RowProblem("invalid_date")
    at = from_excel(serial, first_day)
    if not isinstance(at, datetime):
        raise RowProblem("invalid_date")
    return _moment(at)


@lru_cache(maxsize=4096)
def _moment_of_text(text: str, order: DateOrder, first_day: datetime) -> Moment:
    if _SERIAL.fullmatch(text):
        return _moment_of_serial(float(text), first_day)
    found = next(filter(None, (form.fullmatch(text) for form in _FORMS)), None)
    if found is None:
        raise RowProblem("invalid_date")
    parts = found.groupdict()
    if "name" in parts:
        month, day = _MONTHS.get(parts["name"].casefold(), 0), int(parts["day"])
    elif "first" in parts:
        pair = (int(parts["first"]), int(parts["second"]))
        month, day = pair if order == DateOrder.MONTH_FIRST and parts["sep"] != "." else pair[::-1]
    else:
        month, day = int(parts["month"]), int(parts["day"])
    try:
        whole_day = date(int(parts["year"]), month, day)
        if parts["h"] is None:
            return Moment(whole_day)
        return _moment(datetime.combine(whole_day, _time(parts), _zone(parts["zone"])))
    except ValueError as error:
        raise RowProblem("invalid_date") from error


def _time(parts: dict[str, str | None]) -> time:
    hour = int(parts["h"] or 0)
    if half := parts["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("no such hour on a twelve-hour clock")
        hour = hour % 12 + (12 if half.upper() == "PM" else 0)
    return time(hour, int(parts["m"] or 0), int(parts["s"] or 0))


def _zone(name: str | None) -> timezone | None:
    if name is None:
        return None
    if name.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    sign = -1 if name.startswith("-") else 1
    return timezone(sign * timedelta(hours=int(name[1:3]), minutes=int(name[-2:])))


# --- Columns ----------------------------------------------------------------------------------------------------------

_USUAL_HEADERS: Final = {
    "score": "score rating stars ocena wynik nps csat ces punkty",
    "comment": "comment review feedback komentarz opinia recenzja treść text uwagi answer",
    "date": "date data answered_at created_at submitted_at timestamp czas time created day dzień",
    "product": "product produkt app application aplikacja service usługa brand marka bank",
    "respondent": "respondent user_id customer_id client_id external_id respondent_id id_klienta user customer klient",
    "email": "email e_mail mail user_email customer_email adres_email",
    "language": "language lang język locale",
    "channel": "channel kanał",
}


def guess_columns(headers: Sequence[str]) -> dict[str, str]:
    """Return the header that probably names each kind of column; kinds without a likely header are left out."""
    folded = {header: re.sub(r"[\W_]+", "_", header.casefold()).strip("_") for header in headers if header}
    guesses: dict[str, str] = {}

    def guess(kind: str, names: Sequence[str], *, by_word: bool) -> None:
        for name in names:
            for header, text in folded.items():
                matches = name in text.split("_") if by_word else name == text
                if matches and header not in guesses.values():
                    guesses.setdefault(kind, header)

    for by_word in (False, True):  # a header that is the word itself goes before one that contains it
        for kind, names in _USUAL_HEADERS.items():
            guess(kind, names.split(), by_word=by_word)
    return guesses
