"""Every page of the admin on a small tablet, light and dark: nothing sideways, no error, nothing that axe refuses."""

from itertools import cycle

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from feedback import campaigns, imports
from feedback.models import Response, Rule, SavedView
from privacy.break_glass import open_access
from privacy.models import Membership
from privacy.signing_secrets import issue
from tests.config.test_admin_growth import of_one_product
from tests.config.test_every_address import BESIDE, beside
from tests.factories import make_controller, make_product, make_response, make_staff, make_survey
from tests.feedback.import_files import COLUMNS, csv_file, reviews
from tests.privacy.life.cases import make_case

pytestmark = pytest.mark.django_db(transaction=True)

TABLET, PHONE = 768, 320
GRAVE = {"critical", "serious"}
# What is beside the lists and no page of its own: it is posted to, and leads to a page that is looked at, ...
LEAD_ELSEWHERE = {
    *("admin:privacy_breakglass_end", "admin:feedback_respondent_moment", "admin:feedback_campaign_settle"),
    *(f"admin:feedback_response_{name}" for name in ("save_view", "undo", "reveal", "tags")),
    *(f"admin:feedback_followup_{name}" for name in ("status", "assign", "priority", "contact", "note", "show_board")),
    *(f"admin:feedback_importrun_{name}" for name in ("start", "discard")),
}
# ... or it is a file, an image, data of a script, or what a page fetches into itself, which has a test of its own.
NO_PAGES = LEAD_ELSEWHERE | {
    *("admin:privacy_rightsrequest_dossier", "feedback_score_file", "admin:surveys_survey_qr", "admin:jsi18n"),
    *("admin:feedback_importrun_progress", "admin:feedback_campaign_progress", "admin:search"),
    "feedback_audience_preview",
}
# What there is only of rows in a certain state, or is the answer to a button: ``special_pages`` makes them.
SPECIAL = {
    *("admin:feedback_importrun_columns", "admin:feedback_importrun_preview", "admin:feedback_campaign_dry_run"),
    "admin:feedback_campaign_remove",
    *("admin:feedback_rule_preview", "admin:feedback_rule_tag_existing", "admin:feedback_respondent_never_met"),
    *("admin:privacy_requestitem_preview", "admin:privacy_requestitem_records", "admin:privacy_rightsrequest_reveal"),
    *("admin:privacy_rightsrequest_records", "admin:privacy_product_retire_secret"),
    *("admin:feedback_response_saved_view", "admin:feedback_response_delete_view"),
}
# What is shown in the language of the people who are asked.
IN_ITS_OWN_LANGUAGE = {"admin:feedback_campaign_frame", "admin:surveys_survey_preview"}
# The rules about colours, which are all that the dark changes: whatever else a page has is the same in the light.
OF_COLOURS = ("color-contrast", "link-in-text-block")


@pytest.fixture
def rows():
    return of_one_product(make_controller(), 0)


def log_in(page, client, user, base):
    client.force_login(user)
    cookie = client.cookies["sessionid"]
    page.context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": base}])


def pages_of_lists(rows):
    for model, shown in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield reverse(f"{name}_change", args=[rows[model._meta.label_lower].pk])
        if type(shown).has_add_permission.__qualname__.startswith("BaseModelAdmin"):
            yield reverse(f"{name}_add")


def speak(page, language, base):
    """Choose the language as the admin's switch does."""
    page.context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": base}])


def darken(page):
    """Make a page dark as the theme does where the device is."""
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.documentElement.classList.add('dark')")
    assert page.evaluate(background) != light


def faults(page, rules=()):
    """Return what makes a page wider than its window, and what axe refuses of it.

    Args:
        rules: the only ones that are asked; all of them where none are named.
    """
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(Axe().axe_script)
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = page.evaluate("options => axe.run(options).then(results => results.violations)", options)
    return [f"{wider} px too wide"] * (wider > 0) + [
        (each["id"], node["html"][:200]) for each in found if each["impact"] in GRAVE for node in each["nodes"]
    ]


