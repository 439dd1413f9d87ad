"""The README is true: its files exist, its targets and commands are there, and its requests do what it says."""

from __future__ import annotations

import json
import re

import pytest
from django.conf import settings
from django.core.management import get_commands

from feedback.eligibility import WHY
from feedback.models import Response
from tests.factories import make_product, make_server_key, make_survey

README = (settings.BASE_DIR / "README.md").read_text()
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, flags=re.S))


def test_files_that_it_links_exist():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)

    assert links
    assert [link for link in links if not (settings.BASE_DIR / link).exists()] == []


def test_targets_and_commands_that_it_names_exist():
    makefile = (settings.BASE_DIR / "Makefile").read_text()
    targets = set(re.findall(r"^(?:make |`make )(\w+)", SHELL, flags=re.M)) | set(re.findall(r"`make (\w+)", README))
    commands = set(re.findall(r"manage\.py (\w+)", README))

    assert {"demo", "test"} <= targets
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, flags=re.M)] == []
    assert commands - set(get_commands()) == set()


def test_modules_of_its_map_exist():
    table = README.partition("## Map of the code")[2]
    rows = re.findall(r"^\| `(\w+)/` \| (.*) \|$", table, flags=re.M)

    assert {folder for folder, _text in rows} == {"config", "privacy", "surveys", "feedback", "tests"}
    for folder, text in rows:
        for name in re.findall(r"`(\w+)(?:\.py|/)?`", text):
            place = settings.BASE_DIR / folder / name
            assert place.exists() or place.with_suffix(".py").exists(), place


def test_it_explains_every_code_that_asking_answers_and_no_other():
    table = README.partition("| `code` | meaning |")[2].partition("\n\n")[0]
    codes = [code for row in table.splitlines() for code in re.findall(r"`(\w+)`", row.split(" | ")[0])]

    assert sorted(codes) == sorted(WHY)


@pytest.mark.django_db
def test_its_requests_ask_and_answer(client):
    make_survey(product=make_product(public_key="pk_demo"))
    requests = re.findall(r'curl -X (\w+) "\$ODZEW(\S+)"(?: -H [^\n]+? -d \'(.*?)\')?\n', SHELL, flags=re.S)
    token, statuses = "", []
    for method, path, body in requests:
        answer = client.generic(method, path.replace("$TOKEN", token), body or "{}", content_type="application/json")
        statuses.append((method, answer.status_code))
        if path.endswith("/eligibility"):
            assert json.loads(answer.content)["eligible"]
            token = json.loads(answer.content)["invitation"]

    assert statuses == [("POST", 200), ("POST", 204), ("PUT", 201), ("PUT", 200)]
    response = Response.objects.get()
    assert (response.score, response.comment) == (9, "Fast and friendly.")


@pytest.mark.django_db
def test_its_requests_about_rights_are_answered_as_it_says(client):
    _key, secret = make_server_key(product=make_product(), scopes=("rights",))
    bodies = re.findall(r"(/api/v1/rights-requests/\S*)\" -H \"Auth[^\n]*\n[^\n]*-d '(.*?)'", SHELL, flags=re.S)
    headers = {"authorization": f"Bearer {secret}"}

    answers = {
        path: client.post(path, body, content_type="application/json", headers=headers).json() for path, body in bodies
    }

    link, filed = answers["/api/v1/rights-requests/links/"], answers["/api/v1/rights-requests/"]
    assert list(link) == ["url", "expires_at"]
    assert list(filed) == ["reference", "state", "received_on", "due_on", "rights"]
    assert client.get(f"/api/v1/rights-requests/{filed['reference']}/", headers=headers).json() == filed
