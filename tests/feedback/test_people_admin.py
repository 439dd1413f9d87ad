import logging
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.models import Invitation, Respondent
from privacy.models import AccessLogEntry, Product
from tests.factories import make_invitation, make_respondent, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db
FIND = reverse("admin:feedback_respondent_changelist")
ANNA = {"subject_key": "id:anna", "external_id": "anna", "email": "anna@example.com"}


@pytest.fixture
def desk(client, survey):
    client.force_login(make_staff("reviewer", product=survey.product))
    return client


def page_of(person):
    return reverse("admin:feedback_respondent_change", args=[person.pk])


def look_up(client, survey, **typed):
    return client.post(FIND, {"product": survey.product.pk, "channel": "web", **typed})


def text(answer):
    return unescape(" ".join(answer.content.decode().split()))


@pytest.mark.parametrize(
    "typed", [{"external_id": "anna"}, {"email": " Anna@Example.com"}, {"external_id": "anna", "phone": "+48600700800"}]
)
def test_somebody_met_is_answered_with_a_number(desk, survey, typed):
    person = make_respondent(product=survey.product, **ANNA)

    answer = look_up(desk, survey, **typed)

    assert answer.status_code == 302
    assert answer["Location"] == page_of(person)


def test_somebody_never_met_is_answered_with_a_reference_that_says_nothing(desk, survey):
    answer = look_up(desk, survey, email="new@example.com")

    assert answer.status_code == 302
    assert "new" not in answer["Location"].replace("never-met", "")
    assert "Would be asked now." in text(desk.get(answer["Location"]))
    assert (Respondent.objects.count(), Invitation.objects.count()) == (0, 0)


def test_the_session_keeps_what_was_typed_encrypted(desk, survey):
    look_up(desk, survey, email="new@example.com")

    kept = Session.objects.get().get_decoded()["person_looked_up"]

    assert "new@example.com" not in str(kept)


def test_nothing_typed_reaches_the_logs(desk, survey, caplog):
    with caplog.at_level(logging.DEBUG):
        desk.get(look_up(desk, survey, email="new@example.com")["Location"])

    assert "new@example.com" not in caplog.text


def test_a_reference_is_worth_nothing_to_somebody_else(desk, survey, client):
    location = look_up(desk, survey, email="new@example.com")["Location"]
    client.force_login(make_staff("reviewer", product=survey.product))

    answer = client.get(location)

    assert (answer.status_code, answer["Location"]) == (302, FIND)


def test_several_records_of_one_mailbox_are_offered(desk, survey):
    first = make_respondent(product=survey.product, **ANNA)
    second = make_respondent(product=survey.product, subject_key="id:ola", email="anna@example.com")

    page = text(desk.get(look_up(desk, survey, email="anna@example.com")["Location"]))

    assert page_of(first) in page
    assert page_of(second) in page


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({}, "Write at least one identifier."),
        ({"external_id": "unknown"}, "Write at least one identifier."),
        ({"anonymous_id": "null"}, "Write at least one identifier."),
        ({"email": "nobody"}, "This is not an e-mail address."),
        ({"phone": "12"}, "This is not a phone number with its country code."),
        ({"external_id": "a\x00b"}, "Null characters are not allowed."),
        ({"external_id": "anna", "channel": "pigeon"}, "Select a valid choice."),
    ],
)
def test_bad_input_is_told_and_nobody_is_looked_up(desk, survey, typed, problem):
    answer = look_up(desk, survey, **typed)

    assert answer.status_code == 200
    assert problem in text(answer)
    assert not AccessLogEntry.objects.exists()


def test_a_product_of_others_cannot_be_chosen(desk, survey):
    other = make_survey()
    make_respondent(product=other.product, **ANNA)

    assert "Select a valid choice." in text(look_up(desk, other, external_id="anna"))


def test_every_look_is_logged_with_the_record(desk, survey):
    person = make_respondent(product=survey.product, **ANNA)

    desk.get(look_up(desk, survey, external_id="anna")["Location"])
    desk.get(page_of(person))
    desk.get(look_up(desk, survey, external_id="nobody")["Location"])

    read = AccessLogEntry.objects.order_by("pk").values_list("record_kind", "record_number", "purpose")
    numbers = (person.pk, person.pk, person.pk, None, None)  # finding, its page, the page, not finding, its page
    assert list(read) == [("feedback.Respondent", number, "why_not") for number in numbers]


@pytest.mark.parametrize(("known", "typed"), [(True, "anna"), (False, "nobody")])
def test_finding_is_logged_though_nobody_follows_the_answer(desk, survey, known, typed):
    person = make_respondent(product=survey.product, **ANNA)

    look_up(desk, survey, external_id=typed)

    assert AccessLogEntry.objects.get().record_number == (person.pk if known else None)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Europe/Warsaw", "America/New_York", "Pacific/Pago_Pago"])
@pytest.mark.parametrize(
    ("created_at", "years"),
    [
        ("0001-01-01T00:00:00Z", {"0001"}),
        ("1700-01-01T00:00:00Z", {"1699", "1700"}),
        ("9999-12-31T23:59:59.999999Z", {"9999"}),
    ],
)
def test_the_page_bears_customers_of_any_century(desk, survey, ask, zone, created_at, years):
    Product.objects.update(time_zone=zone)
    ask(user={"id": "anna", "created_at": created_at})

    page = text(desk.get(page_of(Respondent.objects.get())))

    since = page.split("Customer since")[1][:80]
    assert any(year in since for year in years)


