import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import translation

from privacy.models import AccessLogEntry, Suppression
from privacy.suppression import suppress
from tests.factories import make_respondent, make_staff, make_suppression, make_survey

pytestmark = pytest.mark.django_db
LIST = reverse("admin:privacy_suppression_changelist")
SUPPRESS, RECOGNISE = f"{LIST}suppress/", f"{LIST}recognise/"


def lift_of(entry):
    return reverse("admin:privacy_suppression_lift", args=[entry.pk])


@pytest.fixture
def desk(client, survey):
    client.force_login(make_staff("data_protection_officer", product=survey.product))
    return client


def text(answer):
    return " ".join(answer.content.decode().split())


def test_somebody_suppressed_is_not_asked_under_any_of_the_identifiers(desk, survey, ask):
    typed = {"product": survey.product.pk, "external_id": "anna", "email": "Anna@Example.com "}

    for _twice in range(2):
        assert desk.post(SUPPRESS, typed).status_code == 302

    assert Suppression.objects.count() == 2
    with translation.override("pl"):
        assert {entry.get_change_message() for entry in LogEntry.objects.all()} == {"Dodano."}
    assert ask(user={"id": "anna"})["code"] == "suppressed"
    assert ask(user={"email": "anna@example.com"})["code"] == "suppressed"
    assert ask(user={"id": "ola"})["code"] == "eligible"


def test_the_list_shows_nobody(desk, survey):
    desk.post(SUPPRESS, {"product": survey.product.pk, "email": "anna@example.com"})

    page = desk.get(LIST).content.decode()

    assert survey.product.name in page
    assert "entered by staff" in page
    assert "anna" not in page


def test_asking_about_a_person_is_answered_and_logged(desk, survey):
    entry = make_suppression(product=survey.product, key="mail:anna@example.com", reason="objected")

    on_it = text(desk.post(RECOGNISE, {"product": survey.product.pk, "email": "Anna@example.com"}))
    not_on_it = text(desk.post(RECOGNISE, {"product": survey.product.pk, "email": "ola@example.com"}))

    assert "Yes, since" in on_it
    assert "they objected" in on_it
    assert "No, this person is not on the list of this product." in not_on_it
    assert "anna@example.com" not in on_it.casefold()
    read = AccessLogEntry.objects.order_by("pk").values_list("record_kind", "record_number")
    assert list(read) == [("privacy.Suppression", entry.pk), ("privacy.Suppression", None)]


def test_a_person_of_another_product_is_another_one(desk, survey):
    make_suppression(product=make_survey().product, key="id:anna")

    assert "No, this person" in text(desk.post(RECOGNISE, {"product": survey.product.pk, "external_id": "anna"}))


@pytest.mark.parametrize("address", [SUPPRESS, RECOGNISE])
def test_nobody_is_no_answer(desk, survey, address):
    answer = desk.post(address, {"product": survey.product.pk, "external_id": "unknown"})

    assert "Write at least one identifier." in text(answer)
    assert not Suppression.objects.exists()


def test_what_staff_entered_is_lifted_after_a_question(desk, survey, ask):
    entry = make_suppression(product=survey.product, key="id:anna")

    assert "be sure before you lift it" in text(desk.get(lift_of(entry)))
    assert ask(user={"id": "anna"})["code"] == "suppressed"
    desk.post(lift_of(entry))

    assert ask(user={"id": "anna"})["code"] == "eligible"


@pytest.mark.parametrize("reason", ["erased", "objected"])
def test_what_the_person_wanted_stays(desk, survey, reason):
    entry = make_suppression(product=survey.product, reason=reason)

    page = desk.post(lift_of(entry), follow=True)

    assert "Only what staff entered can be lifted" in text(page)
    assert Suppression.objects.filter(pk=entry.pk).exists()


@pytest.mark.parametrize("first", ["by_staff", "objected"])
def test_what_the_person_wanted_outweighs_what_staff_entered(survey, first):
    second = "objected" if first == "by_staff" else "by_staff"
    for reason in (first, second):
        suppress(product=survey.product, subject_keys=["id:anna"], reason=Suppression.Reason(reason))

    assert Suppression.objects.get().reason == "objected"


@pytest.mark.parametrize("role", ["analyst", "agent", "reviewer", "privacy_officer", "administrator"])
def test_other_roles_neither_suppress_nor_ask(client, survey, role):
    client.force_login(make_staff(role, product=survey.product))

    for address in (SUPPRESS, RECOGNISE):
        answer = client.post(address, {"product": survey.product.pk, "external_id": "anna"})
        assert answer.status_code == 403
    assert not Suppression.objects.exists()


@pytest.fixture
def anna(survey):
    """Anna, whom the product knows by an id and an e-mail, with her phone."""
    anna = make_respondent(
        product=survey.product,
        subject_key="id:anna",
        external_id="anna",
        email="anna@example.com",
        phone="+48600700800",
    )
    make_respondent(product=survey.product, subject_key="anon:phone", anonymous_id="phone", person=anna)
    make_respondent(product=survey.product, subject_key="mail:ola@example.com")
    return anna


WAYS = [{"user": {"id": "anna"}}, {"user": {"email": "anna@example.com"}}, {"user": {"phone": "+48600700800"}}]
WAYS += [{"anonymous_id": "phone"}]


@pytest.mark.parametrize("typed", [{"email": "Anna@example.com"}, {"external_id": "anna"}, {"phone": "+48 600700800"}])
def test_whoever_is_suppressed_by_one_identifier_is_not_asked_by_another_nor_on_their_devices(
    desk, survey, ask, anna, typed
):
    desk.post(SUPPRESS, {"product": survey.product.pk, **typed})

    assert {ask(**way)["eligible"] for way in WAYS} == {False}
    assert ask(user={"email": "ola@example.com"})["eligible"]


def test_when_the_last_entry_is_lifted_the_person_is_asked_again_on_their_devices_too(desk, survey, ask, anna):
    desk.post(SUPPRESS, {"product": survey.product.pk, "external_id": "anna"})

    for entry in Suppression.objects.all():
        assert not ask(anonymous_id="phone")["eligible"]
        desk.post(lift_of(entry))

    assert ask(anonymous_id="phone")["eligible"]


def test_lifting_leaves_an_objection_of_the_person(desk, survey, ask, anna):
    type(anna).objects.filter(pk=anna.pk).update(objected_at="2026-01-01T00:00Z")
    desk.post(SUPPRESS, {"product": survey.product.pk, "external_id": "anna"})
    for entry in Suppression.objects.all():
        desk.post(lift_of(entry))

    assert ask(user={"id": "anna"})["code"] == "opted_out"
