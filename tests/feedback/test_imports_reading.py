import io
import zipfile
from datetime import datetime

import openpyxl
import pytest
from django.core.exceptions import ValidationError

from feedback.imports.reading import LARGEST_FILE, LARGEST_UNPACKED, open_source

POLISH = (
    "produkt,ocena,komentarz\nKonto,5,Świetna aplikacja – szybka i wygodna\nKonto,1,Źle działa: ciągle się zawiesza\n"
)


def lines(source):
    return [(row.line, list(row.cells), row.problem) for row in source.rows()]


def workbook(*rows, **sheets):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, state in sheets.items():
        book.create_sheet(title, 0).sheet_state = state
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def code_of(content, **options):
    with pytest.raises(ValidationError) as refusal:
        list(open_source(content, **options).rows())
    assert refusal.value.messages[0]
    return refusal.value.code


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1250", "iso8859_2"],
)
def test_polish_text_is_read_in_every_usual_encoding(encoding):
    text = POLISH.replace("–", "-")

    source = open_source(text.encode(encoding))

    assert source.headers == ("produkt", "ocena", "komentarz")
    assert [cells[2] for _line, cells, _problem in lines(source)] == [
        "Świetna aplikacja - szybka i wygodna",
        "Źle działa: ciągle się zawiesza",
    ]


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r"])
def test_cyrillic_text_is_read_in_old_encodings(encoding):
    text = "product,score,comment\nA,5,Очень удобное приложение и работает быстро\nA,1,Не могу войти после обновления\n"

    assert lines(open_source(text.encode(encoding)))[1][1][2] == "Не могу войти после обновления"


def test_many_scripts_and_emoji_survive():
    comments = ["ጥሩ መተግበሪያ", "很好用", "ممتاز", "👩‍👩‍👧 ❤️", "naïve “quotes”"]
    text = "c\n" + "".join(f'"{comment}"\n' for comment in comments)

    for encoding in ("utf-8", "utf-16"):
        assert [cells[0] for _line, cells, _problem in lines(open_source(text.encode(encoding)))] == comments


def test_a_chosen_encoding_overrules_detection():
    text = "c\nDéçu\n"

    assert lines(open_source(text.encode("cp1252"), encoding="cp1252"))[0][1] == ["Déçu"]
    assert code_of("c\nż\n".encode("cp1250"), encoding="utf-8-sig") == "undecodable"


def test_half_a_character_does_not_cost_the_file():
    content = b"c,d\nbefore \xed\xa0\xbd after,1\n"

    assert lines(open_source(content))[0][1][1] == "1"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_sniffed(delimiter):
    text = f"a{delimiter}b{delimiter}c\n1{delimiter}one, two; three\t{delimiter}3\n".replace(
        "one, two; three\t", '"one, two; three\t"'
    )

    assert lines(open_source(text.encode())) == [(2, ["1", "one, two; three\t", "3"], "")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_are_numbered_by_the_physical_line_on_which_they_begin(end):
    text = 'a,b\n1,"two\nlines"\n\n , \n2,x\n3,"a\n\n\nb"\n4,y'.replace("\n", end)

    assert [(line, cells[0]) for line, cells, _problem in lines(open_source(text.encode()))] == [
        (2, "1"),
        (6, "2"),
        (7, "3"),
        (11, "4"),
    ]


def test_a_row_with_broken_quotation_marks_does_not_take_the_next_one_along():
    source = open_source(b'a,b\n1,"said "hello" twice"\n2,x\n')

    assert lines(source) == [(2, [], "malformed_row"), (3, ["2", "x"], "")]


def test_a_file_can_be_read_again_and_again():
    for content in (b"a,b\n1,2\n", workbook(["a", "b"], [1, 2])):
        source = open_source(content)
        assert lines(source) == lines(source) != []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b"\n\n  \n", "empty_file"),
        (b"a,b,a\n1,2,3\n", "duplicate_headers"),
        (b'a,b\n1,"never closed\n2,x\n', "unclosed_quote"),
        (b'a,"b\n1,2\n', "unclosed_quote"),
        (b"PK\x03\x04 nothing behind the mark", "not_xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_excel"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe\xfd" + bytes(range(256)) * 4, "unknown_encoding"),
        (b"x" * (LARGEST_FILE + 1), "too_large"),
        (b"," * 1001 + b"\n", "too_many_columns"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_a_stable_code(content, code):
    assert code_of(content) == code


def test_the_line_of_an_unclosed_quotation_mark_is_named():
    with pytest.raises(ValidationError, match="line 3"):
        list(open_source(b'a,b\n1,2\n3,"x\n4,5\n').rows())


# --- Workbooks --------------------------------------------------------------------------------------------------------


def test_a_workbook_keeps_its_types_and_line_numbers():
    at = datetime(2025, 6, 7, 12, 30)  # noqa: DTZ001  cells have no zone
    source = open_source(workbook(["score", "date", "text"], [9, at, "żółw 😀"], [], [9.0, 45815, None]))

    assert source.headers == ("score", "date", "text")
    assert lines(source) == [(2, [9, at, "żółw 😀"], ""), (4, [9.0, 45815], "")]


def test_hidden_sheets_are_left_out():
    assert open_source(workbook(["a"], [1], notes="hidden")).headers == ("a",)


def rewritten(content, name, change):
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, change(old.read(entry)) if entry == name else old.read(entry))
    return packed.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize("claim", [b'ref="A1"', b'ref="A1:XFD1048576"'])
def test_a_wrong_claim_about_the_sheets_size_neither_loses_nor_invents_rows(claim):
    content = rewritten(workbook(["a", "b"], [1, 2], [3, 4]), SHEET, lambda sheet: sheet.replace(b'ref="A1:B3"', claim))

    assert lines(open_source(content)) == [(2, [1, 2], ""), (3, [3, 4], "")]


def test_a_workbook_that_unpacks_to_far_more_than_it_weighs_is_refused():
    content = rewritten(workbook(["a"], [1]), SHEET, lambda _sheet: b" " * (LARGEST_UNPACKED + 1))

    assert len(content) < LARGEST_FILE
    assert code_of(content) == "unpacks_too_large"


@pytest.mark.parametrize(
    "change",
    [lambda sheet: sheet[: len(sheet) // 2], lambda sheet: sheet.replace(b't="n"', b't="s"')],
    ids=["cut off", "points at a text that is not there"],
)
def test_a_damaged_workbook_is_refused(change):
    assert code_of(rewritten(workbook(["a", "b"], [999, "y"]), SHEET, change)) == "not_xlsx"


def test_a_workbook_with_a_row_far_below_the_last_possible_one_is_refused():
    content = rewritten(workbook(["a"], [1]), SHEET, lambda sheet: sheet.replace(b'r="2"', b'r="2000000000"'))

    assert code_of(content) == "too_many_lines"


def test_another_packed_file_is_no_workbook():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("letter.txt", "not a workbook")

    assert code_of(packed.getvalue()) == "not_xlsx"
    assert code_of(workbook()) == "empty_file"
