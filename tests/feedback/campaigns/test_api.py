from __future__ import annotations

import pytest

from feedback import campaigns
from feedback.models import Campaign, CampaignMail, ChannelPermission, Respondent
from privacy import server_keys
from tests.factories import make_product, make_server_key, make_survey
from tests.feedback.conftest import contents

pytestmark = pytest.mark.django_db
PERMISSION = {"basis": "consent", "evidence": "form 7", "given_on": "2026-01-31"}


@pytest.fixture
def invite(client, survey):
    """Invite people as the product's server does; returns the HTTP answer."""
    _key, own = make_server_key(product=survey.product)

    def invite(*people, secret=own, key="", **more):
        body = {"survey": survey.pk, "name": "After the order", "people": list(people), **more}
        headers = {"Authorization": f"Bearer {secret}"} | ({"Idempotency-Key": key} if key else {})
        return client.post("/api/v1/invitations/", body, content_type="application/json", headers=headers)

    return invite


def test_a_server_invites_people_and_hears_about_each(invite, person):
    person("known@example.com", objected_at="2026-01-01T00:00:00Z")

    answer = invite(
        {"id": "4711", "email": "Anna@example.com", "name": "Anna", "language": "pl", "permission": PERMISSION},
        {"email": "known@example.com"},
        {"email": "stranger@example.com"},
        {"email": "nonsense"},
    )

    assert answer.status_code == 201, answer.content
    campaign = Campaign.objects.get()
    assert answer.json() == {
        "campaign": campaign.pk,
        "queued": 1,
        "people": [
            {"index": 0, "eligible": True, "queued": True, "code": "eligible"},
            {"index": 1, "eligible": False, "queued": False, "code": "opted_out"},
            {"index": 2, "eligible": False, "queued": False, "code": "no_permission"},
            {"index": 3, "eligible": False, "queued": False, "code": "invalid_email"},
        ],
    }
    anna = Respondent.objects.get(external_id="4711")
    assert (anna.email, anna.name) == ("anna@example.com", "Anna")
    assert ChannelPermission.objects.get(respondent=anna).evidence == "form 7"
    assert (campaign.state, campaign.created_by) == ("running", None)


def test_the_same_call_again_invites_nobody_twice(invite):
    people = {"email": "anna@example.com", "permission": PERMISSION}

    first, again = (invite(people, key="order-1") for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Campaign.objects.count() == CampaignMail.objects.count() == 1


def test_an_idempotency_key_names_one_body(invite):
    invite({"email": "anna@example.com"}, key="order-1")

    answer = invite({"email": "else@example.com"}, key="order-1")

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")


def test_a_dry_run_stores_nothing(invite):
    before = contents()

    answer = invite({"email": "anna@example.com", "permission": PERMISSION}, dry_run=True)

    assert answer.status_code == 200
    assert answer.json()["campaign"] is None
    assert answer.json()["queued"] == 1
    assert contents() == before


def of_another_scope(product):
    return make_server_key(product=product, scopes=("rights",))[1]


def revoked(product):
    key, secret = make_server_key(product=product)
    server_keys.revoke(key=key)
    return secret


@pytest.mark.parametrize("make", [of_another_scope, revoked, lambda product: "sk_made-up", lambda product: ""])
def test_a_key_that_may_not_invite_is_refused(invite, product, make):
    answer = invite({"email": "anna@example.com"}, secret=make(product))

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_key")
    assert answer["WWW-Authenticate"] == "Bearer"
    assert not Campaign.objects.exists()


def test_a_key_is_for_one_product(invite):
    answer = invite({"email": "anna@example.com"}, survey=make_survey(product=make_product()).pk)

    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_survey")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"people": []}, "empty"),
        ({"people": [{"email": "a@example.com"}] * 1001}, "max_length"),
        ({"people": [{"email": "a@example.com", "permission": {"basis": "consent"}}]}, "required"),
        ({"wording": [{"language": "en", "subject": "{{ 7 }}", "intro": "x"}]}, "unknown_placeholder"),
        ({"reminder_after_days": 7}, "no_reminder"),
        ({"window_from": 20, "window_until": 8}, "window_ends_before_it_begins"),
        ({"name": ""}, "blank"),
        (
            {"people": [{"email": "a@example.com", "permission": {**PERMISSION, "given_on": "2999-01-01"}}]},
            "in_the_future",
        ),
    ],
)
def test_what_cannot_be_carried_out_is_refused_whole(invite, more, code):
    answer = invite({"email": "a@example.com"}, **more)

    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.content
    assert not Campaign.objects.exists()


def test_what_was_ordered_is_what_people_get(invite, person, mailoutbox):
    person()
    words = {"language": "en", "subject": "Your order at {product}", "intro": "Thank you."}

    invite({"email": "anna@example.com"}, wording=[words], window_from=0, window_until=24)

    campaigns.send_batch(campaign_id=Campaign.objects.get().pk)

    assert [mail.subject for mail in mailoutbox] == ["Your order at Bank"]


# --- A campaign that is there -----------------------------------------------------------------------------------------


@pytest.fixture
def call(client, product):
    """Read a campaign or take a step of it, as the product's server does."""
    _key, own = make_server_key(product=product)

    def call(campaign, step="", secret=own):
        address = f"/api/v1/campaigns/{campaign.pk}" + (f"/{step}" if step else "")
        return (client.post if step else client.get)(address, headers={"Authorization": f"Bearer {secret}"})

    return call


def test_a_server_hears_how_far_a_campaign_is_and_of_nobody_in_particular(call, started, person):
    campaign = started(person("a@example.com"), person("b@example.com", permitted=False), person("c@example.com"))
    campaigns.send_batch(campaign_id=campaign.pk, most=2)

    answer = call(campaign)

    assert answer.status_code == 200
    assert answer.json() == {
        **{"id": campaign.pk, "name": "Spring", "state": "running", "people": 3, "settled": 2, "percent": 66},
        **{"waiting": 1, "sent": 1, "failed": 0, "unknown": 0, "reminders": 0, "taking_over": 0},
        "not_sent": {"no_permission": 1},
    }


def test_a_server_pauses_resumes_and_cancels(call, started, person):
    campaign = started(person())

    states = [call(campaign, step).json()["state"] for step in ("pause", "resume", "cancel")]
    again = call(campaign, "cancel")

    assert states == ["paused", "running", "cancelled"]
    assert (again.status_code, again.json()["code"]) == (400, "not_possible")


def test_a_campaign_of_another_product_is_none(call, started, person):
    _key, foreign = make_server_key(product=make_product())
    campaign = started(person())

    for step in ("", "pause", "resume", "cancel"):
        answer = call(campaign, step, secret=foreign)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert Campaign.objects.get().state == "running"


@pytest.mark.parametrize("step", ["", "pause", "resume", "cancel"])
def test_without_a_key_that_may_ask_nothing_is_told_or_done(call, campaign, product, step):
    answer = call(campaign(), step, secret=of_another_scope(product))

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_key")
