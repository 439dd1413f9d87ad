import re
import time
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
import time_machine
from django.core import mail, signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from privacy.forms import OPENED_SALT
from privacy.identity import mint_token
from privacy.intake import PER_NETWORK, file_request
from privacy.lifecycle import State
from privacy.models import (
    Controller,
    IdentityProof,
    RequestEvent,
    RequestMessage,
    RequestToken,
    Right,
    RightsRequest,
)
from tests.factories import make_controller, make_product, make_respondent
from tests.privacy.test_intake import make_content
from tests.privacy.test_mailing import link_in, token_in

FORM, RECEIVED, NOTICE = "/privacy/request/", "/privacy/request/received/", "/privacy/"
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


def opened(seconds_ago=60):
    return signing.dumps(time.time() - seconds_ago, salt=OPENED_SALT)


def filled(**changes):
    return {"rights": ["access"], "email": "anna@example.com", "reply_channel": "email", "opened": opened(), **changes}


def field_errors(response):
    return {
        name: [error.code for error in errors.as_data()] for name, errors in response.context["form"].errors.items()
    }


class Elements(HTMLParser):
    """The elements of a page as (tag, attributes)."""

    def __init__(self, response):
        super().__init__()
        self.found = []
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def all(self, *tags):
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.fixture
def controller(db):
    return make_controller(name="Brainshare", privacy_email="dpo@example.com")


# --- The form ---------------------------------------------------------------------------------------------------------


def test_a_filled_form_is_filed_and_answered_with_a_redirect(client, controller, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(
            FORM,
            filled(rights=["access", "erasure"], details="Line one\r\nLine two", receipt_code=" AB-12 "),
            headers={"accept-language": "pl"},
        )

    assert (response.status_code, response["Location"]) == (302, f"{RECEIVED}?lang=pl")
    request = RightsRequest.objects.get()
    assert (request.controller, request.product, request.language) == (controller, None, "pl")
    assert (request.email, request.details, request.state) == (
        "anna@example.com",
        "Line one\nLine two",
        State.AWAITING_CONFIRMATION,
    )
    assert [item.right for item in request.items.all()] == ["access", "erasure"]
    assert len(mail.outbox) == 1
    assert request.reference in mail.outbox[0].body


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"rights": []}, {"rights": ["required"]}),
        ({"rights": ["flattery"]}, {"rights": ["invalid_choice"]}),
        ({"email": ""}, {"email": ["required"]}),
        ({"email": "anna"}, {"email": ["invalid"]}),
        ({"email": "", "receipt_code": "x"}, {"email": ["required"]}),
        ({"email": "", "reply_channel": "post", "postal_address": "Long Street"}, {"email": ["required"]}),
        ({"reply_channel": "post"}, {"postal_address": ["required"]}),
        ({"reply_channel": "pigeon"}, {"reply_channel": ["invalid_choice"]}),
        ({"acts_for_another": "on"}, {"mandate": ["required"]}),
        ({"details": "x" * 2001}, {"details": ["max_length"]}),
        ({"details": "a\x00b"}, {"details": ["null_characters_not_allowed"]}),
        ({"about": "p999999"}, {"about": ["invalid_choice"]}),
    ],
)
def test_a_mistake_is_explained_at_its_field_and_nothing_is_stored(client, controller, changes, errors):
    make_product(controller=controller)

    response = client.post(FORM, filled(**changes))

    assert response.status_code == 400
    assert field_errors(response) == errors
    assert not RightsRequest.objects.exists()
    elements = Elements(response)
    ids = {attributes.get("id") for _tag, attributes in elements.found}
    (name,) = errors
    assert f"#id_{name}" in [link.get("href") for link in elements.all("a")]
    assert {f"id_{name}", f"id_{name}_error"} <= ids
    described = " ".join(
        a.get("aria-describedby", "")
        for _tag, a in elements.found
        if name in (a.get("name"), None) or _tag == "fieldset"
    )
    assert f"id_{name}_error" in described
    assert '<div class="error-summary" role="alert"' in response.content.decode()


def test_line_breaks_count_as_one_character(client, controller):
    assert client.post(FORM, filled(details="x\r\n" * 1000)).status_code == 302


