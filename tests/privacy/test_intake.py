from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connection

from privacy.audit import verify
from privacy.identity import mailbox_hash, receipt_code_hash
from privacy.intake import IN_TOTAL, PER_NETWORK, Content, enter_request, file_request, seconds_to_wait
from privacy.lifecycle import State
from privacy.mailing import due_message_ids
from privacy.models import RequestItem, RequestMessage, RightsRequest
from tests.factories import make_controller, make_product, make_rights_request, make_staff

ANNA = "anna@example.com"


def make_content(**overrides):
    if "controller" not in overrides:
        overrides["controller"] = make_controller()
    return Content(**{"rights": ("access", "erasure"), "language": "en", "email": ANNA, **overrides})


def actions(request):
    return list(request.events.values_list("action", "actor"))


@pytest.mark.django_db
def test_a_filed_request_has_items_dates_and_a_mail_to_confirm():
    content = make_content(details="All of it, please.")

    with time_machine.travel(datetime(2026, 3, 5, 12, tzinfo=UTC), tick=False):
        filed = file_request(content=content)

    request = RightsRequest.objects.get(pk=filed.pk)
    assert (request.received_on, request.due_on) == (date(2026, 3, 5), date(2026, 4, 7))
    assert (request.target_on, request.due_extended_on) == (date(2026, 3, 26), date(2026, 6, 5))
    assert request.state == State.AWAITING_CONFIRMATION
    assert (request.email, request.details, request.source) == (ANNA, "All of it, please.", "form")
    assert [item.right for item in request.items.all()] == ["access", "erasure"]
    assert [message.kind for message in request.messages.all()] == ["confirmation"]
    assert actions(request) == [("filed", "person"), ("message_owed", "system"), ("advanced", "system")]
    assert request.events.get(number=1).fields == [
        "controller",
        "rights",
        "language",
        "email",
        "objects_to",
        "is_left_alone",
        "details",
        "reply_channel",
    ]
    assert verify(request)


@pytest.mark.django_db
def test_the_deadline_counts_from_midnight_where_the_controller_is():
    with time_machine.travel(datetime(2026, 6, 10, 22, 30, tzinfo=UTC), tick=False):
        assert file_request(content=make_content()).received_on == date(2026, 6, 11)


@pytest.mark.django_db
def test_what_identifies_a_person_is_not_readable_in_the_database():
    file_request(
        content=make_content(
            details="secret words", receipt_code="code-1", postal_address="Long Street", mandate="mother"
        )
    )

    with connection.cursor() as cursor:
        cursor.execute("SELECT r::text FROM privacy_rightsrequest r")
        (row,) = cursor.fetchone()
    for value in (ANNA, "secret words", "code-1", "Long Street", "mother"):
        assert value not in row


@pytest.mark.django_db
def test_a_request_with_a_receipt_code_alone_waits_for_staff_and_sends_no_mail():
    content = make_content(email="", receipt_code="abcd-efgh", reply_channel="post", postal_address="Long Street 1")

    request = file_request(content=content)

    assert request.state == State.RECEIVED
    assert request.receipt_hash == receipt_code_hash("ABCD-EFGH")
    assert not request.messages.exists()
    assert not request.proofs.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"rights": ()}, "rights", "required"),
        ({"rights": ("access", "flattery")}, "rights", "unknown_right"),
        ({"email": ""}, "email", "required"),
        ({"email": "", "receipt_code": "abc"}, "email", "required"),
        ({"email": "", "reply_channel": "post", "postal_address": "Long Street"}, "email", "required"),
        ({"reply_channel": "post"}, "postal_address", "required"),
        ({"acts_for_another": True}, "mandate", "required"),
    ],
)
def test_what_cannot_be_answered_is_refused_and_nothing_is_stored(changes, field, code):
    with pytest.raises(ValidationError) as refusal:
        file_request(content=make_content(**changes))

    assert refusal.value.error_dict[field][0].code == code
    assert not RightsRequest.objects.exists()
    assert not RequestItem.objects.exists()


@pytest.mark.django_db
def test_a_product_of_another_controller_is_refused():
    with pytest.raises(ValidationError) as refusal:
        file_request(content=make_content(product=make_product()))

    assert refusal.value.error_dict["product"][0].code == "foreign_product"


@pytest.mark.django_db
def test_a_second_request_from_a_mailbox_is_linked_to_the_first_and_changes_nothing_in_it():
    content = make_content(email="Anna@ŻÓŁW.example")
    first = file_request(content=content)
    before = RightsRequest.objects.filter(pk=first.pk).values().get()

    second = file_request(content=replace(content, email=" anna@xn--w-uga1v8h.example ", rights=("objection",)))
    third = file_request(content=content)

    assert (second.duplicate_of, third.duplicate_of) == (first, first)
    assert second.reference != first.reference
    assert RightsRequest.objects.filter(pk=first.pk).values().get() == before
    assert first.items.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("end", [State.CLOSED, State.LAPSED, State.WITHDRAWN, State.FULFILLED])
