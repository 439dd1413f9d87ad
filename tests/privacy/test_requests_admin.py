from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from privacy.audit import verify
from privacy.identity import confirm_mailbox, mint_token
from privacy.intake import file_request
from privacy.lifecycle import State, advance
from privacy.mailing import send_message
from privacy.models import Membership, RequestEvent, RequestToken, RightsRequest
from tests.factories import make_controller, make_product, make_rights_request, make_staff
from tests.privacy.test_intake import make_content

LIST = "/admin/privacy/rightsrequest/"
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
SECRETS = ("anna@example.com", "My own words", "Long Street 1", "my daughter")


@pytest.fixture
def controller(db):
    return make_controller(name="Brainshare")


@pytest.fixture
def officer(controller):
    user = make_staff("privacy_officer")
    Membership.objects.create(user=user, controller=controller)
    return user


@pytest.fixture
def desk(client, officer):
    """A browser in which the privacy officer is logged in."""
    client.force_login(officer)
    return client


@pytest.fixture
def asked(controller):
    return file_request(
        content=make_content(
            controller=controller,
            details="My own words",
            postal_address="Long Street 1",
            acts_for_another=True,
            mandate="my daughter",
        )
    )


def page_of(request):
    return f"{LIST}{request.pk}/change/"


def reveal_of(request):
    return f"{LIST}{request.pk}/reveal/"


def make_queue(controller, count=1, **overrides):
    for number in range(count):
        content = make_content(controller=controller, email=f"person-{number}@example.com", **overrides)
        file_request(content=content)


# --- The queue --------------------------------------------------------------------------------------------------------


def test_the_queue_shows_what_waits_and_not_who(desk, asked):
    page = desk.get(LIST).content.decode()

    for part in (asked.reference, "awaiting confirmation", "access, erasure", "days left", "Brainshare"):
        assert part in page
    for secret in SECRETS:
        assert secret not in page
    assert str(asked) == asked.reference


def test_the_queue_is_ordered_by_the_date_that_counts_and_what_is_done_comes_last(desk, controller):
    def make(day, **overrides):
        return make_rights_request(controller=controller, received_at=datetime(2026, 6, day, tzinfo=UTC), **overrides)

    done, late, extended, early = (
        make(1, state=State.CLOSED),
        make(9),
        make(2, extended_at=NOON, extension_reason="complex"),
        make(3),
    )

    rows = desk.get(LIST).context["cl"].result_list

    assert list(rows) == [early, late, extended, done]


def test_the_list_takes_the_same_queries_for_one_request_and_for_ten(desk, controller):
    counts = []
    for count in (1, 9):
        make_queue(controller, count, product=make_product(controller=controller))
        desk.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            desk.get(LIST)
        counts.append(len(queries))

    assert RightsRequest.objects.count() == 10
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("now", "words", "colour"),
    [
        (datetime(2026, 3, 5, 12, tzinfo=UTC), "33 days left", "green"),
        (datetime(2026, 3, 26, 12, tzinfo=UTC), "12 days left", "orange"),
        (datetime(2026, 4, 2, 12, tzinfo=UTC), "5 days left", "red"),
        (datetime(2026, 4, 6, 12, tzinfo=UTC), "1 day left", "red"),
        (datetime(2026, 4, 7, 21, 59, 59, tzinfo=UTC), "due today", "red"),
        (datetime(2026, 4, 7, 22, 0, 0, tzinfo=UTC), "1 day overdue", "red"),
        (datetime(2026, 4, 10, 12, tzinfo=UTC), "3 days overdue", "red"),
    ],
)
def test_days_left_are_told_in_words_and_colour(client, officer, controller, now, words, colour):
    make_rights_request(controller=controller, received_at=datetime(2026, 3, 5, 12, tzinfo=UTC))

    with time_machine.travel(now, tick=False):
        client.force_login(officer)
        page = client.get(LIST).content.decode()

    label = page[: page.index(words)].rpartition("<span")[2]
    assert f"text-{colour}-700" in label


