"""The link that confirms a mailbox."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.urls import reverse

from privacy.identity import mint_token
from privacy.intake import file_request
from privacy.lifecycle import State
from privacy.models import (
    IdentityProof,
    RequestEvent,
    RequestMessage,
    RequestToken,
    RightsRequest,
)
from tests.privacy.pages.filling_in import FORM, Elements, filled
from tests.privacy.test_intake import make_content
from tests.privacy.test_mailing import link_in, token_in


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
