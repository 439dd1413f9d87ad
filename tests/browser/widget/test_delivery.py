"""Nothing that somebody said is lost, and nothing arrives twice."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Error, expect

from feedback.models import Invitation, Response
from privacy.encryption import token_digest
from tests.browser.widget.host_site import memory, score, settle, the_survey, wait_until
from tests.factories import make_invitation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("way", ["as a last message", "from the next page", "both ways"])
def test_leaving_in_mid_answer_loses_neither_score_nor_comment(site, survey, visit, way):
    if way == "from the next page":
        site.before = "navigator.sendBeacon = () => false;"
    page = visit()
    score(page, 4).check()
    page.locator("odzew-survey textarea").fill("Half a sent")
    if way == "as a last message":
        site.scripts = []  # nothing on the next page could deliver it

    page.get_by_role("link", name="Next page").click(no_wait_after=True)

    wait_until(page, Response.objects.filter(score=4, comment="Half a sent").exists)
    page.wait_for_url("**/next")
    if site.scripts:
        wait_until(page, lambda: memory(page, "pk_shop:unsent") is None)
    assert Response.objects.count() == 1


ANSWER_AND_LEAVE = """addEventListener("click", ({ target }) => {
    const survey = target.matches("a") && document.querySelector("odzew-survey");
    if (survey) survey.shadowRoot.querySelector("input[value='6']").click();
});"""


def test_leaving_at_once_after_the_score_loses_nothing(site, survey, visit):
    site.before = ANSWER_AND_LEAVE
    page = visit()
    expect(the_survey(page)).to_be_visible()
    site.scripts = []

    page.get_by_role("link", name="Next page").click(no_wait_after=True)

    page.wait_for_url("**/next")  # a browser that is closed while it goes to another page may never end
    wait_until(page, Response.objects.filter(score=6).exists)


def go_offline(page, line):
    """Take the connection away, and let the browser know."""
    line.cut()
    page.context.set_offline(True)


def go_online(page, line):
    line.restore()
    page.context.set_offline(False)


def test_an_answer_given_offline_arrives_once_when_the_connection_is_back(line, survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    go_offline(page, line)
    score(page, 7).check()
    page.locator("odzew-survey textarea").fill("On the train")
    page.get_by_role("button", name="Send").click()
    expect(the_survey(page)).to_contain_text("will be sent as soon as there is a connection")

    go_online(page, line)

    expect(page.locator("odzew-survey code")).to_be_visible()
    settle(page)
    response = Response.objects.get()
    assert (response.score, response.comment, response.state) == (7, "On the train", "complete")


def test_a_score_from_a_page_left_offline_arrives_once_from_the_next_one(site, line, survey, visit, requests):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    go_offline(page, line)
    score(page, 3).check()
    page.locator("odzew-survey textarea").fill("In a tunnel")
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
        page.goto(site.url + "/next")
    settle(page)
    assert not Response.objects.exists()
    go_online(page, line)

    page.goto(site.url + "/next")

    wait_until(page, lambda: memory(page, "pk_shop:unsent") is None)
    settle(page)
    requests.clear()
    for number in range(3):
        page.goto(f"{site.url}/{number}")
    settle(page)
    assert requests == []
    response = Response.objects.get()
    assert (response.score, response.comment, response.state) == (3, "In a tunnel", "complete")
    assert not response.score_changes.exists()


def test_one_message_that_the_server_cannot_take_holds_no_other_up(site, survey, visit):
    tokens = ["broken", "sound"]
    for token in tokens:
        make_invitation(survey=survey, token=token)
    page = visit()
    settle(page)
    page.route("**/invitations/broken/response", lambda route: route.fulfill(status=500))
    unsent = [
        {"path": f"{token}/response", "body": {"submission_id": str(uuid4()), "score": 5, "seq": 0}} for token in tokens
    ]
    page.evaluate(
        "unsent => localStorage.setItem('odzew:pk_shop:unsent', JSON.stringify(unsent.map("
        "each => ({...each, at: Date.now()}))))",
        unsent,
    )

    page.goto(site.url + "/next")

    wait_until(page, Response.objects.filter(invitation__token_digest=token_digest("sound")).exists)
    settle(page)
    assert [each["path"] for each in memory(page, "pk_shop:unsent")] == ["broken/response"]


def test_two_tabs_that_deliver_the_same_answer_store_it_once(site, line, survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    go_offline(page, line)
    score(page, 8).check()
    page.close()
    tabs = [page.context.new_page() for _tab in range(3)]
    go_online(page, line)

    for tab in tabs:
        tab.goto(site.url, wait_until="commit")

    wait_until(tabs[0], Response.objects.filter(score=8).exists)
    for tab in tabs:
        tab.wait_for_load_state()
        wait_until(tab, lambda tab=tab: memory(tab, "pk_shop:unsent") is None)
    assert Response.objects.count() == 1


@pytest.mark.parametrize("clock_is_years_slow", [False, True])
def test_an_answer_waits_on_the_device_for_a_later_page_view(site, survey, visit, clock_is_years_slow):
    if clock_is_years_slow:
        site.before = "const now = Date.now; Date.now = () => now() - 10 * 365 * 864e5;"
    page = visit()
    expect(the_survey(page)).to_be_visible()
    page.route("**/response", lambda route: route.abort())
    score(page, 1).check()
    page.locator("odzew-survey textarea").fill("Nobody heard")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Close").click()
    page.goto(site.url)
    settle(page)
    assert not Response.objects.exists()
    page.evaluate("""() => {  // three hours pass
        const messages = JSON.parse(localStorage.getItem("odzew:pk_shop:unsent"));
        messages[0].at -= 3 * 36e5;
        localStorage.setItem("odzew:pk_shop:unsent", JSON.stringify(messages));
    }""")
    page.unroute_all()

    page.goto(site.url)

    wait_until(page, Response.objects.filter(score=1, comment="Nobody heard").exists)
    wait_until(page, lambda: memory(page, "pk_shop:unsent") is None)
    late = timezone.now() - Response.objects.get().answered_at
    if clock_is_years_slow:
        assert late < timedelta(minutes=5)
    else:
        assert timedelta(hours=2.9) < late < timedelta(hours=3.1)


def test_a_decline_waits_on_the_device_too(site, survey, visit):
    page = visit()
    page.route("**/decline", lambda route: route.abort())
    page.get_by_role("button", name="No, thanks").click()
    settle(page)
    assert Invitation.objects.get().declined_at is None
    page.unroute_all()

    page.goto(site.url)

    wait_until(page, Invitation.objects.filter(declined_at__isnull=False).exists)
