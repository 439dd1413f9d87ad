"""Log-in, log-out, and visitors who stay nobody."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from feedback.models import Invitation, Respondent
from tests.browser.widget.host_site import memory, settle, the_survey, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_after_a_log_out_the_device_is_somebody_new_whose_clock_goes_on(site, survey, visit, requests):
    page = visit()
    before = memory(page)["anonymous_id"]
    page.get_by_role("button", name="No, thanks").click()
    page.evaluate("odzew('identify', {id: 'anna'})")
    wait_until(page, Respondent.objects.filter(subject_key="id:anna").exists)
    settle(page)
    assert memory(page)["anonymous_id"] == before
    requests.clear()

    page.evaluate("odzew('identify', null)")
    page.goto(site.url)
    settle(page)

    assert memory(page).get("anonymous_id") != before
    assert not any("eligibility" in each for each in requests)


def test_an_anonymous_visitor_is_somebody_new_after_thirteen_months(site, survey, visit):
    page = visit()
    expect(the_survey(page)).to_be_visible()
    before = memory(page)["anonymous_id"]
    for months, is_kept in ((12, True), (13, False)):
        page.evaluate(
            """days => {
                const stored = JSON.parse(localStorage.getItem("odzew:pk_shop"));
                const changed = { ...stored, since: Date.now() - days * 864e5, rest: 0, checks: {} };
                localStorage.setItem("odzew:pk_shop", JSON.stringify(changed));
            }""",
            months * 30.4,
        )
        page.goto(site.url)
        wait_until(page, lambda: memory(page)["checks"])
        settle(page)
        assert (memory(page)["anonymous_id"] == before) is is_kept


def test_a_log_in_tells_the_server_at_once_who_the_visitor_was(site, survey, visit, requests):
    page = visit()
    page.get_by_role("button", name="No, thanks").click()
    wait_until(page, Invitation.objects.filter(declined_at__isnull=False).exists)
    visitor = memory(page)["anonymous_id"]
    requests.clear()

    with page.expect_request("**/eligibility") as asked:
        page.evaluate("odzew('identify', {id: 'anna'})")

    body = asked.value.post_data_json
    assert (body["user"]["id"], body["anonymous_id"]) == ("anna", visitor)
    wait_until(page, Respondent.objects.filter(subject_key="id:anna").exists)
    settle(page)
    for _view in range(5):
        page.goto(site.url)
        page.evaluate("odzew('identify', {id: 'anna'})")
        settle(page)
    assert len([each for each in requests if each.endswith("/eligibility")]) == 1
    expect(page.locator("odzew-survey")).to_have_count(0)


def test_somebody_else_on_the_device_waits_for_the_rest_of_the_last_one(site, survey, visit, requests):
    site.scripts[0]["data-user-id"] = "anna"
    page = visit()
    page.get_by_role("button", name="No, thanks").click()
    wait_until(page, Invitation.objects.filter(declined_at__isnull=False).exists)
    requests.clear()
    page.evaluate("""() => {  // three days pass
        const stored = JSON.parse(localStorage.getItem("odzew:pk_shop"));
        for (const time of ["rest", "pause"]) stored[time] -= 3 * 864e5;
        localStorage.setItem("odzew:pk_shop", JSON.stringify(stored));
    }""")

    for somebody in ("", "bert"):
        site.scripts[0]["data-user-id"] = somebody
        page.goto(site.url)
        settle(page)

    assert not any(each.endswith("/eligibility") for each in requests)
