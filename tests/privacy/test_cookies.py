"""The register of cookies says what the inventory declares, and the inventory declares whatever is in a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.urls import reverse

from privacy.checks import models_to_declare, problems
from privacy.cookies import Entry, cookie_register
from privacy.inventory import BROWSER_KINDS, STAFF, Column, InBrowser, Inventory, Pages, Store, inventory

COOKIE = Store(
    name="odzew_new_<survey>",
    kind="cookie",
    column=STAFF,
    browser=InBrowser(
        on=Pages.HOST,
        set_by="The script sets it when it is shown.",
        why="To count.",
        holds="A number.",
        lasts="A week.",
        needs_consent=True,
        because="It is not necessary.",
    ),
)


def entries(sections):
    return {entry.name: entry for section in sections for entry in section.entries}


def test_every_declared_cookie_and_storage_key_is_in_the_register():
    declared = {store.name for store in inventory.stores.values() if store.kind in BROWSER_KINDS}

    assert set(entries(cookie_register())) == declared
    assert declared >= {"sessionid", "csrftoken", "odzew_<survey>", "odzew:<product>"}


@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_page_shows_the_whole_register(client, language):
    page = client.get(reverse("privacy:cookies"), {"lang": language}).content.decode()

    for name, entry in entries(cookie_register()).items():
        assert name.replace("<", "&lt;").replace(">", "&gt;") in page
        assert entry.browser.set_by
    assert page.count("<dl") == len(entries(cookie_register()))


def test_what_another_application_declares_appears_by_itself():
    (host, ours) = cookie_register(Inventory(stores={COOKIE.name: COOKIE}))

    assert [(entry.name, entry.kind, entry.browser) for entry in host.entries] == [
        ("odzew_new_<survey>", "cookie", COOKIE.browser)
    ]
    assert ours.entries == ()


@pytest.mark.parametrize("address", ["privacy:notice", "privacy:request", "privacy:cookies"])
@pytest.mark.django_db
def test_public_pages_link_the_register_and_set_no_cookie(client, address):
    page = client.get(reverse(address))

    assert f'href="{reverse("privacy:cookies")}' in page.content.decode()
    assert not page.cookies


@pytest.mark.parametrize(
    "store",
    [
        replace(COOKIE, browser=None),
        replace(COOKIE, kind="local storage", browser=None),
        Store(name="log", kind="log", column=Column(personal=False), browser=COOKIE.browser),
    ],
    ids=["a cookie without words", "local storage without words", "a log with words"],
)
def test_a_store_in_browsers_must_say_what_the_register_shows(store):
    altered = Inventory(tables=inventory.tables, stores={**inventory.stores, store.name: store})

    (problem,) = problems(altered, models_to_declare())

    assert problem.id == "privacy.E009"
    assert store.name in problem.msg


@pytest.mark.parametrize(
    ("name", "found", "is_named"),
    [
        ("sessionid", "sessionid", True),
        ("sessionid", "sessionid2", False),
        ("odzew_<survey>", "odzew_12", True),
        ("odzew_<survey>", "odzew_", False),
        ("odzew:<product>", "odzew:pk_demo", True),
        ("odzew:<product>", "odzew:pk_demo:unsent", False),
        ("odzew:<product>:unsent", "odzew:pk_demo:unsent", True),
        ("a.b", "aXb", False),
    ],
)
def test_an_entry_names_what_is_found_in_a_browser(name, found, is_named):
    assert Entry(name, "cookie", COOKIE.browser).names(found) is is_named
