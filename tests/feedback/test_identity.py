import pytest
from django.core.exceptions import ValidationError

from feedback.identity import identify, normalise_email, normalise_phone
from feedback.invitations import clean_url


@pytest.mark.parametrize(
    ("claims", "key"),
    [
        ({"external_id": "7", "email": "a@b.pl", "phone": "+48 601 000 000"}, "id:7"),
        ({"email": "a@b.pl", "phone": "+48 601 000 000"}, "mail:a@b.pl"),
        ({"phone": "+48 601 000 000"}, "tel:+48601000000"),
        ({"anonymous_id": "device"}, "anon:device"),
        ({"external_id": "Unknown", "email": "Unknown", "anonymous_id": "device"}, "anon:device"),
    ],
)
def test_the_key_is_the_first_identifier_known(claims, key):
    assert identify(**claims).subject_key == key


def test_two_people_without_any_identifier_are_two_people():
    assert identify().subject_key != identify().subject_key


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        (" Anna@Example.COM ", "anna@example.com"),
        ("x@ŻÓŁĆ.pl", "x@xn--kda4b0koi.pl"),
        ("Jörg.O'Neil+tag@mail-1.example.com", "jörg.o'neil+tag@mail-1.example.com"),
        ("anna@intranet", "anna@intranet"),
        ("", ""),
    ],
)
def test_addresses_are_brought_into_one_form(written, stored):
    assert normalise_email(written) == stored


@pytest.mark.parametrize(
    "written",
    [
        *("nobody", "@example.com", "a@", "a@..", "a@" + "x" * 64 + ".pl", "a@-x.pl", "a@exa mple.com", "a@<b>.pl"),
        *(
            "a\r\nBcc: b@example.com",
            "a@example.com\nBcc: b",
            "a@exa\r\nmple.com",
            "a b@example.com",
            "a\x00@example.com",
        ),
        *("\u202ea@example.com", "a\u200b@example.com", "a\xa0b@example.com", "\ud800@example.com", "a@\ud800.pl"),
    ],
    ids=ascii,
)
def test_what_is_no_address_is_refused(written):
    with pytest.raises(ValidationError) as refusal:
        normalise_email(written)

    assert refusal.value.code == "invalid_email"


@pytest.mark.parametrize("written", ["12", "601 000 000", "call me"])
def test_what_is_no_phone_number_with_a_country_code_is_refused(written):
    with pytest.raises(ValidationError) as refusal:
        normalise_phone(written)

    assert refusal.value.code == "invalid_phone"


@pytest.mark.parametrize(
    ("url", "kept", "stored"),
    [
        ("https://app.example.com/a/b?token=1&plan=x#top", (), "https://app.example.com/a/b"),
        ("https://app.example.com/a?token=1&plan=x", ("plan",), "https://app.example.com/a?plan=x"),
        ("https://anna:secret@app.example.com/", (), "https://app.example.com/"),
        ("file:///home/anna/page.html", (), ""),
        ("javascript:alert(1)", (), ""),
        ("http://[broken", (), ""),
        ("", (), ""),
    ],
)
def test_addresses_of_pages_lose_what_could_name_a_person(url, kept, stored):
    assert clean_url(url, kept=kept) == stored