def test_the_page_tells_the_verdict_and_opens_the_first_check_that_fails(desk, survey):
    person = make_respondent(product=survey.product, **ANNA)
    at = timezone.now() - timedelta(days=20)
    make_invitation(survey=survey, respondent=person, created_at=at, shown_at=at, declined_at=at)

    page = text(desk.get(page_of(person)))

    assert "Would not be asked now." in page
    assert "This person declined recently." in page
    assert page.count("<details open>") == 1
    opened = page.split("<details open>")[1].split("</details>")[0]
    assert "Last decline" in opened
    assert "failed" in opened


def test_the_page_names_the_kinds_of_identifiers_and_none_of_them(desk, survey):
    page = text(desk.get(page_of(make_respondent(product=survey.product, **ANNA))))

    assert "<dd>id in the product, e-mail</dd>" in page
    assert "anna" not in page.casefold()


def test_a_moment_can_be_tried(desk, survey):
    person = make_respondent(product=survey.product, **ANNA)
    survey.channels = ["mobile"]
    survey.save()
    assert "Would not be asked now." in text(desk.get(page_of(person)))

    answer = desk.post(reverse("admin:feedback_respondent_moment", args=[person.pk]), {"channel": "mobile"})

    assert answer["Location"] == page_of(person)
    assert "Would be asked now." in text(desk.get(page_of(person)))


def test_what_is_typed_is_escaped(desk, survey):
    make_respondent(product=survey.product, **ANNA)

    page = desk.get(look_up(desk, survey, external_id="anna", url="https://a.example/<script>")["Location"])

    assert "<script>" not in page.content.decode().split("content-main")[-1].split("https://a.example/")[1][:10]
    assert "https://a.example/&lt;script&gt;" in page.content.decode()


@pytest.mark.parametrize(
    ("role", "sees"), [("reviewer", False), ("privacy_officer", False), ("data_protection_officer", True)]
)
def test_of_restricted_people_only_the_protection_officer_sees_more(client, survey, role, sees):
    person = make_respondent(product=survey.product, restricted_at=timezone.now(), **ANNA)
    client.force_login(make_staff(role, product=survey.product))

    page = text(client.get(page_of(person)))

    assert ("Delay before the first survey" in page) == sees
    assert "The use of this person's data is restricted." in page


def test_people_of_other_products_do_not_exist(desk):
    assert desk.get(page_of(make_respondent())).status_code == 404


def test_a_response_leads_to_its_person(desk, survey):
    response = make_response(survey=survey)

    page = desk.get(reverse("admin:feedback_response_change", args=[response.pk])).content.decode()

    assert page_of(response.respondent) in page


def test_an_analyst_is_not_led_to_anybody(client, survey):
    response = make_response(survey=survey)
    client.force_login(make_staff("analyst", product=survey.product))

    page = client.get(reverse("admin:feedback_response_change", args=[response.pk])).content.decode()

    assert page_of(response.respondent) not in page


def statements(client, address):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_the_page_costs_the_same_for_many_surveys_and_a_long_history(desk, survey):
    person = make_respondent(product=survey.product, **ANNA)
    make_invitation(survey=survey, respondent=person)
    few = statements(desk, page_of(person))
    for _number in range(10):
        make_invitation(survey=make_survey(product=survey.product), respondent=person)

    assert statements(desk, page_of(person)) == few


# --- Agreeing to be contacted again -----------------------------------------------------------------------------------


@pytest.fixture
def silent(survey):
    return make_respondent(product=survey.product, do_not_contact=True, **ANNA)


def contact_page(person):
    return reverse("admin:feedback_respondent_contact", args=[person.pk])


def test_staff_record_that_a_person_agreed_to_be_contacted_again(desk, silent):
    page = contact_page(silent)
    assert page in text(desk.get(page_of(silent)))
    assert "Only they can take that back" in text(desk.get(page))
    assert "required" in text(desk.post(page, {"evidence": " "}))
    assert Respondent.objects.get().do_not_contact

    answer = desk.post(page, {"evidence": "letter of 2 March"}, follow=True)

    person = Respondent.objects.get()
    assert (person.do_not_contact, person.contact_agreed) == (False, "letter of 2 March")
    assert "This person may be contacted again." in text(answer)
    assert "letter of 2 March" in text(answer)
    assert page not in text(answer)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.object_repr) == (str(person.pk), f"respondent {person.pk}")
    assert "letter" not in entry.change_message
    assert "May be contacted again." in text(desk.get(reverse("admin:feedback_respondent_history", args=[person.pk])))


def test_whoever_is_not_marked_has_nothing_to_agree_to(desk, survey):
    person = make_respondent(product=survey.product, **ANNA)

    answer = desk.post(contact_page(person), {"evidence": "letter"}, follow=True)

    assert "is not marked" in text(answer)
    assert Respondent.objects.get().contact_agreed == ""


def test_a_restricted_person_is_left_as_they_are(desk, silent):
    Respondent.objects.update(restricted_at=timezone.now())

    assert desk.post(contact_page(silent), {"evidence": "letter"}).status_code == 404
    assert contact_page(silent) not in text(desk.get(page_of(silent)))
