"""What each row of a file would become, or why it would not: nothing here touches the database."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from feedback.imports.reading import refuse
from feedback.imports.recognising import (
    DateOrder,
    DateReading,
    RowProblem,
    find_date_order,
    fold_name,
    recognise_channel,
    recognise_language,
    recognise_moment,
    recognise_person,
    recognise_score,
    tidy_text,
)
from feedback.models.capturing import LONGEST_COMMENT
from surveys.scales import scale_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from feedback.imports.reading import Cell, Row, Source
    from surveys.scales import Scale

LONGEST_PRODUCT_NAME: Final = 200
LONGEST_RESPONDENT: Final = 255
MOST_NEW_PRODUCTS: Final = 50
_LINES_PER_CODE: Final = 5


@dataclass(frozen=True)
class Columns:
    """Which header names each kind of column, and what staff decided about encoding and dates; "" where nothing."""

    product: str
    score: str
    date: str
    comment: str = ""
    respondent: str = ""
    email: str = ""
    language: str = ""
    channel: str = ""
    encoding: str = ""
    date_order: str = ""

    KINDS = ("product", "score", "date", "comment", "respondent", "email", "language", "channel")

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Columns:
        """Return the columns that ``stored`` keeps."""
        return cls(**{column.name: stored.get(column.name, "") for column in fields(cls)})

    def stored(self) -> dict[str, str]:
        return asdict(self)

    def positions(self, headers: Sequence[str]) -> dict[str, int]:
        """Return the position of each chosen kind of column; the exact header goes before one in another case.

        Raises:
            ValidationError: ``missing_column``.
        """
        places = {header.casefold(): place for place, header in enumerate(headers) if header}
        places |= {header: place for place, header in enumerate(headers) if header}
        found = {}
        for kind in self.KINDS:
            if header := " ".join(getattr(self, kind).split()):
                place = places.get(header, places.get(header.casefold()))
                if place is None:
                    raise refuse("missing_column", header=header[:100])
                found[kind] = place
        return found


@dataclass(frozen=True)
class KnownProduct:
    """A product that rows may name; ``problem`` is the code of why they may not after all."""

    zone: ZoneInfo
    problem: str = ""


@dataclass(frozen=True)
class Catalogue:
    """The products that rows may name, by folded name, and whether a new one may be created in ``zone``."""

    products: Mapping[str, KnownProduct]
    may_create: bool
    zone: ZoneInfo

    def zone_of(self, name: str) -> ZoneInfo:
        """Return the time zone of the product.

        Raises:
            RowProblem: ``unknown_product``, or what the product's own problem is.
        """
        product = self.products.get(fold_name(name))
        if product is None:
            if not self.may_create:
                raise RowProblem("unknown_product")
            return self.zone
        if product.problem:
            raise RowProblem(product.problem)
        return product.zone


@dataclass(frozen=True, slots=True)
class Answer:
    """A row that can be imported.

    Args:
        moment: the date as it takes part in the row's identity.
        answered_at: in the product's zone.
        subject: the subject key of the person the row names, or "" for nobody.
        repetition: how many rows above say exactly the same: two of them are two people's answers.
    """

    line: int
    product: str
    score: int
    comment: str
    moment: str
    answered_at: datetime
    subject: str
    respondent: str
    email: str
    language: str
    channel: str
    repetition: int = 0

    def key(self, product_id: int, metric: str) -> bytes:
        """Return what identifies the answer (32 bytes), whatever the file's columns, encoding or format."""
        said = [product_id, metric, self.score, self.comment, self.moment, self.subject, self.repetition]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).digest()


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that cannot be imported, and the code of the reason."""

    line: int
    code: str


class Plan:
    """The rows of a file as they would be imported; iterating reads the file again from the start."""

    def __init__(self, source: Source, columns: Columns, *, metric: str, catalogue: Catalogue, now: datetime) -> None:
        self._source, self._catalogue, self._now = source, catalogue, now
        self._positions = columns.positions(source.headers)
        self._scale: Scale = scale_of(metric)
        self.dates = self._read_dates(columns)

    def _read_dates(self, columns: Columns) -> DateReading:
        if columns.date_order:
            return DateReading(DateOrder(columns.date_order))
        return find_date_order(self._cell(row, "date") for row in self._source.rows())

    def _cell(self, row: Row, kind: str) -> Cell:
        place = self._positions.get(kind)
        return row.cells[place] if place is not None and place < len(row.cells) else None

    def __iter__(self) -> Iterator[Answer | RowError]:
        seen: Counter[int] = Counter()
        for row in self._source.rows():
            try:
                yield self._answer(row, seen)
            except RowProblem as problem:
                yield RowError(row.line, problem.code)

    def _answer(self, row: Row, seen: Counter[int]) -> Answer:
        if row.problem:
            raise RowProblem(row.problem)
        # A comma inside an unquoted comment shifts all cells behind it: such a row says something else than it seems.
        if any(tidy_text(cell) for cell in row.cells[len(self._source.headers) :]):
            raise RowProblem("too_many_cells")
        product = self._text(row, "product", LONGEST_PRODUCT_NAME, required=True)
        score = recognise_score(self._cell(row, "score"), self._scale)
        comment = self._text(row, "comment", LONGEST_COMMENT)
        moment = recognise_moment(self._cell(row, "date"), self.dates.order, self._source.first_day)
        respondent = self._text(row, "respondent", LONGEST_RESPONDENT)
        person = recognise_person(respondent, tidy_text(self._cell(row, "email")))
        subject = person.subject_key if person.is_known else ""
        language = recognise_language(self._cell(row, "language"))
        channel = recognise_channel(self._cell(row, "channel"))
        zone = self._catalogue.zone_of(product)
        answered_at = moment.resolve(zone, self._now).astimezone(zone)
        # Eight bytes of the digest are enough to tell rows of one file apart, and keep a million of them small.
        said = json.dumps([fold_name(product), score, comment, moment.key, subject], ensure_ascii=False)
        identity = int.from_bytes(hashlib.blake2b(said.encode(), digest_size=8).digest())
        seen[identity] += 1
        return Answer(
            line=row.line, product=product, score=score, comment=comment, moment=moment.key, answered_at=answered_at,
            subject=subject, respondent=person.external_id, email=person.email, language=language, channel=channel,
            repetition=seen[identity] - 1,
        )  # fmt: skip

    def _text(self, row: Row, kind: str, longest: int, *, required: bool = False) -> str:
        text = tidy_text(self._cell(row, kind))
        if len(text) > longest:
            raise RowProblem(f"{kind}_too_long")
        if required and not text:
            raise RowProblem(f"missing_{kind}")
        return text


@dataclass
class ErrorCount:
    """How many rows fail for one reason, and the first lines."""

    count: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        self.count += 1
        if len(self.lines) < _LINES_PER_CODE:
            self.lines.append(line)


@dataclass
class Preview:
    """What importing a whole file would come to."""

    dates: DateReading
    good: int = 0
    errors: dict[str, ErrorCount] = field(default_factory=dict)
    sample: list[Answer] = field(default_factory=list)
    new_products: dict[str, str] = field(default_factory=dict)

    @property
    def in_error(self) -> int:
        return sum(error.count for error in self.errors.values())

    @property
    def total(self) -> int:
        return self.good + self.in_error


def preview_plan(plan: Plan, catalogue: Catalogue, *, sample: int = 10) -> Preview:
    """Count what the rows of a plan come to.

    Args:
        sample: how many of the first good rows to keep.

    Raises:
        ValidationError: ``no_rows``; ``too_many_products`` when the rows name so many new products that the column
            must be another one; or what reading the file raises.
    """
    preview = Preview(plan.dates)
    for row in plan:
        if isinstance(row, RowError):
            preview.errors.setdefault(row.code, ErrorCount()).add(row.line)
            continue
        preview.good += 1
        if len(preview.sample) < sample:
            preview.sample.append(row)
        folded = fold_name(row.product)
        if folded not in catalogue.products:
            preview.new_products.setdefault(folded, row.product)
        if len(preview.new_products) > MOST_NEW_PRODUCTS:
            raise ValidationError(
                _("The rows name more than %(most)d new products. Is it the right column?"),
                code="too_many_products",
                params={"most": MOST_NEW_PRODUCTS},
            )
    if not preview.total:
        raise refuse("no_rows")
    return preview


def explain(code: str, metric: str) -> str:
    """Return the reason of a row's error for people. It never quotes the row, which may be about a person."""
    scale = scale_of(metric)
    return {
        "malformed_row": _("The quotation marks of the row are broken."),
        "too_many_cells": _("The row has more cells than there are headers."),
        "missing_product": _("There is no product."),
        "product_too_long": _("The product's name is longer than %(most)d characters.")
        % {"most": LONGEST_PRODUCT_NAME},
        "unknown_product": _("There is no such product, and you may not create it."),
        "no_wording": _("The product's default language has no wording that ships with Odzew."),
        "missing_score": _("There is no score."),
        "invalid_score": _("The score is not a whole number from %(lowest)d to %(highest)d.")
        % {"lowest": scale.minimum, "highest": scale.maximum},
        "comment_too_long": _("The comment is longer than %(most)d characters.") % {"most": LONGEST_COMMENT},
        "missing_date": _("There is no date."),
        "invalid_date": _("The date cannot be read."),
        "future_date": _("The date is in the future."),
        "date_too_early": _("The date is before 1990."),
        "respondent_too_long": _("The respondent's id is longer than %(most)d characters.")
        % {"most": LONGEST_RESPONDENT},
        "invalid_email": _("The e-mail address cannot be one."),
        "invalid_language": _("The language is not a code such as “pl” or “en-GB”."),
        "invalid_channel": _("The channel is not one of: web, mobile, email, link."),
        "erased_person": _("The person's data were erased at their request. Take the row out of your file, too."),
    }[code]