@pytest.fixture
def look(open_page, client, live_server):
    """Return what is wrong with a page in a language, in one scheme or in both."""
    page = open_page(width=TABLET, height=1024)
    user = make_staff(is_superuser=True)
    log_in(page, client, user, live_server.url)

    def look(address, language, schemes, *, is_ours=True, pressed=()):
        speak(page, language, live_server.url)
        page.emulate_media(color_scheme="light")
        assert page.goto(address).status == 200, address
        assert not is_ours or page.locator("html").get_attribute("lang") == language, address
        if pressed:
            button, shown = pressed
            page.locator(button).first.click()
            page.locator(shown).first.wait_for()
        found = {}
        for scheme in schemes:
            if scheme == "dark":
                darken(page)
            found[address, language, scheme] = faults(page, OF_COLOURS if scheme != schemes[0] else ())
        return {where: what for where, what in found.items() if what}

    look.page, look.user = page, user
    return look


def test_every_list_and_its_pages_fit_a_tablet_and_can_be_used_light_and_dark(look, rows, screenshot):
    found = {}

    for address, language in zip(pages_of_lists(rows), cycle(("pl", "en"))):
        found |= look(address, language, ("light", "dark"))

    screenshot("admin-dark-last", look.page)
    assert found == {}


def test_every_page_beside_the_lists_fits_a_tablet_and_can_be_used(look, rows):
    """They are made of the same parts, so each is looked at once: two of each language in the light and in the dark."""
    found = {}
    themed = [name for name in BESIDE if name not in NO_PAGES | SPECIAL | IN_ITS_OWN_LANGUAGE]

    for name, language, scheme in zip(themed, cycle(("pl", "en")), cycle(("light", "light", "dark", "dark"))):
        found |= look(beside(rows, name), language, (scheme,))
    for name in IN_ITS_OWN_LANGUAGE:
        found |= look(beside(rows, name), "en", ("light",), is_ours=False)
    assert found == {}


def special_pages(rows, user, client):
    """Yield what is in the address of each page that needs more than a row."""
    product, campaign, rule = (rows[name] for name in ("privacy.product", "feedback.campaign", "feedback.rule"))
    view = SavedView.objects.create(owner=user, name="Angry", filters={"band": "detractor"})
    for name in ("saved_view", "delete_view"):
        yield f"admin:feedback_response_{name}", [view.pk]
    yield "admin:privacy_product_retire_secret", [product.pk, issue(product=product).pk]
    upload = {
        "controller": product.controller,
        "file_name": "reviews.csv",
        "content": csv_file(reviews(40)),
        "by": user,
    }
    yield "admin:feedback_importrun_columns", [imports.upload_file(**upload).pk]
    run = imports.upload_file(**upload)
    imports.choose_columns(run=run, columns=COLUMNS, metric="csat")
    yield "admin:feedback_importrun_preview", [run.pk]
    audience = campaigns.add_audience(campaign=campaign, segment=rows["feedback.segment"])
    for name in ("dry_run", "remove"):
        yield f"admin:feedback_campaign_{name}", [campaign.pk, audience.pk]
    Rule.objects.filter(pk=rule.pk).update(adds_tag=rows["feedback.tag"])
    yield "admin:feedback_rule_tag_existing", [rule.pk]
    lookup = {"product": product.pk, "channel": "web", "email": "new@example.com"}
    answer = client.post(reverse("admin:feedback_respondent_changelist"), lookup)
    yield "admin:feedback_respondent_never_met", [answer["Location"].rstrip("/").rsplit("/", 1)[1]]
    item = make_case("access").items.get()
    yield "admin:privacy_requestitem_preview", [item.pk]
    yield "admin:privacy_requestitem_records", [item.pk, "feedback.Response"]
    yield "admin:privacy_rightsrequest_reveal", [item.request_id]
    yield "admin:privacy_rightsrequest_records", [item.request_id]
    Response.objects.filter(pk=rows["feedback.response"].pk).update(completed_at=timezone.now())  # rules look then
    yield "admin:feedback_rule_preview", [rule.pk]


# What is the answer to a button: the page that has it, the button, and what is shown then.
PRESSED = {
    "admin:privacy_rightsrequest_reveal": (
        *("admin:privacy_rightsrequest_change", "form[action$='/reveal/'] button"),
        "text=The audit trail has recorded that you saw this.",
    ),
    "admin:privacy_rightsrequest_records": (
        *("admin:privacy_rightsrequest_change", "form[action$='/records/'] button"),
        "text=It was logged that you saw this.",
    ),
    "admin:feedback_rule_preview": ("admin:feedback_rule_change", "[data-rule-preview] button", ".rule-table"),
}


