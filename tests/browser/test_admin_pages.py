"""Every page of the admin on a small tablet, light and dark: nothing sideways, no error, nothing that axe refuses."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.urls import reverse

from privacy.break_glass import open_access
from privacy.models import Membership
from tests.config.test_admin_growth import of_one_product
from tests.factories import make_controller, make_product, make_staff

pytestmark = pytest.mark.django_db(transaction=True)

TABLET = 768
GRAVE = {"critical", "serious"}
# What django-unfold itself writes: links in read-only fields and in help texts, which are too dark on its dark
# background and told from their sentence by colour only.
LINKS_OF_THE_THEME = ('class="text-link"', "dark:text-primary-500", "Add another", "Dodaj kolejne")
# The rules about colours, which are all that the dark changes: whatever else a page has is the same in the light.
OF_COLOURS = ("color-contrast", "link-in-text-block")


def is_of_the_theme(rule, html):
    return rule in OF_COLOURS and any(mark in html for mark in LINKS_OF_THE_THEME)


@pytest.fixture
def rows():
    return of_one_product(make_controller(), 0)


def log_in(page, client, user, base):
    client.force_login(user)
    cookie = client.cookies["sessionid"]
    page.context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": base}])


def every_page(rows):
    yield reverse("admin:index")
    for model, shown in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield reverse(f"{name}_change", args=[rows[model._meta.label_lower].pk])
        if type(shown).has_add_permission.__qualname__.startswith("BaseModelAdmin"):
            yield reverse(f"{name}_add")


def darken(page):
    """Make a page dark as the theme does where the device is."""
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.documentElement.classList.add('dark')")
    assert page.evaluate(background) != light


def faults(page, options):
    """Return what makes a page wider than its window, and what axe refuses of it that is ours."""
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [f"{wider} px too wide"] * (wider > 0) + [
        (each["id"], node["html"][:200])
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
        if not is_of_the_theme(each["id"], node["html"])
    ]


def test_every_page_fits_a_tablet_and_can_be_used_light_and_dark(open_page, client, live_server, rows, screenshot):
    page = open_page(width=TABLET, height=1024)
    log_in(page, client, make_staff(is_superuser=True), live_server.url)
    found = {}

    for address in every_page(rows):
        page.emulate_media(color_scheme="light")
        page.goto(address)
        found[address, "light"] = faults(page, {})
        darken(page)
        found[address, "dark"] = faults(page, {"runOnly": list(OF_COLOURS)})

    screenshot("admin-dark-last", page)
    assert {where: what for where, what in found.items() if what} == {}


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
