"""Reading a file of earlier answers: which encoding and delimiter, or which sheet; then its rows with their lines.

A file is read several times from the start, a row at a time, so that memory does not grow with the number of rows.
Whatever makes the file unusable as a whole is a ``ValidationError`` with a stable code, raised before a row is written.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias
from xml.etree.ElementTree import ParseError

import openpyxl
from charset_normalizer import from_bytes
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from openpyxl.utils.datetime import WINDOWS_EPOCH
from openpyxl.utils.exceptions import InvalidFileException

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LARGEST_FILE: Final = 20 * 1024 * 1024
# An honest workbook unpacks to about ten times its size; a hostile one to thousands of times.
LARGEST_UNPACKED: Final = 200 * 1024 * 1024
MOST_COLUMNS: Final = 1_000
MOST_LINES: Final = 1_048_576  # of a sheet in Excel
DELIMITERS: Final = (",", ";", "\t")

Cell: TypeAlias = str | int | float | bool | datetime | date | time | timedelta | None

PROBLEMS: Final = {
    "too_large": _("The file is larger than %(megabytes)d MB."),
    "empty_file": _("The file is empty."),
    "no_rows": _("The file has a line of headers and nothing below it."),
    "unknown_encoding": _("The file is neither a text in a known encoding nor an XLSX workbook."),
    "undecodable": _("The file cannot be read in the encoding “%(encoding)s”."),
    "unclosed_quote": _("A quotation mark opened in line %(line)d is never closed."),
    "not_xlsx": _("The file is packed like an XLSX workbook but cannot be read as one."),
    "old_excel": _("This is a workbook of an old Excel or one with a password. Save it as XLSX without a password."),
    "unpacks_too_large": _("The workbook unpacks to more than %(megabytes)d MB."),
    "duplicate_headers": _("Two columns have the same header: “%(header)s”."),
    "too_many_columns": _("A row has more than %(most)d columns."),
    "too_many_lines": _("The file has more than %(most)d lines."),
    "missing_column": _("The file has no column “%(header)s”."),
}

# A field may be as long as the file: a comment beyond our limit is a row in error, not a file that cannot be read.
csv.field_size_limit(LARGEST_FILE)


def refuse(code: str, **params: Any) -> ValidationError:
    """Return the error of a file that cannot be used; ``code`` is a key of ``PROBLEMS``."""
    return ValidationError(PROBLEMS[code], code=code, params=params)


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row, the line of the file on which it begins, and the code of what is wrong with it as a whole."""

    line: int
    cells: Sequence[Cell]
    problem: str = ""


