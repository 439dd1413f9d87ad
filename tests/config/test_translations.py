"""Every text a person sees exists in Polish too, says the same and is compiled."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import polib
import pytest
from django.conf import settings

from config.management.commands.messages import catalogues

PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")

every_catalogue = pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parts[-5])


def texts_of(path):
    return polib.pofile(str(path))


@every_catalogue
def test_every_text_is_translated(path):
    texts = texts_of(path)

    assert [entry.msgid for entry in [*texts.untranslated_entries(), *texts.fuzzy_entries()]] == []


@every_catalogue
def test_translations_keep_the_placeholders(path):
    for entry in texts_of(path):
        wanted = set(PLACEHOLDER.findall(entry.msgid)) | set(PLACEHOLDER.findall(entry.msgid_plural))
        for translation in [entry.msgstr] if entry.msgstr else entry.msgstr_plural.values():
            assert set(PLACEHOLDER.findall(translation)) <= wanted, entry.msgid
        if entry.msgstr:
            assert set(PLACEHOLDER.findall(entry.msgstr)) == wanted, entry.msgid


@every_catalogue
def test_a_tag_has_one_name_in_polish(path):
    texts = [
        PLACEHOLDER.sub("", text) for entry in texts_of(path) for text in (entry.msgstr, *entry.msgstr_plural.values())
    ]

    assert [text for text in texts if re.search(r"\b[Tt]ag(|i|u|iem|owi|ów|om|ami|ach)\b", text)] == []


@every_catalogue
def test_plurals_have_the_forms_of_polish(path):
    texts = texts_of(path)

    assert texts.metadata["Plural-Forms"].startswith("nplurals=4") or not any(entry.msgid_plural for entry in texts)
    for entry in texts:
        if entry.msgid_plural:
            assert all(entry.msgstr_plural.values()), entry.msgid


@every_catalogue
def test_the_compiled_catalogue_is_the_written_one(path):
    compiled = polib.mofile(str(path.with_suffix(".mo")))

    assert {(entry.msgid, entry.msgstr, tuple(entry.msgstr_plural.items())) for entry in compiled} == {
        (entry.msgid, entry.msgstr, tuple(entry.msgstr_plural.items())) for entry in texts_of(path).translated_entries()
    }


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="collecting texts needs gettext")
def test_the_catalogues_hold_what_the_code_says(tmp_path):
    for app in settings.LOCAL_APPS:
        shutil.copytree(settings.BASE_DIR / app, tmp_path / app, ignore=shutil.ignore_patterns("__pycache__"))
        subprocess.run(
            [sys.executable, "-P", "-m", "django", "makemessages", "--locale", "pl", "--no-obsolete"],
            cwd=tmp_path / app,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(settings.BASE_DIR)},
            check=True,
            capture_output=True,
        )
        said, held = (
            {
                (entry.msgctxt, entry.msgid)
                for entry in polib.pofile(str(folder / app / "locale/pl/LC_MESSAGES/django.po"))
            }
            for folder in (tmp_path, settings.BASE_DIR)
        )
        assert said - held == set(), f"{app}: run make messages and translate"
        assert held - said == set(), f"{app}: run make messages"