def test_every_field_has_a_label_and_every_hint_exists(client, controller):
    make_product(controller=controller)

    elements = Elements(client.get(FORM))

    labels = {label.get("for") for label in elements.all("label")}
    ids = {attributes.get("id") for _tag, attributes in elements.found}
    for field in elements.all("input", "select", "textarea"):
        assert field.get("type") == "hidden" or field["id"] in labels
    for _tag, attributes in elements.found:
        assert set(attributes.get("aria-describedby", "").split()) <= ids
    assert not elements.all("script")
    assert not [attributes for _tag, attributes in elements.found if "style" in attributes or "onclick" in attributes]
    assert not [field for field in elements.all("input") if field.get("type") == "file"]


def test_pages_have_a_strict_policy_and_set_no_cookie(client, controller):
    for address in (NOTICE, FORM, RECEIVED, "/privacy/confirm/unknown/"):
        response = client.get(address)
        assert "default-src 'none'" in response["Content-Security-Policy"]
        assert "unsafe" not in response["Content-Security-Policy"]
        assert response["Referrer-Policy"] == "no-referrer"
        assert not response.cookies
    assert not client.post(FORM, filled()).cookies


def test_the_form_needs_no_cookies(controller):
    assert Client(enforce_csrf_checks=True).post(FORM, filled()).status_code == 302


def test_a_link_may_choose_a_right_and_a_product(client, controller):
    product = make_product(controller=controller)

    elements = Elements(client.get(FORM, {"right": ["objection", "flattery"], "product": product.public_key}))

    checked = [field["value"] for field in elements.all("input") if field["name"] == "rights" and "checked" in field]
    assert checked == ["objection"]
    assert [option["value"] for option in elements.all("option") if "selected" in option] == [f"p{product.pk}"]


def test_the_language_follows_the_browser_and_then_the_switch(client, controller):
    assert '<html lang="pl"' in client.get(FORM, headers={"accept-language": "pl,en;q=0.5"}).content.decode()
    assert '<html lang="en"' in client.get(FORM, headers={"accept-language": "de"}).content.decode()
    assert '<html lang="pl"' in client.get(f"{FORM}?lang=pl", headers={"accept-language": "en"}).content.decode()

    client.post(f"{FORM}?lang=pl", filled())

    assert RightsRequest.objects.get().language == "pl"


# --- Several controllers ----------------------------------------------------------------------------------------------


def test_the_only_controller_needs_no_choice_and_the_product_may_be_named(client, controller):
    product = make_product(controller=controller)

    client.post(FORM, filled(about=f"p{product.pk}"))
    client.post(FORM, filled(about=""))

    assert sorted(RightsRequest.objects.values_list("controller", "product"), key=str) == sorted(
        [(controller.pk, product.pk), (controller.pk, None)], key=str
    )


def test_of_several_controllers_the_chosen_product_or_the_choice_itself_decides(client, controller):
    product = make_product()

    assert field_errors(client.post(FORM, filled(about=""))) == {"about": ["required"]}
    client.post(FORM, filled(about=f"p{product.pk}"))
    client.post(FORM, filled(about=f"c{controller.pk}"))

    filed = RightsRequest.objects.order_by("pk").values_list("controller", "product")
    assert list(filed) == [(product.controller_id, product.pk), (controller.pk, None)]


@pytest.mark.django_db
def test_without_a_controller_the_form_says_so(client):
    assert client.get(FORM).status_code == 503
    assert client.post(FORM, filled()).status_code == 503
    assert client.get(NOTICE).status_code == 200


# --- The same answer for everybody ------------------------------------------------------------------------------------


def answer_to(client, **changes):
    """Return everything that whoever files a request sees of it, and how many statements it took."""
    with CaptureQueriesContext(connection) as queries:
        post = client.post(FORM, filled(**changes))
    page = client.get(post["Location"])
    headers = {name: value for name, value in post.items() if name not in ("Date", "Expires")}
    return (post.status_code, post.content, headers, page.status_code, page.content), len(queries)


def test_known_and_unknown_people_get_the_same_answer_at_the_same_cost(client, controller):
    product = make_product(controller=controller)
    make_respondent(product=product, email="anna@example.com")
    answer_to(client, email="warm@example.com")

    assert answer_to(client, email="anna@example.com") == answer_to(client, email="nobody@example.com")


def test_a_mailbox_with_enough_mail_for_today_gets_the_same_answer(client, controller):
    answers = [answer_to(client)[0] for _request in range(4)]

    assert RequestMessage.objects.count() == 4
    assert RequestMessage.objects.filter(next_attempt_at__lte=timezone.now()).count() == 3
    assert RightsRequest.objects.count() == 4
    assert len({repr(answer) for answer in answers}) == 1


