"""Recipients are known by name, lawfully chosen, listed on the notice and told what became of the data."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from privacy.models import Correction, Membership, Recipient, RequestTask, Right
from privacy.recipients import check_recipient, current_recipients, tell
from tests.factories import make_controller, make_recipient, make_staff
from tests.privacy.rights.asking import KINDS, make_proved_request, make_task

pytestmark = pytest.mark.django_db
State = RequestTask.State
ANNA = "anna@example.com"


def problems(**changes):
    recipient = Recipient(
        **{"name": "Group GmbH", "kind": "group_company", "country": "DE", "purposes": ["feedback"], **changes}
    )
    try:
        check_recipient(recipient)
    except ValidationError as error:
        return {name: errors[0].code for name, errors in error.error_dict.items()}
    return {}


CLAUSES = {"safeguard": "clauses", "clauses_module": "2", "clauses_on": "2026-01-31"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"country": "NO"}, {}),
        ({"country": "US"}, {"safeguard": "safeguard_required"}),
        ({"country": "GB"}, {"safeguard": "safeguard_required"}),
        ({"country": "CH", "safeguard": "adequacy"}, {}),
        ({"country": "US", **CLAUSES}, {}),
        ({"country": "US", **CLAUSES, "clauses_module": ""}, {"clauses_module": "required"}),
        ({"country": "US", **CLAUSES, "clauses_on": None}, {"clauses_on": "required"}),
        ({"kind": "processor"}, {"agreement": "required", "agreed_on": "required"}),
        ({"kind": "processor", "agreement": "DPA 7", "agreed_on": "2026-01-31"}, {}),
        ({"purposes": []}, {"purposes": "unknown_purpose"}),
        ({"purposes": ["resale"]}, {"purposes": "unknown_purpose"}),
    ],
)
def test_what_the_law_demands_of_a_recipient_is_demanded(changes, expected):
    assert problems(**changes) == expected


def test_who_gets_data_now_or_got_them_once_is_found():
    controller = make_controller()
    now = make_recipient(controller=controller)
    ended, once, elsewhere = (make_recipient(controller=controller) for _ in range(3))
    make_recipient()
    today = timezone.localdate()
    ended.disclosures.update(until=today - timedelta(days=1))
    once.disclosures.update(since=today - timedelta(days=9), until=today - timedelta(days=9))
    elsewhere.disclosures.update(dataset="feedback.Invitation")

    found = current_recipients(controller=controller, datasets=["feedback.Respondent"], on=today)

    assert set(found) == {now, once}


# --- Telling them -----------------------------------------------------------------------------------------------------


def make_telling(right=Right.ERASURE, **overrides):
    request = make_proved_request(**{"identifier": ANNA, **overrides})
    recipient = make_recipient(controller=request.controller)
    return make_task(request, "tell_recipient", right=right, recipient=recipient)


@pytest.mark.parametrize(
    ("right", "demand"), [("erasure", "delete"), ("rectification", "correct"), ("restriction", "stop using")]
)
def test_a_recipient_is_told_what_to_do_about_whom_and_nothing_more(right, demand):
    task = make_telling(right, controller=make_controller(country="DE"))

    result = tell(task)

    (letter,) = mail.outbox
    assert result.state == State.SENT
    assert letter.to == ["data@recipient.example"]
    assert letter.reply_to == [task.item.request.controller.privacy_email]
    assert ANNA in letter.body
    assert task.item.request.reference in letter.body
    assert ANNA not in letter.subject
    assert f"Please {demand}" in letter.body


def test_what_was_sent_is_not_sent_again():
    task = make_telling()
    task.state = tell(task).state

    assert tell(task).state == State.SENT
    assert len(mail.outbox) == 1


def test_corrected_values_are_told_to_who_gets_that_table():
    task = make_telling(Right.RECTIFICATION)
    for dataset, value in (("feedback.Respondent", "Anna"), ("feedback.Response", "Splendid")):
        column = "name" if dataset == "feedback.Respondent" else "comment"
        Correction.objects.create(item=task.item, dataset=dataset, record_number=1, column=column, value=value)

    tell(task)

    assert "Anna" in mail.outbox[0].body
    assert "Splendid" not in mail.outbox[0].body


def test_nobody_is_told_who_could_not_know_whom_it_is_about():
    result = tell(make_telling(kind=KINDS.RECEIPT, identifier="ab" * 32))

    assert result.state == State.EXEMPT
    assert result.reason
    assert mail.outbox == []


def test_a_polish_controller_writes_polish():
    tell(make_telling(controller=make_controller(country="PL")))

    assert "art. 19" in mail.outbox[0].subject


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_the_notice_names_who_gets_data_now(client):
    controller = make_controller()
    recipient = make_recipient(controller=controller, name="Chmura Sp. z o.o.", country="US", **CLAUSES)
    ended = make_recipient(controller=controller, name="Gone GmbH")
    ended.disclosures.update(until=timezone.localdate() - timedelta(days=1))

    page = client.get("/privacy/").content.decode()

    assert recipient.name in page
    assert "standard contractual clauses" in page
    assert ended.name not in page


def submitted(controller, **changes):
    inline = {f"disclosures-{name}": number for name, number in (("TOTAL_FORMS", 1), ("INITIAL_FORMS", 0))}
    return {
        **{"controller": controller.pk, "name": "Group GmbH", "kind": "group_company", "country": "DE"},
        **{"contact_email": "data@group.example", "purposes": ["feedback"]},
        **{**inline, "disclosures-0-dataset": "feedback.Response", "disclosures-0-since": "2026-01-31"},
        **changes,
    }


def test_an_administrator_enters_a_recipient_with_what_it_gets(client):
    controller, user = make_controller(), make_staff("administrator")
    Membership.objects.create(user=user, controller=controller)
    client.force_login(user)

    client.post(reverse("admin:privacy_recipient_add"), submitted(controller))

    recipient = Recipient.objects.get()
    assert [one.dataset for one in recipient.disclosures.all()] == ["feedback.Response"]


def test_the_page_refuses_a_transfer_without_safeguard_and_data_that_nobody_declared(client):
    controller, user = make_controller(), make_staff("administrator")
    Membership.objects.create(user=user, controller=controller)
    client.force_login(user)

    for changes in ({"country": "US"}, {"disclosures-0-dataset": "auth.User"}, {"purposes": ["resale"]}):
        page = client.post(reverse("admin:privacy_recipient_add"), submitted(controller, **changes))
        assert page.status_code == 200

    assert not Recipient.objects.exists()