def test_an_answered_request_has_no_days_left(desk, controller):
    make_rights_request(controller=controller, state=State.CLOSED)

    assert "days left</" not in desk.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("open=yes", {"open", "overdue"}),
        ("open=late", {"overdue"}),
        ("open=no", {"closed"}),
        ("right=erasure", {"closed"}),
        ("state__exact=closed", {"closed"}),
        ("source__exact=post", {"overdue"}),
        ("q=NOSUCH", set()),
    ],
)
def test_the_queue_can_be_filtered(client, officer, controller, query, expected):
    with time_machine.travel(NOON, tick=False):
        made = {
            "open": make_rights_request(controller=controller, received_at=NOON),
            "overdue": make_rights_request(
                controller=controller, received_at=NOON - timedelta(days=60), source="post", state=State.TRIAGE
            ),
            "closed": make_rights_request(
                controller=controller, received_at=NOON - timedelta(days=60), state=State.CLOSED
            ),
        }
        made["closed"].items.create(right="erasure")
        client.force_login(officer)

        rows = set(client.get(f"{LIST}?{query}").context["cl"].result_list)

    assert rows == {made[name] for name in expected}


def test_overdue_begins_at_midnight_where_the_controller_is(client, officer, controller):
    make_rights_request(controller=controller, received_at=datetime(2026, 3, 5, 12, tzinfo=UTC))

    for now, found in ((datetime(2026, 4, 7, 21, 59, tzinfo=UTC), 0), (datetime(2026, 4, 7, 22, 1, tzinfo=UTC), 1)):
        with time_machine.travel(now, tick=False):
            client.force_login(officer)
            assert len(client.get(f"{LIST}?open=late").context["cl"].result_list) == found


def test_a_request_is_found_by_its_reference(desk, asked, controller):
    make_queue(controller)

    assert list(desk.get(f"{LIST}?q={asked.reference}").context["cl"].result_list) == [asked]


def test_columns_that_are_hidden_cannot_be_asked_about(desk, asked):
    assert desk.get(f"{LIST}?email__isnull=False").status_code in (302, 400)


# --- Who may see and do what ------------------------------------------------------------------------------------------


def test_requests_to_other_controllers_are_out_of_sight(desk, asked):
    other = file_request(content=make_content())

    assert list(desk.get(LIST).context["cl"].result_list) == [asked]
    assert desk.get(page_of(other)).status_code == 302
    assert desk.post(reveal_of(other)).status_code == 404
    assert not other.events.filter(action="identity_revealed").exists()


@pytest.mark.parametrize("role", ["analyst", "agent", "reviewer", "administrator"])
def test_other_roles_see_no_requests(client, controller, asked, role):
    user = make_staff(role)
    Membership.objects.create(user=user, controller=controller)
    client.force_login(user)

    assert client.get(LIST).status_code == 403
    assert client.get(page_of(asked)).status_code == 403
    assert client.post(reveal_of(asked)).status_code == 403
    assert client.get(f"{LIST}enter/").status_code == 403


def test_visitors_are_sent_to_the_login(client, asked):
    for address in (LIST, page_of(asked), reveal_of(asked), f"{LIST}enter/"):
        assert client.get(address)["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("superuser", [False, True])
def test_nobody_adds_changes_or_deletes_a_request_by_hand(client, officer, asked, superuser):
    officer.is_superuser = superuser
    officer.save()
    client.force_login(officer)

    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}add/", {"reference": "X"}).status_code == 403
    assert client.post(page_of(asked), {"state": "closed"}).status_code == 403
    assert client.post(f"{LIST}{asked.pk}/delete/", {"post": "yes"}).status_code == 403
    assert RightsRequest.objects.get().state == State.AWAITING_CONFIRMATION


# --- The page ---------------------------------------------------------------------------------------------------------


def test_the_page_tells_everything_but_who_asks(desk, officer, asked):
    message = asked.messages.get()
    send_message(message_id=message.pk)
    confirm_mailbox(token=mint_token(request=asked, purpose=RequestToken.Purpose.CONFIRM_MAILBOX))
    advance(request=asked, to=State.TRIAGE, actor=RequestEvent.Actor.STAFF, user=officer)

    response = desk.get(page_of(asked))

    page = response.content.decode()
    for part in (
        *(asked.reference, "access: a copy of my data", "mailbox confirmed", "confirmation of the mailbox"),
        *("filed with the form", "verified → triage", officer.username, "mail sent", "Show who asks"),
    ):
        assert part in page
    for secret in SECRETS:
        assert secret not in page
    assert "<select" not in page[page.index("content-main") :]
    assert 'name="state"' not in page