def test_the_answer_page_names_nobody_and_no_reference(client, controller):
    client.post(FORM, filled())

    page = client.get(RECEIVED).content.decode()

    assert RightsRequest.objects.get().reference not in page
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


# --- The confirmation -------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(controller):
    return file_request(content=make_content(controller=controller))


@pytest.fixture
def page(asked):
    return reverse(
        "privacy:confirm", kwargs={"token": mint_token(request=asked, purpose=RequestToken.Purpose.CONFIRM_MAILBOX)}
    )


def stored():
    """Return everything about requests that is stored."""
    models = (RightsRequest, RequestToken, IdentityProof, RequestEvent, RequestMessage)
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_a_link_confirms_nothing(client, page, method):
    before = stored()

    getattr(client, method)(page)

    assert stored() == before


def test_the_page_shows_what_is_confirmed_and_a_button(client, page):
    response = client.get(page)

    assert response.status_code == 200
    assert "Brainshare" in response.content.decode()
    assert "access: a copy of my data" in response.content.decode()
    assert Elements(response).all("button")
    assert "no-store" in response["Cache-Control"]
    assert 'name="robots" content="noindex"' in response.content.decode()


def test_the_button_confirms_and_pressing_it_again_is_friendly(client, asked, page):
    first, second = client.post(page), client.post(page)

    assert (first.status_code, second.status_code) == (200, 200)
    assert "Thank you, your mailbox is confirmed" in first.content.decode()
    assert "already confirmed" in second.content.decode()
    assert asked.reference in second.content.decode()
    assert RightsRequest.objects.get().state == State.VERIFIED
    assert IdentityProof.objects.count() == 1
    assert "already confirmed" in client.get(page).content.decode()


def test_an_expired_link_changes_nothing_and_offers_a_new_one(client, asked, page, django_capture_on_commit_callbacks):
    with time_machine.travel(datetime.now(UTC) + timedelta(days=7, minutes=1), tick=False):
        before = stored()
        assert client.get(page).status_code == 410
        assert client.post(page).status_code == 410
        assert stored() == before
        RequestMessage.objects.update(sent_at=datetime.now(UTC))
        with django_capture_on_commit_callbacks(execute=True):
            response = client.post(page, {"renew": "1"})
        unknown = client.post("/privacy/confirm/unknown/", {"renew": "1"})
        assert (response.status_code, response.content) == (200, unknown.content)
        assert token_in(mail.outbox[0]) not in page
        assert client.post(f"/privacy/confirm/{token_in(mail.outbox[0])}/").status_code == 200
    assert RightsRequest.objects.get().state == State.VERIFIED


def test_an_unknown_link_is_answered_politely(client, asked):
    for answer in (client.get("/privacy/confirm/unknown/"), client.post("/privacy/confirm/unknown/")):
        assert answer.status_code == 404
        assert "We do not know this link" in answer.content.decode()


def test_the_link_in_the_mail_leads_to_the_page(client, controller, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{FORM}?lang=pl", filled())

    response = client.get(link_in(mail.outbox[0]))

    assert response.status_code == 200
    assert '<html lang="pl"' in response.content.decode()


# --- The notice -------------------------------------------------------------------------------------------------------


def test_the_notice_names_who_is_responsible_what_is_stored_and_how_to_object(client, controller):
    response = client.get(f"{NOTICE}?lang=pl")
    text = response.content.decode()

    for part in ("Brainshare", "dpo@example.com", controller.supervisory_authority):
        assert part in text
    assert "Zbieramy i analizujemy informacje zwrotne" in text
    links = [link["href"] for link in Elements(response).all("a")]
    assert f"{FORM}?right=objection&lang=pl" in links
    assert text.index('id="objection"') < text.index("<table")


def test_the_notice_lists_every_right(client, controller):
    text = client.get(NOTICE).content.decode()

    for label in Right.labels:
        assert str(label)[1:] in text


def test_text_of_a_controller_is_not_markup(client, controller):
    Controller.objects.update(name="<script>alert(1)</script>", address="<b>1</b>")

    for address in (NOTICE, RECEIVED, FORM):
        assert not re.search(r"<script>|<b>1", client.get(address).content.decode())


@pytest.mark.parametrize("email", ['"anna"@example.com', "=?utf-8?q?=61nna?=@example.com"])
def test_one_mailbox_cannot_be_written_as_many(client, controller, email):
    answer = client.post(FORM, filled(email=email))

    assert answer.status_code == 400
    assert not RightsRequest.objects.exists()