def test_a_request_that_is_no_longer_open_has_no_duplicates(end):
    content = make_content()
    make_rights_request(controller=content.controller, state=end, email_hash=mailbox_hash(ANNA))

    assert file_request(content=content).duplicate_of is None


@pytest.mark.django_db
def test_requests_to_different_controllers_are_no_duplicates():
    file_request(content=make_content())

    assert file_request(content=make_content()).duplicate_of is None


@pytest.mark.django_db
def test_the_fourth_mail_of_a_day_to_a_mailbox_goes_out_the_next_day():
    content = make_content()

    with time_machine.travel(datetime(2026, 6, 10, 8, tzinfo=UTC), tick=False) as clock:
        filed = [
            file_request(content=replace(content, email=email)) for email in (ANNA, "ANNA@example.com", ANNA, ANNA)
        ]
        other = file_request(content=replace(content, email="jan@example.com"))
        clock.shift(timedelta(days=1))
        next_day = file_request(content=content)
        owed_next_day = due_message_ids()

    assert [request.messages.count() for request in filed] == [1, 1, 1, 1]
    assert filed[3].messages.get().next_attempt_at == datetime(2026, 6, 11, tzinfo=UTC)
    assert filed[3].messages.get().pk in owed_next_day
    assert RightsRequest.objects.count() == 6
    assert filed[3].items.count() == 2
    assert filed[3].state == State.AWAITING_CONFIRMATION
    assert ("message_withheld", "system") in actions(filed[3])
    assert [request.messages.count() for request in (other, next_day)] == [1, 1]


@pytest.mark.django_db
def test_networks_and_all_of_them_together_have_limits():
    with time_machine.travel(datetime(2026, 6, 10, 8, 15, tzinfo=UTC), tick=False):
        for _request in range(PER_NETWORK.times):
            assert seconds_to_wait(network="192.0.2.0/24") is None
        assert seconds_to_wait(network="192.0.2.0/24") == 45 * 60
        for number in range(IN_TOTAL.times - PER_NETWORK.times):
            assert seconds_to_wait(network=f"network {number}") is None
        assert seconds_to_wait(network="one more") == 45 * 60


@pytest.mark.django_db
def test_staff_enter_a_request_by_its_day_of_arrival_and_it_goes_to_triage():
    user = make_staff()

    with time_machine.travel(datetime(2026, 3, 20, 12, tzinfo=UTC), tick=False):
        request = enter_request(
            content=make_content(reply_channel="post", postal_address="Long Street 1"),
            source="post",
            arrived_on=date(2026, 3, 5),
            user=user,
        )

    assert request.state == State.TRIAGE
    assert (request.received_on, request.due_on) == (date(2026, 3, 5), date(2026, 4, 7))
    assert (request.source, request.entered_by) == ("post", user)
    assert actions(request) == [("entered", "staff"), ("advanced", "staff")]
    assert not request.messages.exists()
    assert verify(request)


@pytest.mark.django_db
def test_somebody_who_phoned_and_gave_a_mailbox_gets_an_acknowledgement():
    request = enter_request(content=make_content(), source="phone", arrived_on=date.today(), user=make_staff())  # noqa: DTZ011  the fixed clock is not needed

    assert [message.kind for message in request.messages.all()] == [RequestMessage.Kind.ACKNOWLEDGEMENT]


@pytest.mark.django_db
def test_a_request_by_post_needs_neither_mailbox_nor_code():
    content = make_content(email="", reply_channel="post", postal_address="Long Street 1")

    with time_machine.travel(datetime(2026, 3, 20, 12, tzinfo=UTC), tick=False):
        request = enter_request(content=content, source="post", arrived_on=date(2026, 3, 20), user=make_staff())

    assert (request.email, request.email_hash) == ("", None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2026, 6, 12), "arrival_in_future"),
        (date(2023, 6, 11), "arrival_too_long_ago"),
        (date(202, 6, 11), "arrival_too_long_ago"),
    ],
)
def test_a_day_of_arrival_that_cannot_be_is_refused(day, code):
    with (
        time_machine.travel(datetime(2026, 6, 10, 22, 30, tzinfo=UTC), tick=False),
        pytest.raises(ValidationError) as refusal,
    ):
        enter_request(content=make_content(), source="phone", arrived_on=day, user=make_staff())

    assert refusal.value.error_dict["arrived_on"][0].code == code
    assert not RightsRequest.objects.exists()


@pytest.mark.django_db
def test_today_is_the_controllers_today_and_no_request_arrives_in_the_future():
    with time_machine.travel(datetime(2026, 6, 10, 22, 30, tzinfo=UTC), tick=False):
        request = enter_request(content=make_content(), source="phone", arrived_on=date(2026, 6, 11), user=make_staff())

    assert request.received_at == datetime(2026, 6, 10, 22, 30, tzinfo=UTC)
    assert request.received_on == date(2026, 6, 11)
