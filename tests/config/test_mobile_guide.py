"""The guide for mobile apps is true: its requests are run as they are written, against a running server."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from feedback.models import Invitation, Respondent, Response
from tests.factories import make_product, make_survey

pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = (settings.BASE_DIR / "docs" / "mobile.md").read_text()
REQUESTS = re.findall(r"```sh\n(.*?)```", GUIDE, flags=re.S)
CHOSEN_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


def written(path):
    """Return the requests of the guide whose address ends so, in its order."""
    found = [request for request in REQUESTS if f'{path}"' in request.partition(" -H ")[0]]
    assert found, f"the guide has no request to {path}"
    return found


def run_by_curl(command, **variables):
    """Run a request in a shell, as a reader would."""
    shell = command.strip() + " --silent --show-error --write-out '\n%{http_code}'"
    done = subprocess.run(
        ["sh", "-c", shell], env={**os.environ, **variables}, capture_output=True, text=True, timeout=30, check=True
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def run_by_parsing(command, **variables):
    """Do what curl would do with the request; machines without it check the guide, too."""
    command = re.sub(r"\$([A-Z_]+)", lambda name: variables[name[1]], command)
    program, *words = shlex.split(command)
    assert program == "curl"
    options = {"-X": "GET", "-H": None, "-d": None}
    address = ""
    while words:
        word = words.pop(0)
        if word in options:
            options[word] = words.pop(0)
        else:
            assert not word.startswith("-"), f"an option that this reader does not know: {word}"
            address = word
    headers = dict([options["-H"].split(": ")]) if options["-H"] else {}
    body = options["-d"].encode() if options["-d"] else None
    return send(options["-X"], address, body, headers)


def send(method, address, body=None, headers=None):
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request(method, f"{parts.path}?{parts.query}", body, headers or {})
    with connection.getresponse() as answer:
        return answer.status, answer.read().decode()


@pytest.fixture(params=[run_by_parsing, *([run_by_curl] if shutil.which("curl") else [])], ids=lambda run: run.__name__)
def run(request, live_server):
    """Run a request of the guide and return its status and its answer."""

    def run(command, token=""):
        moment = CHOSEN_AT.isoformat().replace("+00:00", "Z")
        status, body = request.param(command, ODZEW=live_server.url, TOKEN=token, CHOSEN_AT=moment)
        return status, json.loads(body) if body else None

    return run


@pytest.fixture
def token(run):
    """The token with which the guide's first request was answered."""
    make_survey(product=make_product(public_key="pk_demo"), channels=["web", "mobile"])
    (ask,) = written("/eligibility")
    status, answer = run(ask)
    assert (status, answer["eligible"], answer["code"]) == (200, True, "eligible")
    assert answer["survey"]["language"] == "pl"
    return answer["invitation"]


def test_a_person_is_asked_scores_and_explains(run, token):
    (shown,) = written("/shown")
    score, comment, _late = written("/response")

    assert run(shown, token) == (204, None)
    status, answer = run(score, token)
    assert (status, answer["state"]) == (201, "partial")
    assert answer["receipt"]
    assert run(comment, token) == (200, {"state": "complete", "seq": 1})

    response = Response.objects.get()
    assert (response.score, response.comment, response.channel) == (9, "Fast and friendly.", "mobile")
    assert response.app_version == "5.4.0"
    assert Invitation.objects.get().shown_at
    assert Respondent.objects.get(external_id="4711").properties == {"plan": "premium"}


def test_after_asking_the_person_is_left_alone(run, token):
    (ask,) = written("/eligibility")

    status, answer = run(ask)

    assert (status, answer["eligible"], answer["code"]) == (200, False, "pending")
    assert datetime.fromisoformat(answer["next_check_at"]) > datetime.now(UTC)


@pytest.mark.parametrize("way", ["decline", "snooze"])
def test_a_person_does_not_want_to_answer(run, token, way):
    (command,) = written(f"/{way}")

    assert run(command, token) == (204, None)

    invitation = Invitation.objects.get()
    assert {"decline": invitation.declined_at, "snooze": invitation.snoozed_at}[way]


def test_an_answer_waited_for_a_connection_and_arrives_once(run, token):
    score, comment, late = written("/response")
    assert run(comment, token)[1]["code"] == "no_score_yet"

    assert run(late, token)[0] == 201
    for _again in range(2):
        assert run(late, token)[0] == 200
        assert run(score, token)[0] == 200
    assert run(comment, token)[0] == 200

    response = Response.objects.get()
    assert response.answered_at == CHOSEN_AT
    assert response.comment == "Fast and friendly."


def test_a_message_that_nobody_takes_any_more_is_answered_as_the_guide_says(run, token):
    score, comment, late = written("/response")
    told = re.findall(r"^\| (4\d\d) `(\w+)` \|", GUIDE, flags=re.M)
    another = late.replace("b1c7a2f4", "c1c7a2f4")
    got = [run(comment, token)]
    got.append(run(late.replace('"\'"$CHOSEN_AT"\'"', '"2026-01-01T00:00:00Z"'), token))
    Invitation.objects.update(expires_at=datetime.now(UTC))
    got.append(run(late, token))
    Invitation.objects.update(expires_at=datetime.now(UTC) + timedelta(days=1))
    assert run(score, token)[0] == 201
    got.append(run(another, token))
    Response.objects.update(received_at=datetime.now(UTC) - timedelta(days=14))
    got.append(run(comment, token))

    assert sorted((str(status), answer["code"]) for status, answer in got) == sorted(told)


def test_the_rests_of_a_device_that_it_names_are_those_that_a_survey_has(run):
    make_survey(product=make_product(public_key="pk_demo"), channels=["mobile"])
    (ask,) = written("/eligibility")

    named = re.search(r"`rest_days` say: (.*?)\n", GUIDE)[1]

    assert set(re.findall(r"`(\w+)`", named)) == set(run(ask)[1]["survey"]["rest_days"])


def test_the_page_of_the_web_view_is_there(run, token, live_server):
    address = re.search(r"`(\$ODZEW/i/\S+)`", GUIDE)[1]
    address = address.replace("$ODZEW", live_server.url).replace("$TOKEN", token)

    status, shown = send("GET", address)

    assert status == 200
    assert "odzew-message" in shown
    assert 'lang="pl"' in shown


def test_every_request_of_the_guide_is_run():
    paths = ("/eligibility", "/shown", "/response", "/decline", "/snooze")

    assert sum(len(written(path)) for path in paths) == len(REQUESTS) == 7
