"""What somebody sees where a page is refused, missing or broken; and how many rows a list says it has."""

from __future__ import annotations

import pytest
from django.utils import translation
from django.views.defaults import server_error

from tests.factories import make_product, make_staff

LANGUAGES = {"pl": ("Brak dostępu", "Nie ma takiej strony"), "en": ("No access", "There is no such page")}


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "titles"), LANGUAGES.items())
def test_refused_and_missing_pages_say_so_in_the_language_of_the_reader(client, language, titles):
    client.force_login(make_staff("analyst", product=make_product()))
    headers = {"accept-language": language}

    refused = client.get("/admin/auth/user/", headers=headers)
    missing = client.get("/nowhere/", headers=headers)

    assert (refused.status_code, missing.status_code) == (403, 404)
    assert f"<h1>{titles[0]}</h1>" in refused.text
    assert f"<h1>{titles[1]}</h1>" in missing.text


def test_a_page_that_breaks_needs_nothing_to_say_so(rf):
    with translation.override("pl"):
        answer = server_error(rf.get("/"))

    assert answer.status_code == 500
    assert "Wina leży po naszej stronie" in answer.content.decode()


@pytest.mark.django_db
def test_a_list_counts_in_the_form_its_number_takes(client):
    client.force_login(make_staff("administrator", product=make_product()))

    assert "0 wyników" in client.get("/admin/feedback/campaign/", headers={"accept-language": "pl"}).text
