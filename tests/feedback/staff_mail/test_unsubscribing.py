"""The link at the end of every mail: GET shows, POST acts, for one kind of mail of one person."""

import re

import pytest
from django.core import mail
from django.test import Client

from feedback.mail_preferences import unsubscribe_token
from feedback.models import MailPreference, Notice, Subscription
from feedback.staff_mail_delivery import send_mail
from tests.factories import make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def link(hire, owe_alert):
    send_mail(mail_id=owe_alert(hire("reviewer")).pk)
    header = mail.outbox[0].extra_headers["List-Unsubscribe"]
    path = re.fullmatch(r"<https?://[^/]+(/mail/unsubscribe/[^/]+/)>", header)[1]
    assert path in mail.outbox[0].body
    return path


def muted():
    return MailPreference.objects.get().muted


def test_opening_the_link_changes_nothing(client, link):
    for _time in range(2):
        page = client.get(link)
        assert page.status_code == 200
        assert client.head(link).status_code == 200

    assert "alert about a response" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert muted() == []


def test_the_button_of_a_mail_program_stops_this_mail_and_no_other(link, hire, owe_alert):
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post(link, {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert not answer.cookies
    assert muted() == ["alert"]
    strict.post(link, {"List-Unsubscribe": "One-Click"})
    assert muted() == ["alert"]


def test_who_never_chose_anything_can_stop_mail_too(client, link):
    MailPreference.objects.all().delete()

    client.post(link)

    assert muted() == ["alert"]


def test_a_digest_is_stopped_for_its_product_only(client, hire, response):
    user, other = hire("analyst"), make_product()
    for product in (response.product, other):
        for notice in ("daily", "weekly"):
            Subscription.objects.create(user=user, product=product, notice=notice)
    token = unsubscribe_token(user=user, notice=Notice.DAILY, product_id=response.product_id)

    page = client.get(f"/mail/unsubscribe/{token}/")
    client.post(f"/mail/unsubscribe/{token}/")

    assert response.product.name in page.content.decode()
    left = Subscription.objects.values_list("product", "notice")
    assert set(left) == {(response.product_id, "weekly"), (other.pk, "daily"), (other.pk, "weekly")}
    assert muted() == []


@pytest.mark.parametrize("token", ["x", "WzEsImFsZXJ0IixudWxsXQ:1vN:forged"])
def test_a_link_that_we_did_not_make_does_nothing(client, link, token):
    for method in (client.get, client.post):
        assert method(f"/mail/unsubscribe/{token}/").status_code == 404

    assert muted() == []


def test_a_signature_for_something_else_is_worth_nothing(client, link, hire):
    from django.core import signing  # noqa: PLC0415  only here

    token = signing.dumps([hire("agent").pk, "alert", None], salt="something else")

    assert client.post(f"/mail/unsubscribe/{token}/").status_code == 404


def test_the_page_speaks_the_language_of_the_receiver(client, link):
    MailPreference.objects.update(language="pl")

    assert '<html lang="pl"' in client.get(link).content.decode()
