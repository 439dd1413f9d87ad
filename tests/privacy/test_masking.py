import itertools
import time

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from privacy.masking import Finding, Kind, find_personal_data, mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to jan.kowalski+x@mail.example.pl.", "Write to [e-mail]."),
        ("Łukasz ł.żak@poczta.example, thanks", "Łukasz [e-mail], thanks"),
        ("Call 501 234 567 after five", "Call [phone number] after five"),
        ("Call +48 22 555 12 34!", "Call [phone number]!"),
        ("Call +44 20 7946 0958.", "Call [phone number]."),
        ("My PESEL is 44051401359", "My PESEL is [PESEL]"),
        ("NIP 526-10-40-828", "NIP [NIP]"),
        ("NIP 5261040828", "NIP [NIP]"),
        ("Account PL61 1090 1014 0000 0712 1981 2874 please refund", "Account [account number] please refund"),
        ("pl61109010140000071219812874", "[account number]"),
        ("61 1090 1014 0000 0712 1981 2874", "[account number]"),
        ("DE89 3704 0044 0532 0130 00", "[account number]"),
    ],
)
def test_what_identifies_a_person_is_masked(text, masked):
    with translation.override("en"):
        assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10/10, would use again",
        "Since 2024-05-06 12:30 it fails with error 500",
        "I paid 1000000 zł for 3 items",
        "me @ home, price 5.99, v1.2.3",
        "order 44051401358",  # one digit away from a PESEL
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert mask(text) == text


def test_findings_say_where_in_the_text_they_are():
    text = "PESEL 44051401359, mail a@b.example"

    assert find_personal_data(text) == [Finding(Kind.PESEL, 6, 17), Finding(Kind.EMAIL, 24, 35)]


def test_the_mask_speaks_the_language_of_the_reader():
    with translation.override("en"):
        assert mask("a@b.example") == f"[{Kind.EMAIL.label}]"


@given(st.text(alphabet="a1@.+-() 501234567PL€", max_size=200))
def test_findings_never_overlap_and_masking_leaves_nothing_of_them(text):
    findings = find_personal_data(text)

    for finding, following in itertools.pairwise(findings):
        assert finding.end <= following.start
    assert all(0 <= finding.start < finding.end <= len(text) for finding in findings)


@pytest.mark.parametrize(
    "piece", ["a", "a@", "a.", "1", "1 ", "+48", "PL61", "PL61 ", "AB12 3456 ", "501234567 ", "1/1/", "(1", "-", "x1"]
)
def test_ten_thousand_hostile_characters_are_read_in_linear_time(piece):
    text = (piece * 10_000)[:10_000]

    def seconds(length):
        started = time.process_time()
        find_personal_data(text[:length])
        return time.process_time() - started

    find_personal_data(text[:100])  # the phone patterns are compiled on first use
    short = seconds(2_500)

    assert seconds(10_000) < 4 * short * 3 + 0.1  # quadratic would be sixteen times
