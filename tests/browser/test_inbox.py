"""The work list in a browser: shortcuts, bulk actions with their question, undo, and what it looks like."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from feedback.admin.responses import ResponsePaginator
from feedback.models import Response
from privacy.models import Membership
from tests.factories import make_product, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/feedback/response/"


@pytest.fixture
def responses():
    survey = make_survey(product=make_product(name="Bank"))
    make_response(survey=make_survey(product=make_product(name="Shop", controller=survey.product.controller)))
    return [make_response(survey=survey, score=1, comment=f"Opłaty {number}", is_suspect=True) for number in range(3)]


@pytest.fixture
def inbox(open_page, responses):
    """Open the list for a reviewer; the newest response comes first."""

    def inbox(**options):
        page = open_page(**options)
        user = make_staff("reviewer", first_name="Ewa")
        Membership.objects.create(user=user, controller=responses[0].product.controller)
        page.goto(f"/admin/login/?next={LIST}")
        page.locator("input[name=username]").fill(user.username)
        page.locator("input[name=password]").fill("secret")
        page.locator("input[name=password]").press("Enter")
        expect(page.locator("#result_list")).to_be_visible()
        return page

    return inbox


def test_shortcuts_move_open_and_archive(inbox, responses):
    page = inbox()
    page.keyboard.press("j")
    expect(page.locator("tr.data-row").nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    expect(page.locator("tr.data-row").nth(1)).to_be_focused()
    page.keyboard.press("e")
    expect(page.get_by_text("1 response archived.")).to_be_visible()
    assert Response.objects.get(triage="archived") == responses[1]
    expect(page.locator("tr.data-row").nth(1)).to_be_focused()
    page.get_by_role("button", name="Undo: put 1 response back").click()
    expect(page.get_by_text("1 response put back.")).to_be_visible()
    assert not Response.objects.filter(triage="archived").exists()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Counts after all")).to_be_visible()
    assert Response.objects.get(triage="read") == responses[2]
    page.keyboard.press("f")
    expect(page.get_by_text("Flag 1 response for follow-up?")).to_be_visible()


def test_shortcuts_open_tag_flag_and_mark_as_read_the_row_that_has_the_focus(inbox, responses):
    page = inbox()
    for key, question in (("t", "Tag 1 response?"), ("f", "Flag 1 response for follow-up?")):
        page.goto(f"{LIST}?band=detractor")
        page.keyboard.press(key)
        expect(page.locator("#result_list")).to_be_visible()  # no row has the focus yet: nothing to act on
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press(key)
        expect(page.get_by_text(question)).to_be_visible()
        assert f"/{responses[1].pk}/do/" in page.url
        page.get_by_role("link", name="Cancel").click()
        expect(page.locator("tr.data-row").nth(1)).to_be_focused()
        assert page.url.endswith("band=detractor")

    page.keyboard.press("r")
    expect(page.get_by_text("1 response marked as read.")).to_be_visible()
    assert Response.objects.get(triage="read") == responses[1]
    expect(page.locator("tr.data-row").nth(1)).to_be_focused()

    page.keyboard.press("o")
    expect(page.get_by_role("button", name="Counts after all")).to_be_visible()
    assert f"/{responses[1].pk}/change/" in page.url
    page.keyboard.press("t")
    expect(page.locator("#new-tag")).to_be_focused()


def test_shortcuts_tag_and_mark_as_read_what_is_selected(inbox, responses):
    page = inbox()
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    page.keyboard.press("t")
    page.get_by_label("Tag").fill("fees")
    page.get_by_role("button", name="Add a tag").click()
    expect(page.get_by_text("2 responses got the tag.")).to_be_visible()
    assert set(Response.objects.filter(tags__name="fees")) == {responses[1], responses[2]}

    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    page.keyboard.press("r")
    expect(page.get_by_text("Mark 2 responses as read?")).to_be_visible()
    assert not Response.objects.filter(triage="read").exists()
    page.get_by_role("button", name="Mark as read").click()
    expect(page.get_by_text("2 responses marked as read.")).to_be_visible()
    assert set(Response.objects.filter(triage="read")) == {responses[1], responses[2]}


def test_an_accepted_suspect_is_doubted_again_on_its_page(inbox, responses):
    page = inbox()
    page.goto(f"{LIST}{responses[0].pk}/change/")
    page.get_by_role("button", name="Counts after all").click()
    page.get_by_role("button", name="Undo: put 1 response back").click()
    expect(page.get_by_role("button", name="Counts after all")).to_be_visible()
    assert Response.objects.get(pk=responses[0].pk).is_suspect


def test_shortcuts_never_fire_in_fields_and_can_be_switched_off(inbox):
    page = inbox()
    search = page.locator("input[name=q]")
    search.fill("")
    search.press_sequentially("jef?")
    expect(search).to_have_value("jef?")
    expect(page.locator("tr.odzew-current")).to_have_count(0)
    expect(page.locator("#odzew-help")).not_to_be_visible()
    search.blur()
    page.keyboard.press("?")
    expect(page.locator("#odzew-help")).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("tr.odzew-current")).to_have_count(0)
    page.keyboard.press("Escape")
    page.locator("#odzew-shortcuts summary").click()
    page.get_by_label("Shortcuts are on in this browser").uncheck()
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.locator("tr.odzew-current")).to_have_count(0)
    expect(page.locator("#odzew-help")).not_to_be_visible()


def test_selected_responses_are_archived_together_after_a_question(inbox, responses):
    page = inbox()
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("e")
    expect(page.get_by_text("Archive 2 responses?")).to_be_visible()
    assert not Response.objects.filter(triage="archived").exists()
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("2 responses archived.")).to_be_visible()
    assert set(Response.objects.filter(triage="archived")) == {responses[1], responses[2]}


def test_a_suspect_is_accepted_from_its_row(inbox, responses):
    page = inbox()
    page.goto(f"{LIST}?queue=suspect")
    page.locator("tr.data-row").first.get_by_role("button", name="Counts after all").click()
    expect(page.get_by_text("1 suspect counts now.")).to_be_visible()
    assert list(Response.objects.filter(is_suspect=False, product__name="Bank")) == [responses[2]]


@pytest.mark.parametrize(
    ("scheme", "width", "language"),
    [("light", 1280, "en"), ("dark", 1280, "pl"), ("light", 768, "pl"), ("dark", 320, "pl")],
)
def test_the_work_list_looks_right(inbox, screenshot, scheme, width, language):
    page = inbox(scheme=scheme, width=width, language=language)
    page.goto(f"{LIST}?queue=suspect&q=oplata")
    expect(page.locator("mark").first).to_be_visible()
    page.locator(".odzew-menu summary").first.click()
    page.locator("#odzew-shortcuts summary").click()
    screenshot(f"inbox-{scheme}-{width}-{language}", page)
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0


def test_on_a_phone_comments_and_the_end_of_a_long_list_fit(inbox, screenshot, monkeypatch):
    monkeypatch.setattr(ResponsePaginator, "limit", 2)
    page = inbox(width=320, language="pl")
    page.goto(LIST)

    expect(page.get_by_text("To tylko pierwsze pozycje (2).")).to_be_visible()
    screenshot("inbox-end-320", page)
    cut = "box => box.getBoundingClientRect().right > document.documentElement.clientWidth"
    assert not page.locator(".odzew-comment").evaluate_all(f"boxes => boxes.some({cut})")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
