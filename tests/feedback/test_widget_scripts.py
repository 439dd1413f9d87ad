from __future__ import annotations

import gzip
import json
import re

import pytest
from django.conf import settings
from django.utils import translation

from feedback.widget import assets


def test_a_page_pays_little_and_less_while_nobody_is_due():
    sizes = assets.sizes()

    assert 0 < sizes.loader <= assets.LARGEST_LOADER
    assert sizes.loader < sizes.total <= assets.LARGEST_TOTAL


def test_the_loader_names_the_current_survey_and_is_checked_again_within_minutes(client):
    answer = client.get("/widget/v1.js")

    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert f"widget/survey-{assets.survey_digest()}." in answer.content.decode()
    assert "max-age=300" in answer["Cache-Control"]
    assert (answer["Access-Control-Allow-Origin"], answer["Cross-Origin-Resource-Policy"]) == ("*", "cross-origin")
    again = client.get("/widget/v1.js", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_the_survey_is_kept_for_good_under_the_name_of_its_content(client, language):
    answer = client.get(f"/widget/survey-{assets.survey_digest()}.{language}.js")

    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    words = json.loads(re.search(r"^const words = (.*);$", answer.content.decode(), re.MULTILINE)[1])
    with translation.override(language):
        assert words == {**{name: str(text) for name, text in assets.WORDS.items()}, "direction": "ltr"}


def test_a_loader_from_before_a_release_still_gets_a_survey(client):
    answer = client.get("/widget/survey-000000000000.en.js")

    assert answer.status_code == 200
    assert "max-age=300" in answer["Cache-Control"]


@pytest.mark.parametrize("path", ["survey-000000000000.xx.js", "survey-../../settings.en.js", "v2.js", "src/loader.js"])
def test_there_are_no_other_scripts(client, path):
    assert client.get(f"/widget/{path}").status_code == 404


def test_scripts_travel_compressed_to_those_who_take_it(client):
    plain = client.get("/widget/v1.js")
    small = client.get("/widget/v1.js", headers={"Accept-Encoding": "gzip, deflate"})

    assert "Content-Encoding" not in plain
    assert small["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.content) == plain.content
    assert "Accept-Encoding" in small["Vary"]


def test_scripts_are_only_read(client):
    assert client.post("/widget/v1.js").status_code == 405
    assert client.head("/widget/v1.js").status_code == 200


@pytest.mark.parametrize("source", sorted(assets.SOURCES.glob("*.js")), ids=lambda path: path.name)
def test_no_text_in_a_source_spans_lines_so_that_dropping_indentation_is_safe(source):
    assert "`" not in source.read_text()


def test_the_scripts_need_nothing_that_a_strict_policy_forbids():
    text = assets.loader().body.decode() + assets.survey("en").body.decode()

    for forbidden in ("eval(", "new Function", "innerHTML", "insertAdjacentHTML", 'createElement("style")', ".cssText"):
        assert forbidden not in text
    assert re.findall(r"https?://[^\s\"']+", text) == []
