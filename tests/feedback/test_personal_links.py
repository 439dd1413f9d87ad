"""Personal links in bulk: everybody passes the rules, the file is safe to open, and nothing of it is kept."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from feedback.exports import as_csv, neutralised
from feedback.models import Invitation, Respondent
from feedback.personal_links import WHY, make_personal_links
from privacy.encryption import token_digest
from privacy.models import AccessLogEntry
from surveys.models import Survey
from tests.factories import make_product, make_respondent, make_staff, make_suppression, make_survey
from tests.feedback.pages.looking import seal_on

pytestmark = pytest.mark.django_db

LIST = "id;e-mail;Język\n1;anna@example.com;pl\n2;;en\n;bob@example.com;\n"


@pytest.fixture
def survey():
    return make_survey(slug="nps", product=make_product(identity_mode="trusted"))


@pytest.fixture
def reviewer(survey):
    return make_staff("reviewer", product=survey.product)


@pytest.fixture
def make(survey, reviewer):
    return lambda text: make_personal_links(survey=survey, content=text.encode(), by=reviewer)


def upload(client, survey, text=LIST):
    file = SimpleUploadedFile("people.csv", text.encode())
    return client.post(reverse("feedback_personal_links", args=[survey.pk]), {"file": file})


def token(link):
    return link.split("/")[-2]


def test_everybody_who_may_be_asked_gets_a_link_of_their_own_that_works(make, survey, client):
    links = make(LIST)

    assert [each.code for each in links] == ["eligible"] * 3
    assert len({each.link for each in links}) == 3
    keys = Respondent.objects.order_by("pk").values_list("subject_key", flat=True)
    assert list(keys) == ["id:1", "id:2", "mail:bob@example.com"]
    for each in links:
        invitation = Invitation.objects.get(token_digest=token_digest(token(each.link)))
        assert (invitation.channel, invitation.survey) == ("link", survey)
        assert invitation.sent_at
    path = "/" + links[0].link.split("/", 3)[3]
    page = client.get(path)
    assert survey.current_version.content["pl"]["question"] in page.content.decode()
    client.post(path, {"seal": seal_on(page), "score": "9", "evidence": "pointer:1"})
    assert survey.responses.counted().get().respondent.external_id == "1"


def test_who_may_not_be_asked_gets_the_reason_and_no_link(make, survey):
    product = survey.product
    make_respondent(product=product, subject_key="id:objected", external_id="objected", objected_at=timezone.now())
    make_suppression(product=product, key="mail:never@example.com")

    links = make("id,email\nobjected,\n,never@example.com\n,not an address\nunknown,\nok,\nok,\n")

    assert [each.code for each in links] == [
        *("opted_out", "suppressed", "invalid_email", "unidentified", "eligible", "pending"),
    ]
    assert [bool(each.link) for each in links] == [False] * 4 + [True, False]
    assert links[0].why
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ("unsubscribed_at", "no_permission"),
        ("do_not_contact", "no_permission"),
        ("objected_at", "opted_out"),
        ("restricted_at", "restricted"),
    ],
)
@pytest.mark.parametrize("row", ["id,email\n1,\n", "id,email\n,anna@example.com\n", "id,email\n2,anna@example.com\n"])
def test_whoever_wants_nobody_to_write_to_them_gets_no_link_under_any_name(make, survey, wish, code, row):
    value = True if wish == "do_not_contact" else timezone.now()
    anna = {"external_id": "1", "email": "anna@example.com", wish: value}
    make_respondent(product=survey.product, subject_key="id:1", **anna)

    links = make(row)

    assert [(each.code, each.link, each.why) for each in links] == [(code, "", str(WHY[code]))]
    assert not Invitation.objects.exists()
    assert Respondent.including_restricted.count() == 1


def test_a_wish_of_the_same_mailbox_holds_for_whoever_is_named_by_an_id(make, survey):
    make_respondent(product=survey.product, subject_key="id:1", external_id="1", email="office@example.com")
    other = {"subject_key": "id:2", "external_id": "2", "email": "office@example.com"}
    make_respondent(product=survey.product, unsubscribed_at=timezone.now(), **other)

    assert [each.code for each in make("id\n1\n")] == ["no_permission"]


def test_people_with_a_link_are_not_asked_elsewhere_meanwhile(make):
    make("id\n1\n")
    Invitation.objects.update(
        created_at=timezone.now() - timedelta(hours=71), sent_at=timezone.now() - timedelta(hours=71)
    )

    assert [each.code for each in make("id\n1\n")] == ["pending"]


def test_only_the_survey_at_hand_is_asked(make, survey):
    make_survey(product=survey.product, priority=9)

    make("id\n1\n")

    assert Invitation.objects.get().survey == survey


@pytest.mark.parametrize(
    ("text", "code"),
    [("name\nAnna\n", "no_identifiers"), ("", "empty_file"), ("id\n" + "1\n" * 5001, "too_many_people")],
)
def test_a_file_that_is_no_list_is_refused_as_a_whole(make, text, code):
    with pytest.raises(ValidationError) as refused:
        make(text)

    assert refused.value.code == code
    assert not Invitation.objects.exists()
    assert not AccessLogEntry.objects.exists()


@pytest.mark.parametrize("change", [{"state": "paused"}, {"channels": ["web"]}])
def test_a_survey_that_is_not_asked_by_link_makes_none(make, change):
    Survey.objects.update(**change)

    with pytest.raises(ValidationError) as refused:
        make(LIST)

    assert refused.value.code == "not_by_link"


def test_taking_links_out_is_recorded(make, reviewer, survey):
    make(LIST)

    entry = AccessLogEntry.objects.get()
    assert (entry.user, entry.purpose, entry.product) == (reviewer, "export", survey.product)


def test_the_file_has_the_links_and_no_cell_that_runs(client, reviewer, survey):
    client.force_login(reviewer)

    answer = upload(client, survey, "id,email\n=1+1,\n@SUM(A1),\n1,anna@example.com\n")

    assert answer["Content-Disposition"] == 'attachment; filename="nps-links.csv"'
    assert "no-store" in answer["Cache-Control"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == ["'=1+1", "'@SUM(A1)", "1"]
    assert rows[2]["link"].startswith("http://127.0.0.1:8000/i/")
    assert rows[2]["email"] == "anna@example.com"


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\tx", "\rx"])
def test_what_a_spreadsheet_would_run_is_text(cell):
    assert neutralised(cell) == f"'{cell}"
    assert as_csv(["a"], [["1", "-2"]]).decode("utf-8-sig") == "a\r\n1,'-2\r\n"


def test_how_many_were_left_out_and_why_is_said_as_by_a_dry_run(client, reviewer, survey):
    people = {"unsubscribed_at": timezone.now(), "product": survey.product}
    for number in "12":
        make_respondent(subject_key=f"id:{number}", external_id=number, **people)
    client.force_login(reviewer)

    upload(client, survey, "id,email,language\n1,,\n2,,\n3,,\n,not an address,\n4,,no language\n")
    page = client.get(reverse("feedback_personal_links", args=[survey.pk])).content.decode()

    assert "1 link was made." in page
    assert f"2 people without a link: {WHY['no_permission']} (no_permission)" in page
    assert "1 person without a link: This is not an e-mail address. (invalid_email)" in page
    assert "(invalid_language)" in page


def test_the_tokens_are_nowhere_in_the_database_in_clear(make):
    links = make(LIST)

    stored = str(list(Invitation.objects.values())) + str(list(Respondent.objects.values()))
    assert not [each for each in links if token(each.link) in stored]


def test_the_page_is_for_those_who_may_make_links_of_products_they_see(client, survey, reviewer):
    for role, product, status in (
        *[("analyst", survey.product, 403), ("administrator", survey.product, 403)],
        *[("reviewer", make_product(), 404), ("reviewer", survey.product, 200)],
    ):
        client.force_login(make_staff(role, product=product))
        assert client.get(reverse("feedback_personal_links", args=[survey.pk])).status_code == status
        assert upload(client, survey).status_code == status

    client.force_login(reviewer)
    page = client.get(reverse("admin:surveys_survey_change", args=[survey.pk])).content.decode()
    assert reverse("feedback_personal_links", args=[survey.pk]) in page


def test_a_file_that_cannot_be_used_is_explained_on_the_page(client, survey, reviewer):
    client.force_login(reviewer)

    page = upload(client, survey, "name\nAnna\n")

    assert page.status_code == 200
    assert "no column called" in page.content.decode()


def test_a_row_that_cannot_be_read_says_so_and_not_that_nobody_is_named(make):
    links = make('id;e-mail\n1;anna@example.com\n"2"3;broken@example.com\n')

    assert [(each.code, bool(each.why)) for each in links] == [("eligible", False), ("malformed_row", True)]
