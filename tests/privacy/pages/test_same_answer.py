"""The same answer for everybody, also for those who may be a robot."""

from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from privacy.forms import OPENED_SALT
from privacy.intake import PER_NETWORK
from privacy.models import RequestMessage, Right, RightsRequest, Suppression
from privacy.suppression import suppress
from tests.factories import make_product, make_respondent
from tests.privacy.pages.filling_in import FORM, NOON, NOTICE, RECEIVED, Elements, field_errors, filled, opened


def answer_to(client, **changes):
    """Return everything that whoever files a request sees of it but its reference, and the statements it took."""
    with CaptureQueriesContext(connection) as queries:
        post = client.post(FORM, filled(**changes))
    page = client.get(post["Location"])
    reference = RightsRequest.objects.latest("pk").reference
    headers = {name: value.replace(reference, "…") for name, value in post.items() if name not in ("Date", "Expires")}
    shown = page.content.decode().replace(reference, "…")
    return (post.status_code, post.content, headers, page.status_code, shown), len(queries)


@pytest.mark.parametrize("right", Right.values)
def test_known_unknown_and_suppressed_people_get_the_same_answer_at_the_same_cost(client, controller, right):
    product = make_product(controller=controller)
    make_respondent(product=product, email="anna@example.com")
    suppress(product=product, subject_keys=["mail:ewa@example.com"], reason=Suppression.Reason.ERASED)
    answer_to(client, email="warm@example.com", rights=[right])

    unknown, known, suppressed = (
        answer_to(client, email=f"{name}@example.com", rights=[right]) for name in ("nobody", "anna", "ewa")
    )

    assert known == unknown
    assert suppressed == unknown


def test_a_mailbox_with_enough_mail_for_today_gets_the_same_answer(client, controller):
    answer_to(client, email="warm@example.com")
    answered = [answer_to(client) for _request in range(4)]
    answers, costs = [answer for answer, _cost in answered], {cost for _answer, cost in answered[1:]}

    assert RequestMessage.objects.count() == 5
    assert RequestMessage.objects.filter(next_attempt_at__lte=timezone.now()).count() == 4
    assert RightsRequest.objects.count() == 5
    assert len({repr(answer) for answer in answers}) == 1
    assert len(costs) == 1


def test_the_answer_page_names_nobody(client, controller):
    filed = client.post(FORM, filled())

    page = client.get(filed["Location"]).content.decode()

    assert "anna" not in page
    assert "dpo@example.com" in page


# --- Robots, and people who are taken for one -------------------------------------------------------------------------


def sent_again(client, response, **changes):
    """Send a form that was shown again, with what it holds, as a browser would."""
    elements = Elements(response)
    kept = {field["name"]: field.get("value", "") for field in elements.all("input") if field.get("type") != "checkbox"}
    return client.post(FORM, filled(**{"opened": kept["opened"], "email": kept["email"], **changes}))


@pytest.mark.parametrize(
    ("robot", "errors"),
    [
        ({"leave_empty": "http://spam.example"}, {"leave_empty": ["not_left_empty"]}),
        ({"opened": ""}, {"__all__": ["unknown_time"]}),
        ({"opened": "forged"}, {"__all__": ["unknown_time"]}),
        ({"opened": signing.dumps("yesterday", salt=OPENED_SALT)}, {"__all__": ["unknown_time"]}),
    ],
)
def test_who_may_be_a_robot_gets_the_form_back_as_it_was_and_nothing_is_stored(client, controller, robot, errors):
    response = client.post(FORM, filled(details="My long story", **robot))

    assert response.status_code == 400
    assert field_errors(response) == errors
    assert "My long story" in response.content.decode()
    assert not RightsRequest.objects.exists()
    assert '<div class="error-summary" role="alert"' in response.content.decode()


@pytest.mark.parametrize("robot", [{"leave_empty": "x"}, {"opened": "forged"}, {}])
def test_the_form_that_comes_back_does_not_tell_whether_we_know_the_person(client, controller, robot):
    make_respondent(product=make_product(controller=controller), email="anna@example.com")

    def shown_to(email):
        with CaptureQueriesContext(connection) as queries:
            response = client.post(FORM, filled(email=email, **{"opened": opened(0), **robot}))
        return response.status_code, response.content.decode().replace(email, "…"), len(queries)

    with time_machine.travel(NOON, tick=False):
        assert shown_to("anna@example.com") == shown_to("nobody@example.com")


def test_a_field_that_a_browser_filled_in_is_shown_to_be_emptied(client, controller):
    hidden = Elements(client.get(FORM))
    (trap,) = [field for field in hidden.all("input") if field["name"] == "leave_empty"]
    assert trap["tabindex"] == "-1"

    response = client.post(FORM, filled(leave_empty="Anna"))
    (shown,) = [field for field in Elements(response).all("input") if field["name"] == "leave_empty"]

    assert "tabindex" not in shown
    assert "id_leave_empty_error" in shown["aria-describedby"]
    assert 'class="trap"' not in response.content.decode()
    assert sent_again(client, response, leave_empty="").status_code == 302
    assert RightsRequest.objects.count() == 1


@pytest.mark.parametrize(("seconds", "stored"), [(0, 0), (2.5, 0), (3.5, 1), (60 * 60 * 24 * 30, 1)])
def test_a_form_sent_faster_than_anybody_can_fill_it_in_is_not_stored(client, controller, seconds, stored):
    with time_machine.travel(NOON, tick=False):
        response = client.post(FORM, filled(opened=opened(seconds)))

    assert response.status_code == (302 if stored else 400)
    assert RightsRequest.objects.count() == stored


@pytest.mark.parametrize("seal", [opened, lambda _seconds_ago: ""])
def test_a_fast_person_sends_the_same_form_again_a_moment_later(client, controller, seal):
    with time_machine.travel(NOON, tick=False) as clock:
        response = client.post(FORM, filled(opened=seal(0)))
        assert response.status_code == 400
        clock.shift(timedelta(seconds=4))
        assert sent_again(client, response).status_code == 302

    assert RightsRequest.objects.get().email == "anna@example.com"


def test_a_mistake_is_not_called_haste_as_well(client, controller):
    assert field_errors(client.post(FORM, filled(email="", opened=opened(0)))) == {"email": ["required"]}


def test_the_form_that_is_shown_can_be_sent(client, controller):
    with time_machine.travel(NOON, tick=False) as clock:
        elements = Elements(client.get(FORM))
        (shown,) = [field["value"] for field in elements.all("input") if field["name"] == "opened"]
        clock.shift(timedelta(seconds=10))
        client.post(FORM, filled(opened=shown))

    assert RightsRequest.objects.count() == 1


def test_a_network_that_asks_too_often_is_told_when_to_come_back_and_keeps_what_it_wrote(client, controller):
    with time_machine.travel(NOON, tick=False):
        for number in range(PER_NETWORK.times):
            client.post(FORM, filled(email=f"person-{number}@example.com"))
        response = client.post(FORM, filled(details="My long story"))
        other = client.post(FORM, filled(), REMOTE_ADDR="198.51.100.7")

    assert (response.status_code, response["Retry-After"]) == (429, "3600")
    assert "My long story" in response.content.decode()
    assert "60 minutes" in response.content.decode()
    assert "dpo@example.com" in response.content.decode()
    assert other.status_code == 302
    assert RightsRequest.objects.count() == PER_NETWORK.times + 1


@pytest.mark.parametrize("address", [NOTICE, RECEIVED])
def test_pages_that_only_show_refuse_to_be_posted_to(client, controller, address):
    assert client.post(address).status_code == 405
