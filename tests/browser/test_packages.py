"""A copy of somebody's data as they see it: unpacked on their disk, and on the pages where it is handed over."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import date, timedelta

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Tag
from privacy import packages
from privacy.access_log import record_access
from privacy.models import Disclosure, IdentityProof, Incident, Package, Recipient, Redaction, RequestTask, Right
from privacy.packages import archive
from tests.browser.widget.host_site import wait_until
from tests.factories import (
    make_invitation,
    make_respondent,
    make_response,
    make_rights_request,
    make_staff,
    make_survey,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PACKAGES_DIR = tmp_path / "packages"


@pytest.fixture
def response():
    survey = make_survey(name="Aplikacja mobilna – NPS")
    controller = survey.product.controller
    controller.name, controller.privacy_email = "Bank Przykładowy S.A.", "iod@example.com"
    controller.save()
    anna = make_respondent(
        product=survey.product,
        external_id="4711",
        email="anna@example.com",
        name="Anna Kowalska",
        properties={"plan": "gold", "seats": 3},
    )
    reviewer = make_staff("reviewer")
    for number in range(4):
        at = timezone.now() - timedelta(days=90 * number)
        response = make_response(
            survey=survey,
            respondent=anna,
            score=9 - number,
            comment="Aplikacja jest szybka, ale przelewy trwają za długo. Pani Ewa z oddziału obiecała pomóc. " * 2,
            answered_at=at,
            reasons=["Opłaty", "Szybkość"],
            url="https://app.example.com/transfers/a-rather-long-path-without-a-place-to-break-it",
        )
    make_invitation(survey=survey, respondent=anna, declined_at=timezone.now())
    tag = Tag.objects.create(product=survey.product, name="przelewy")
    response.tags.add(tag, through_defaults={"added_by": reviewer})
    record_access(user=reviewer, purpose="identity", record=response, controller=controller)
    cloud = Recipient.objects.create(
        controller=controller,
        name="Example Cloud Inc.",
        kind="processor",
        country="US",
        purposes=["feedback"],
        contact_email="privacy@example.net",
        safeguard="clauses",
        clauses_module="2",
        clauses_on=date(2025, 3, 1),
    )
    Disclosure.objects.create(recipient=cloud, dataset="feedback.Response", since=date(2025, 3, 1))
    return response


def with_package(response, language, *rights):
    asked = make_rights_request(
        controller=response.product.controller, email="anna@example.com", language=language, details="Wszystko, proszę."
    )
    IdentityProof.objects.create(request=asked, kind=IdentityProof.Kind.MAILBOX, identifier="anna@example.com")
    for right in rights:
        item = asked.items.create(right=right)
        Redaction.objects.create(
            item=item,
            dataset="feedback.Response",
            record_number=response.pk,
            column="comment",
            redacted_by=make_staff("privacy_officer"),
        )
        packages.build(RequestTask.objects.create(item=item, position=1, kind=RequestTask.Kind.PACKAGE))
    return asked


def unpack(asked, folder):
    file = packages.open_package(asked.items.get().package)
    with zipfile.ZipFile(io.BytesIO(b"".join(file.read(0, file.size)))) as found:
        found.extractall(folder)
    return folder


@pytest.mark.parametrize(
    ("language", "heading", "looks"),
    [
        ("en", "Copy of your data", [(1280, "light"), (320, "dark")]),
        ("pl", "Kopia Państwa danych", [(1280, "dark"), (320, "light")]),
    ],
)
def test_the_unpacked_copy_can_be_read_without_the_internet(
    open_page, response, tmp_path, monkeypatch, assert_accessible, screenshot, language, heading, looks
):
    monkeypatch.setattr(archive, "SHOWN", 3)
    folder = unpack(with_package(response, language, Right.ACCESS), tmp_path / "copy")
    for width, scheme in looks:
        page = open_page(width=width, scheme=scheme)
        page.goto((folder / "index.html").as_uri())
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        assert_accessible(page)
        screenshot(f"package-{language}-{width}-{scheme}", page)
        links = page.eval_on_selector_all("a[href]", "all => all.map(each => each.getAttribute('href'))")
        assert [link for link in links if "#" not in link and not (folder / link).is_file()] == []
        page.get_by_role("link", name=re.compile("^(What we use|Do czego)")).first.click()
        expect(page.get_by_text("Example Cloud Inc.")).to_be_visible()
        assert_accessible(page)
        screenshot(f"package-information-{language}-{width}-{scheme}", page)
    assert json.loads((folder / "data.json").read_text())["language"] == language


def test_a_package_is_fetched_without_scripts_and_cookies(open_page, response, tmp_path, assert_accessible, screenshot):
    asked = with_package(response, "en", Right.ACCESS, Right.PORTABILITY)
    page = open_page(width=320, javascript=False)
    page.goto(f"/privacy/requests/{asked.reference}/package/")
    screenshot("handing-over-320", page)
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_text("a code is on its way")).to_be_visible()

    page.get_by_label("Code from the e-mail").fill("AAAA-AAAA")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    page.get_by_label("Code from the e-mail").fill(re.search(r"^\w{4}-\w{4}$", mail.outbox[0].body, re.MULTILINE)[0])
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your copy is open")
    screenshot("handing-over-open-320", page)
    with page.expect_download() as fetched:
        page.get_by_role("link", name="ZIP").first.click()

    assert zipfile.is_zipfile(fetched.value.path())
    assert fetched.value.suggested_filename == f"{asked.reference}.zip"
    assert page.context.cookies() == []
    wait_until(page, lambda: Package.objects.filter(fetched_at__isnull=False).count() == 1)


@pytest.mark.parametrize(
    ("language", "looks"), [("en", [(1280, "light"), (320, "dark")]), ("pl", [(1280, "dark"), (320, "light")])]
)
def test_an_open_package_is_accessible(open_page, response, assert_accessible, screenshot, language, looks):
    asked = with_package(response, language, Right.ACCESS, Right.PORTABILITY)
    address = f"/privacy/requests/{asked.reference}/package/?lang={language}"
    for width, scheme in looks:
        page = open_page(width=width, scheme=scheme)
        page.goto(address)
        page.locator("button[name=send]").click()
        page.locator("input[name=code]").fill("AAAA-AAAA")
        page.locator("form:has(input[name=code]) button").click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert_accessible(page)
        page.locator("input[name=code]").fill(re.search(r"^\w{4}-\w{4}$", mail.outbox[-1].body, re.MULTILINE)[0])
        page.locator("form:has(input[name=code]) button").click()
        expect(page.get_by_role("link", name="ZIP")).to_have_count(2)
        assert_accessible(page)
        screenshot(f"handing-over-open-{language}-{width}-{scheme}", page)


def test_whoever_got_it_by_mistake_takes_it_back(open_page, response, assert_accessible, screenshot):
    asked = with_package(response, "pl", Right.ACCESS)
    for scheme, width in (("dark", 320), ("light", 1280)):
        page = open_page(width=width, scheme=scheme)
        page.goto(f"/privacy/requests/{asked.reference}/package/?lang=pl&sent=1")
        page.locator("summary").click()
        assert_accessible(page)
        screenshot(f"handing-over-pl-{width}-{scheme}", page)
    page.locator("button[name=not_mine]").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_accessible(page)
    page.goto(f"/privacy/requests/{asked.reference}/package/?lang=pl")
    assert_accessible(page)
    page.goto("/privacy/packages/unknown/")
    assert_accessible(page)

    assert Incident.objects.count() == 1
    assert Package.objects.get().key == ""