class Source(Protocol):
    """A file that can be read from the start again and again.

    ``headers`` are trimmed, in the file's order, empty for a column without one; ``first_day`` is what day 0 of a
    serial number is counted from; ``form`` says how the file was understood, for people.
    """

    headers: tuple[str, ...]
    first_day: datetime

    @property
    def form(self) -> str: ...

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the headers, leaving out those that are blank."""
        ...


def open_source(content: bytes, *, encoding: str = "") -> Source:
    """Return the file's headers and a way to read its rows.

    Args:
        content: the whole file.
        encoding: of a text file; empty: detected.

    Raises:
        ValidationError: the file as a whole cannot be used; the code is a key of ``PROBLEMS``.
    """
    if len(content) > LARGEST_FILE:
        raise refuse("too_large", megabytes=LARGEST_FILE // 1024 // 1024)
    if not content.strip(b"\0 \r\n\t"):
        raise refuse("empty_file")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise refuse("old_excel")
    source: Source = Workbook(content) if content.startswith(b"PK") else TextTable(content, encoding=encoding)
    _check_headers(source.headers)
    return source


def _check_headers(headers: Iterable[str]) -> None:
    seen = set()
    for header in filter(None, headers):
        if header in seen:
            raise refuse("duplicate_headers", header=header[:100])
        seen.add(header)


def _is_blank(cells: Iterable[Cell]) -> bool:
    return not any(cell.strip() if isinstance(cell, str) else cell is not None for cell in cells)


def _headers(cells: Iterable[Cell]) -> tuple[str, ...]:
    headers = [" ".join(str(cell).replace("\0", "").split()) if cell is not None else "" for cell in cells]
    while headers and not headers[-1]:
        headers.pop()
    return tuple(headers)


# --- Text -------------------------------------------------------------------------------------------------------------

# The order matters: the mark of UTF-32 begins with that of UTF-16.
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Tried first, because a short text looks plausible in a dozen encodings that nobody here uses.
USUAL: Final = ("cp1250", "iso8859_2", "cp1252", "cp1251", "koi8_r")
# What staff may choose where detection went wrong: Python's name and the one people know.
ENCODINGS: Final = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "cp1250": "windows-1250",
    "iso8859_2": "ISO 8859-2",
    "cp1252": "windows-1252",
    "iso8859_15": "ISO 8859-15",
    "cp1251": "windows-1251",
    "koi8_r": "KOI8-R",
    "cp852": "IBM 852",
}
SAMPLE: Final = 64 * 1024
_SAMPLED_RECORDS: Final = 50


def detect_encoding(content: bytes) -> str:
    """Return Python's name of the text's encoding.

    Raises:
        ValidationError: ``unknown_encoding``.
    """
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return encoding
    if encoding := _utf_16_without_mark(content[:SAMPLE]):
        return encoding
    if _decodes(content, "utf-8"):
        return "utf-8"
    if b"\0" in content:
        raise refuse("unknown_encoding")
    telling = _lines_beyond_ascii(content)
    best = from_bytes(telling, cp_isolation=list(USUAL)).best() or from_bytes(telling).best()
    if best is None:
        raise refuse("unknown_encoding")
    return best.encoding


def _utf_16_without_mark(sample: bytes) -> str:
    """Return the encoding in which every second byte of delimiters, digits and line ends is zero, if it is one."""
    zeros = (sample[0::2].count(0), sample[1::2].count(0))
    if max(zeros) * 20 < len(sample) or min(zeros) * 20 > max(zeros):
        return ""
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _decodes(content: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)(_errors_of(encoding))
    try:
        for start in range(0, len(content), SAMPLE):
            decoder.decode(content[start : start + SAMPLE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _errors_of(encoding: str) -> str:
    # Half of a character, which broken exports contain, must not cost the whole file; it is removed from the text.
    return "surrogatepass" if encoding.startswith("utf") else "strict"


def _lines_beyond_ascii(content: bytes) -> bytes:
    """Return up to a sample of the lines that tell encodings apart, so that plain English does not drown them."""
    lines: list[bytes] = []
    size = 0
    for line in io.BytesIO(content):
        if not line.isascii():
            lines.append(line)
            size += len(line)
        if size > SAMPLE:
            break
    return b"".join(lines)


@dataclass
class TextTable:
    """A CSV file: its delimiter is sniffed, and a row is numbered by the physical line on which it begins."""

    content: bytes = field(repr=False)
    encoding: str = ""
    headers: tuple[str, ...] = ()
    delimiter: str = ","
    first_day: datetime = WINDOWS_EPOCH

    def __post_init__(self) -> None:
        self.encoding = self.encoding or detect_encoding(self.content)
        self.delimiter = self._sniff_delimiter()
        header = next(self._records(), None)
        if header is None or header.problem:
            raise refuse("empty_file") if header is None else refuse("unclosed_quote", line=header.line)
        self.headers = _headers(header.cells)

    @property
    def form(self) -> str:
        names = {"utf-8": "UTF-8", **ENCODINGS}
        delimiter = {",": _("separated by commas"), ";": _("separated by semicolons"), "\t": _("separated by tabs")}
        return f"CSV, {names.get(self.encoding, self.encoding)}, {delimiter[self.delimiter]}"

    def rows(self) -> Iterator[Row]:
        return islice(self._records(), 1, None)

    def _text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(
            io.BytesIO(self.content), encoding=self.encoding, errors=_errors_of(self.encoding), newline=""
        )

    def _sniff_delimiter(self) -> str:
        try:
            sample = self._text().read(SAMPLE)
        except UnicodeDecodeError as error:
            raise refuse("undecodable", encoding=self.encoding) from error

        def fitness(delimiter: str) -> tuple[float, int]:
            reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
            widths = [len(cells) for cells in islice(reader, _SAMPLED_RECORDS) if cells]
            if not widths or widths[0] == 1:
                return 0.0, 0
            return sum(width == widths[0] for width in widths) / len(widths), widths[0]

        return max(DELIMITERS, key=fitness)

    def _records(self) -> Iterator[Row]:
        reader = csv.reader(self._text(), delimiter=self.delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except UnicodeDecodeError as error:
                raise refuse("undecodable", encoding=self.encoding) from error
            except csv.Error as error:
                # Everything below would be swallowed as part of one field, so this is not the fault of one row.
                if "unexpected end of data" in str(error):
                    raise refuse("unclosed_quote", line=line) from error
                yield Row(line, (), "malformed_row")
                continue
            if len(cells) > MOST_COLUMNS:
                raise refuse("too_many_columns", most=MOST_COLUMNS)
            if not _is_blank(cells):
                yield Row(line, cells)


# --- Workbooks --------------------------------------------------------------------------------------------------------

_BROKEN_WORKBOOK: Final = (
    *(zipfile.BadZipFile, zlib.error, ParseError, InvalidFileException, EOFError, NotImplementedError, RuntimeError),
    *(KeyError, ValueError, TypeError, IndexError, AttributeError),  # what openpyxl stumbles over in a broken part
)


class Workbook:
    """The first visible sheet of an XLSX file; formulas are read as their last result."""

    def __init__(self, content: bytes) -> None:
        _check_unpacked_size(content)
        try:
            workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            sheets = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
        except _BROKEN_WORKBOOK as error:
            raise refuse("not_xlsx") from error
        if not sheets:
            raise refuse("empty_file")
        self._sheet: Any = sheets[0]  # reading only makes it another class than openpyxl declares
        # What a file says about its own size is often wrong and would cut off rows or invent a million empty ones.
        self._sheet.reset_dimensions()
        self.first_day: datetime = workbook.epoch
        header = next(self._records(), None)
        if header is None:
            raise refuse("empty_file")
        self.headers = _headers(header.cells)

    @property
    def form(self) -> str:
        return str(_("XLSX, sheet “%(sheet)s”")) % {"sheet": self._sheet.title}

    def rows(self) -> Iterator[Row]:
        return islice(self._records(), 1, None)

    def _records(self) -> Iterator[Row]:
        try:
            for line, cells in enumerate(self._sheet.iter_rows(values_only=True), start=1):
                if line > MOST_LINES:
                    raise refuse("too_many_lines", most=MOST_LINES)
                if len(cells) > MOST_COLUMNS and not _is_blank(cells[MOST_COLUMNS:]):
                    raise refuse("too_many_columns", most=MOST_COLUMNS)
                if not _is_blank(cells):
                    yield Row(line, cells)
        except _BROKEN_WORKBOOK as error:
            raise refuse("not_xlsx") from error


def _check_unpacked_size(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise refuse("not_xlsx") from error
    # Python reads no entry beyond the size it declares, so an understatement gains nothing.
    if unpacked > LARGEST_UNPACKED:
        raise refuse("unpacks_too_large", megabytes=LARGEST_UNPACKED // 1024 // 1024)