def test_the_page_says_whether_the_trail_is_whole(desk, asked):
    def icon():
        page = desk.get(page_of(asked)).content.decode()
        return page[page.index("Whole") :].partition("material-symbols-outlined")[2][:200]

    whole = icon()
    RightsRequest.objects.filter(pk=asked.pk).update(state=State.CLOSED)

    assert "check" in whole
    assert "close" in icon()


def test_showing_who_asks_takes_a_post_and_is_written_into_the_trail(desk, officer, asked):
    assert desk.get(reveal_of(asked)).status_code == 405
    assert not asked.events.filter(action="identity_revealed").exists()

    response = desk.post(reveal_of(asked))

    for secret in SECRETS:
        assert secret in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    event = asked.events.get(action="identity_revealed")
    assert (event.actor, event.user) == ("staff", officer)
    assert event.fields == ["email", "details", "postal_address", "mandate"]
    assert verify(RightsRequest.objects.get())
    assert SECRETS[0] not in desk.get(page_of(asked)).content.decode()


def test_who_asks_is_hidden_from_staff_without_the_permission(client, controller, asked):
    user = make_staff()
    user.user_permissions.add(Permission.objects.get(codename="view_rightsrequest"))
    Membership.objects.create(user=user, controller=controller)
    client.force_login(user)

    page = client.get(page_of(asked))

    assert page.status_code == 200
    assert "Show who asks" not in page.content.decode()
    assert client.post(reveal_of(asked)).status_code == 403
    assert not asked.events.filter(action="identity_revealed").exists()


def test_revealing_needs_a_csrf_token(officer, asked):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(officer)

    assert browser.post(reveal_of(asked)).status_code == 403


# --- Entering ---------------------------------------------------------------------------------------------------------


def entry(controller, /, **changes):
    return {
        "source": "phone",
        "arrived_on": "2026-06-08",
        "controller": controller.pk,
        "rights": ["access"],
        "email": "anna@example.com",
        "reply_channel": "email",
        "answer_in": "pl",
        **changes,
    }


def test_a_request_that_came_by_phone_is_entered_with_its_day_of_arrival(
    client, officer, controller, django_capture_on_commit_callbacks
):
    with time_machine.travel(NOON, tick=False), django_capture_on_commit_callbacks(execute=True):
        client.force_login(officer)
        response = client.post(f"{LIST}enter/", entry(controller, details="Said on the phone"), follow=True)

    asked = RightsRequest.objects.get()
    assert response.redirect_chain == [(page_of(asked), 302)]
    assert (asked.state, asked.source, asked.language) == (State.TRIAGE, "phone", "pl")
    assert (asked.received_on, asked.due_on) == (date(2026, 6, 8), date(2026, 7, 8))
    assert (asked.entered_by, asked.details) == (officer, "Said on the phone")
    assert asked.reference in response.content.decode()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"arrived_on": ""}, "arrived_on"),
        ({"arrived_on": "2026-06-11"}, "arrived_on"),
        ({"arrived_on": "0202-06-11"}, "arrived_on"),
        ({"source": "form"}, "source"),
        ({"rights": []}, "rights"),
        ({"email": ""}, "email"),
        ({"reply_channel": "post"}, "postal_address"),
        ({"acts_for_another": "on"}, "mandate"),
        ({"answer_in": "xx"}, "answer_in"),
        ({"controller": ""}, "controller"),
    ],
)
def test_a_mistake_in_an_entry_is_explained_and_nothing_is_stored(client, officer, controller, changes, field):
    with time_machine.travel(NOON, tick=False):
        client.force_login(officer)
        response = client.post(f"{LIST}enter/", entry(controller, **changes))

    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    assert not RightsRequest.objects.exists()


def test_an_entry_cannot_name_a_controller_or_product_out_of_sight(client, officer, controller):
    foreign = make_product()
    with time_machine.travel(NOON, tick=False):
        client.force_login(officer)
        for changes, field in (
            ({"controller": foreign.controller_id}, "controller"),
            ({"product": foreign.pk}, "product"),
        ):
            response = client.post(f"{LIST}enter/", entry(controller, **changes))
            assert list(response.context["form"].errors) == [field]

    assert not RightsRequest.objects.exists()


def test_the_queue_leads_to_the_entry_form(desk, controller):
    assert f'href="{LIST}enter/"' in desk.get(LIST).content.decode()
    assert "Day of arrival" in desk.get(f"{LIST}enter/").content.decode()
