"""The form: what it takes, what it refuses, and whom it is sent to."""

import pytest
from django.core import mail
from django.test import Client

from privacy.lifecycle import State
from privacy.models import (
    RightsRequest,
)
from tests.factories import make_product
from tests.privacy.pages.filling_in import FORM, NOTICE, RECEIVED, Elements, field_errors, filled


def test_a_filled_form_is_filed_and_answered_with_a_redirect(client, controller, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(
            FORM,
            filled(rights=["access", "erasure"], details="Line one\r\nLine two", receipt_code=" AB-12 "),
            headers={"accept-language": "pl"},
        )

    request = RightsRequest.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"{RECEIVED}?lang=pl&reference={request.reference}")
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


@pytest.mark.parametrize("email", ['"anna"@example.com', "=?utf-8?q?=61nna?=@example.com"])
def test_one_mailbox_cannot_be_written_as_many(client, controller, email):
    answer = client.post(FORM, filled(email=email))

    assert answer.status_code == 400
    assert not RightsRequest.objects.exists()


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