def test_every_page_of_rows_in_a_state_fits_a_tablet_and_can_be_used(look, rows, client):
    found, seen = {}, set()

    for (name, args), scheme in zip(special_pages(rows, look.user, client), cycle(("light", "dark"))):
        page, *pressed = PRESSED.get(name, (name,))
        found |= look(reverse(page, args=args), "en", (scheme,), pressed=pressed)
        seen.add(name)

    assert seen == SPECIAL
    assert found == {}


def test_tables_that_are_wider_than_a_phone_are_scrolled_with_keys_as_well(look, rows):
    make_response(survey=make_survey(product=make_product(controller=rows["privacy.controller"])))  # for two products
    wording = rows["surveys.survey"].wordings.first()
    wording.question = "How likely are you to recommend us?"
    wording.save()
    addresses = (
        reverse("admin:index"),
        reverse("admin:feedback_tag_themes"),
        reverse("admin:feedback_tag_change", args=[rows["feedback.tag"].pk]),
        reverse("admin:surveys_survey_publish", args=[rows["surveys.survey"].pk]),
    )
    look.page.set_viewport_size({"width": PHONE, "height": 640})
    found, scrolled = {}, 0

    for address, language in zip(addresses, cycle(("pl", "en"))):
        found |= look(address, language, ("light", "dark"))
        for table in look.page.locator("[class$=-scroll]").all():
            scrolled += table.evaluate("box => box.scrollWidth > box.clientWidth")
            assert table.get_attribute("tabindex") == "0", address
            assert look.page.get_by_role("region", name=table.get_attribute("aria-label"), exact=True).count() == 1

    assert found == {}
    assert scrolled > 2


@pytest.mark.parametrize("width", [PHONE, TABLET, 1280])
@pytest.mark.parametrize("language", ["en", "pl"])
def test_a_page_is_named_whole_beside_its_buttons(open_page, client, live_server, rows, width, language):
    page = open_page(width=width)
    log_in(page, client, make_staff(is_superuser=True), live_server.url)
    speak(page, language, live_server.url)

    for name in ("feedback.response", "feedback.followup", "privacy.rightsrequest"):
        page.goto(reverse(f"admin:{name.replace('.', '_')}_change", args=[rows[name].pk]))
        crumb = page.locator("h1 > .truncate").last
        assert crumb.is_visible()
        assert crumb.evaluate("name => name.scrollWidth <= name.clientWidth"), (name, crumb.inner_text())


def test_a_long_address_stays_in_its_card(open_page, client, live_server, rows):
    person = rows["feedback.respondent"]
    person.email = f"{'zofia.' * 8}kaminska@example.com"
    person.save()
    page = open_page(width=PHONE)
    log_in(page, client, make_staff(is_superuser=True), live_server.url)

    page.goto(reverse("admin:feedback_followup_change", args=[rows["feedback.followup"].pk]))
    line = page.get_by_text("To: zofia.")

    assert line.evaluate("line => line.scrollWidth <= line.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_banner_of_an_emergency_is_on_every_page_and_ends_it(open_page, client, live_server, scheme, screenshot):
    product = make_product(name="Bank")
    administrator = make_staff("administrator")
    Membership.objects.create(user=administrator, controller=product.controller)
    open_access(user=administrator, reason="The importer mixed up two customers")
    page = open_page(width=TABLET, height=1024, scheme=scheme)
    log_in(page, client, administrator, live_server.url)

    page.goto(reverse("admin:feedback_response_changelist"))
    page.get_by_text("Emergency access to personal data is open until").wait_for()
    page.get_by_text("Nobody has answered yet.").wait_for()
    screenshot(f"emergency-{scheme}", page)
    found = Axe().run(page, context="[aria-label='Emergency access']").response["violations"]
    assert found == []
    page.get_by_role("button", name="End now").click()

    page.get_by_text("The emergency access has ended.").wait_for()
    assert page.get_by_text("is open until").count() == 0


def test_forms_with_sentences_to_choose_and_addresses_fit_a_phone(look, rows):
    look.page.set_viewport_size({"width": PHONE, "height": 640})
    product = reverse("admin:privacy_product_change", args=[rows["privacy.product"].pk])

    assert look(product, "pl", ("light",)) | look(reverse("admin:privacy_recipient_add"), "pl", ("light",)) == {}
