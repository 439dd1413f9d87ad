from __future__ import annotations

import gzip
import json
import re

import brotli
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import translation

from feedback.widget import assets, building


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
        assert words == {**{name: str(text) for name, text in building.WORDS.items()}, "direction": "ltr"}


def test_a_loader_from_before_a_release_still_gets_a_survey(client):
    answer = client.get("/widget/survey-000000000000.en.js")

    assert answer.status_code == 200
    assert "max-age=300" in answer["Cache-Control"]


@pytest.mark.parametrize("path", ["survey-000000000000.xx.js", "survey-../../settings.en.js", "v2.js", "src/loader.js"])
def test_there_are_no_other_scripts(client, path):
    assert client.get(f"/widget/{path}").status_code == 404


@pytest.mark.parametrize(
    ("accepted", "encoding", "decompress"),
    [("gzip, deflate", "gzip", gzip.decompress), ("gzip, deflate, br, zstd", "br", brotli.decompress)],
)
def test_scripts_travel_compressed_to_those_who_take_it(client, accepted, encoding, decompress):
    plain = client.get("/widget/v1.js")
    small = client.get("/widget/v1.js", headers={"Accept-Encoding": accepted})

    assert "Content-Encoding" not in plain
    assert small["Content-Encoding"] == encoding
    assert decompress(small.content) == plain.content
    assert "Accept-Encoding" in small["Vary"]


def test_scripts_are_only_read(client):
    assert client.post("/widget/v1.js").status_code == 405
    assert client.head("/widget/v1.js").status_code == 200


def test_the_scripts_in_the_repository_are_what_their_sources_make(capsys):
    call_command("build_widget", "--check")

    assert "are what their sources make" in capsys.readouterr().out


def test_a_script_that_was_edited_forgotten_or_left_over_is_named_and_put_right(tmp_path):
    call_command("build_widget", folder=tmp_path)
    (tmp_path / "v1.js").write_text("alert(1)")
    (tmp_path / "survey.pl.js").unlink()
    (tmp_path / "v0.js").touch()

    with pytest.raises(CommandError, match=r"survey\.pl\.js, v0\.js, v1\.js"):
        call_command("build_widget", check=True, folder=tmp_path)

    call_command("build_widget", folder=tmp_path)
    call_command("build_widget", check=True, folder=tmp_path)


@pytest.mark.parametrize("source", sorted(building.SOURCES.glob("*.js")), ids=lambda path: path.name)
def test_no_text_in_a_source_spans_lines_so_that_dropping_indentation_is_safe(source):
    assert "`" not in source.read_text()


def test_the_scripts_need_nothing_that_a_strict_policy_forbids():
    text = assets.loader().body.decode() + assets.survey("en").body.decode()

    for forbidden in ("eval(", "new Function", "innerHTML", "insertAdjacentHTML", 'createElement("style")', ".cssText"):
        assert forbidden not in text
    assert re.findall(r"https?://[^\s\"']+", text) == []
