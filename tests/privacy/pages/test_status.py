"""The page about a request: a code opens it, and nothing about it is told before."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from privacy.codes import TRIES
from privacy.identity import prove_mailbox
from privacy.lifecycle import State, advance
from privacy.models import Package, RequestEvent, RequestMessage, RightsRequest
from privacy.standing import CODES, CODES_A_DAY
from tests.privacy.pages.filling_in import FORM, Elements, filled


@pytest.fixture
def asked(client, controller, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        client.post(FORM, filled(rights=["access"]))
    mail.outbox.clear()
    return RightsRequest.objects.get()


@pytest.fixture
def page(client, asked, django_capture_on_commit_callbacks):
    def page(**data):
        with django_capture_on_commit_callbacks(execute=True):
            address = f"/privacy/requests/{data.pop('reference', asked.reference)}/"
            return client.post(address, data) if data else client.get(address)

    return page


def code_from_mail():
    (letter,) = mail.outbox
    return re.search(r"^([0-9A-Z]{4}-[0-9A-Z]{4})$", letter.body, re.M)[1]


def open_with_code(page):
    page(send="1")
    return page(code=code_from_mail())


def pass_in(response):
    return next(field["value"] for field in Elements(response).all("input") if field["name"] == "pass")


def test_a_code_from_the_mailbox_shows_the_request_and_confirms_the_mailbox(page, asked):
    shown = open_with_code(page)

    asked = RightsRequest.objects.get(pk=asked.pk)
    assert shown.status_code == 200
    assert asked.get_state_display() in shown.content.decode()
    assert "access" in shown.content.decode().lower()
    assert (asked.state, [proof.kind for proof in asked.proofs.all()]) == (State.VERIFIED, ["mailbox"])


def test_who_only_knows_the_reference_learns_nothing(page, asked):
    known, unknown = page().content.decode(), page(reference="AAAAA-BBBBB").content.decode()
    sent, not_sent = page(send="1").content.decode(), page(send="1", reference="AAAAA-BBBBB").content.decode()
    wrong, nowhere = page(code="AAAA-BBBB"), page(code="AAAA-BBBB", reference="AAAAA-BBBBB")

    assert known.replace(asked.reference, "AAAAA-BBBBB") == unknown
    assert sent.replace(asked.reference, "AAAAA-BBBBB") == not_sent
    assert wrong.status_code == nowhere.status_code == 400
    assert wrong.content.decode().replace(asked.reference, "AAAAA-BBBBB") == nowhere.content.decode()


def test_a_code_works_once_for_ten_minutes_and_five_tries(page, asked):
    page(send="1")
    code = code_from_mail()
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert page(code=code).status_code == 400
    assert page(code=code).status_code == 200
    assert page(code=code).status_code == 400

    mail.outbox.clear()
    page(send="1")
    for _try in range(TRIES):
        page(code="AAAA-AAAA")
    assert page(code=code_from_mail()).status_code == 400


def test_the_code_of_one_request_opens_no_other(page, asked, client, controller):
    client.post(FORM, filled(email="other@example.com"))
    other = RightsRequest.objects.exclude(pk=asked.pk).get()
    page(send="1")

    assert page(code=code_from_mail(), reference=other.reference).status_code == 400
    assert other.proofs.count() == 0


def test_a_mailbox_is_not_filled_with_codes(page, asked):
    for _try in range(CODES.times + 3):
        page(send="1")

    assert asked.messages.filter(kind=RequestMessage.Kind.STATUS_CODE).count() == CODES.times


def test_many_requests_do_not_fill_a_mailbox_with_codes_either(page, asked, client):
    with time_machine.travel(timezone.now().replace(hour=12), tick=False) as clock:  # limits are of one day in UTC
        for hour in range(1, 5):
            client.post(FORM, filled())
            for reference in RightsRequest.objects.values_list("reference", flat=True):
                for _try in range(CODES.times):
                    page(send="1", reference=reference)
            owed = RequestMessage.objects.filter(kind=RequestMessage.Kind.STATUS_CODE).count()
            assert owed <= min(CODES.times * hour, CODES_A_DAY.times)
            clock.shift(timedelta(hours=1))


def test_a_made_up_receipt_code_opens_no_request_with_a_mailbox(client, controller):
    client.post(FORM, filled(receipt_code="AAAA-1111"))
    asked = RightsRequest.objects.get()
    prove_mailbox(request=asked)

    assert client.post(f"/privacy/requests/{asked.reference}/", {"code": "AAAA-1111"}).status_code == 400


def test_the_receipt_code_opens_a_request_that_was_made_with_it(client, controller):
    client.post(FORM, filled(email="", receipt_code="AB-12", reply_channel="post", postal_address="Long Street 1"))
    asked = RightsRequest.objects.get()

    assert client.post(f"/privacy/requests/{asked.reference}/", {"code": "AB-13"}).status_code == 400
    shown = client.post(f"/privacy/requests/{asked.reference}/", {"code": "ab12"})

    assert shown.status_code == 200
    assert asked.proofs.count() == 0


def test_a_pass_ends_after_half_an_hour_and_is_for_one_request(page, asked):
    given = pass_in(open_with_code(page))

    assert "not decided" in page(**{"pass": given}).content.decode()
    assert "not decided" not in page(**{"pass": given}, reference="AAAAA-BBBBB").content.decode()
    assert "not decided" not in page(**{"pass": given + "x"}).content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert "Half an hour has passed" in page(**{"pass": given}).content.decode()


def test_a_request_that_waits_for_the_person_can_be_withdrawn(client, controller):
    client.post(FORM, filled(email="", receipt_code="AB-12", reply_channel="post", postal_address="Long Street 1"))
    asked = RightsRequest.objects.get()
    advance(request=asked, to=State.AWAITING_CONFIRMATION, actor=RequestEvent.Actor.SYSTEM)
    address = f"/privacy/requests/{asked.reference}/"
    given = pass_in(client.post(address, {"code": "AB-12"}))

    shown = client.post(address, {"pass": given, "withdraw": "1"})

    asked = RightsRequest.objects.get(pk=asked.pk)
    assert "You have withdrawn the request" in shown.content.decode()
    assert (asked.state, asked.items.get().outcome) == (State.WITHDRAWN, "withdrawn")


def test_a_request_that_is_worked_on_offers_no_withdrawal_and_refuses_it(page, asked):
    shown = open_with_code(page)

    assert "withdraw" not in shown.content.decode().lower()
    refused = page(**{"pass": pass_in(shown)}, withdraw="1")
    assert refused.status_code == 400
    assert asked.items.get().outcome == ""


def test_what_somebody_adds_is_kept_and_takes_a_waiting_request_on(page, asked):
    given = pass_in(open_with_code(page))
    asked = RightsRequest.objects.get(pk=asked.pk)
    for state in (State.TRIAGE, State.NEEDS_INFORMATION):
        advance(request=asked, to=state, actor=RequestEvent.Actor.SYSTEM)

    shown = page(**{"pass": given}, more="It was in May.\r\nOr June.")

    asked = RightsRequest.objects.get(pk=asked.pk)
    assert "added it" in shown.content.decode()
    assert asked.details.endswith("It was in May.\nOr June.")
    assert asked.state == State.TRIAGE
    assert asked.events.filter(action="information_added").get().fields == ["details"]


@pytest.mark.parametrize(("state", "said"), [("lapsed", "has lapsed"), ("fulfilled", "has been answered")])
def test_nothing_is_added_to_what_is_over_and_it_is_said_why(page, asked, state, said):
    given = pass_in(open_with_code(page))
    RightsRequest.objects.filter(pk=asked.pk).update(state=state)

    refused = page(**{"pass": given}, more="It was in May.")

    assert refused.status_code == 400
    assert said in refused.content.decode()


@pytest.mark.parametrize("more", [" ", "x" * 2001])
def test_nothing_and_too_much_are_refused_with_what_was_written(page, asked, more):
    given = pass_in(open_with_code(page))

    refused = page(**{"pass": given}, more=more)

    asked = RightsRequest.objects.get(pk=asked.pk)
    assert refused.status_code == 400
    assert more.strip() in refused.content.decode()
    assert asked.details == ""


def test_the_answer_to_a_filed_request_leads_to_its_page(client, controller):
    filed = client.post(FORM, filled())
    page = client.get(filed["Location"]).content.decode()

    assert f"/privacy/requests/{RightsRequest.objects.get().reference}/" in page
    assert "&lt;b" not in client.get("/privacy/request/received/?reference=<b>").content.decode()


def test_a_copy_is_linked_while_it_can_be_opened(page, asked):
    now = timezone.now()
    end = {"built_at": now, "expires_at": now + timedelta(minutes=1)}
    Package.objects.create(item=asked.items.get(), file_name="x", key="x", size=1, **end)
    assert "To your copy" in (opened := open_with_code(page)).content.decode()

    with time_machine.travel(now + timedelta(minutes=2)):
        assert "To your copy" not in page(**{"pass": pass_in(opened)}).content.decode()
