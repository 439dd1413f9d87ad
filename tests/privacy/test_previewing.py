"""The preview of a copy: logged reads, and what is about somebody else left out of it."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from privacy.inventory import Mark
from privacy.models import AccessLogEntry, IdentityProof, Redaction, RequestEvent, RequestTask, Right
from privacy.packages import previewing
from privacy.packages.previewing import overview, preview, redact, undo_redaction
from privacy.restriction import mark
from privacy.subjects import subject_of
from tests.factories import make_product, make_response, make_rights_request, make_staff, make_survey

pytestmark = pytest.mark.django_db
RESPONSES = "feedback.Response"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PACKAGES_DIR = tmp_path / "packages"


@pytest.fixture
def response():
    answered = make_response(survey=make_survey(), comment="My neighbour Ewa complained")
    answered.respondent.email = "anna@example.com"
    answered.respondent.save()
    return answered


@pytest.fixture
def item(response):
    asked = make_rights_request(controller=response.product.controller, product=response.product)
    IdentityProof.objects.create(request=asked, kind=IdentityProof.Kind.MAILBOX, identifier="anna@example.com")
    return asked.items.create(right=Right.ACCESS)


@pytest.fixture
def officer(response):
    return make_staff("privacy_officer", product=response.product)


def records_of(item, table=RESPONSES):
    return reverse("admin:privacy_requestitem_records", args=[item.pk, table])


def test_a_preview_is_logged_with_every_record_it_shows(item, officer, response):
    shown = preview(item=item, table=RESPONSES, page=1, user=officer)

    assert shown.records[0]["comment"] == "My neighbour Ewa complained"
    read = AccessLogEntry.objects.get()
    assert (read.user, read.record_kind, read.record_number) == (officer, RESPONSES, response.pk)
    event = RequestEvent.objects.get()
    assert (event.action, event.user, event.fields) == ("package_previewed", officer, [RESPONSES])


def test_a_preview_has_pages(item, officer, response, monkeypatch):
    monkeypatch.setattr(previewing, "ON_A_PAGE", 2)
    for _number in range(2):
        make_response(survey=response.survey, respondent=response.respondent)

    pages = [preview(item=item, table=RESPONSES, page=page, user=officer) for page in (1, 2, 99)]

    assert [len(page.records) for page in pages] == [2, 1, 1]
    assert (pages[2].page, pages[2].pages) == (2, 2)


def test_an_officer_leaves_a_value_out_and_puts_it_back(client, item, officer, response):
    client.force_login(officer)
    page = client.get(records_of(item)).content.decode()
    assert "My neighbour Ewa complained" in page
    value = {"record": response.pk, "column": "comment"}

    client.post(records_of(item), {**value, "do": "redact"})
    client.post(records_of(item), {**value, "do": "redact"})
    assert Redaction.objects.get().redacted_by == officer
    assert "Put back" in client.get(records_of(item)).content.decode()

    client.post(records_of(item), {**value, "do": "undo"})
    assert not Redaction.objects.exists()
    actions = RequestEvent.objects.filter(action__in=["value_redacted", "redaction_undone"]).order_by("number")
    assert list(actions.values_list("action", "fields")) == [
        ("value_redacted", ["feedback.Response.comment"]),
        ("redaction_undone", ["feedback.Response.comment"]),
    ]


def test_the_overview_says_how_much_there_is_and_nothing_of_it(client, item, officer):
    client.force_login(officer)

    page = client.get(reverse("admin:privacy_requestitem_preview", args=[item.pk])).content.decode()

    assert "Responses" in page
    assert "Ewa" not in page
    assert "anna@" not in page
    assert not AccessLogEntry.objects.exists()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"dataset": "privacy.Suppression"}, "unknown_table"),
        ({"column": "receipt_hash"}, "unknown_value"),
        ({"column": "survey"}, "unknown_value"),
        ({"record_number": 0}, "unknown_value"),
    ],
)
def test_only_what_is_in_the_copy_can_be_left_out(item, officer, response, value, code):
    of_the_copy = {"dataset": RESPONSES, "record_number": response.pk, "column": "comment"}

    with pytest.raises(ValidationError) as refused:
        redact(item=item, user=officer, **{**of_the_copy, **value})
    assert refused.value.code == code


def test_a_record_of_somebody_else_is_neither_shown_nor_left_out(item, officer, response):
    other = make_response(survey=response.survey)

    assert len(preview(item=item, table=RESPONSES, page=1, user=officer).records) == 1
    with pytest.raises(ValidationError):
        redact(item=item, dataset=RESPONSES, record_number=other.pk, column="comment", user=officer)


@pytest.mark.parametrize("state", ["planned", "done"])
def test_what_is_being_built_or_was_stays_as_it_is_in_every_copy(item, officer, response, state):
    value = {"dataset": RESPONSES, "record_number": response.pk, "column": "comment", "user": officer}
    redact(item=item, **value)
    other = item.request.items.create(right=Right.PORTABILITY)
    RequestTask.objects.create(item=item, position=1, kind=RequestTask.Kind.PACKAGE, attempts=1, state=state)
    RequestTask.objects.create(item=other, position=2, kind=RequestTask.Kind.PACKAGE)

    for copy in (item, other):
        for change in (redact, undo_redaction):
            with pytest.raises(ValidationError) as refused:
                change(item=copy, **value)
            assert refused.value.code == "already_built"
    assert Redaction.objects.exists()


@pytest.mark.parametrize("task", [{"attempts": 0}, {"attempts": 3, "state": "failed", "reason": "OSError"}])
def test_before_a_copy_is_built_and_after_that_failed_values_are_left_out(item, officer, response, task):
    RequestTask.objects.create(item=item, position=1, kind=RequestTask.Kind.PACKAGE, **task)

    redact(item=item, dataset=RESPONSES, record_number=response.pk, column="comment", user=officer)

    assert Redaction.objects.exists()


def test_nobody_previews_without_the_right_to_see_who_asks(item, response):
    for user in (
        make_staff("reviewer", product=response.product),
        make_staff("administrator", product=response.product),
        make_staff("privacy_officer", product=make_product()),
    ):
        with pytest.raises(PermissionDenied):
            preview(item=item, table=RESPONSES, page=1, user=user)
    assert not AccessLogEntry.objects.exists()


def test_what_is_restricted_is_previewed_by_those_who_decide_alone(item, officer, response):
    mark(subject_of(item.request), Mark.RESTRICTED)

    with pytest.raises(PermissionDenied):
        preview(item=item, table=RESPONSES, page=1, user=officer)
    assert not AccessLogEntry.objects.exists()
    assert sum(part.count for part in overview(item=item, user=officer))
    decides = make_staff("data_protection_officer", product=response.product)
    assert preview(item=item, table=RESPONSES, page=1, user=decides).records


def test_there_is_a_preview_of_copies_alone(item, officer):
    erasure = item.request.items.create(right=Right.ERASURE)

    with pytest.raises(PermissionDenied):
        preview(item=erasure, table=RESPONSES, page=1, user=officer)


@pytest.mark.parametrize("data", [{"do": "delete", "record": "1"}, {"do": "redact", "record": "x"}])
def test_strange_changes_are_not_found(client, item, officer, data):
    client.force_login(officer)

    assert client.post(records_of(item), data).status_code == 404
    assert client.get(records_of(item, "privacy.Controller")).status_code == 404
