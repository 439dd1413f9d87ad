import contextlib
import http.client
import http.cookiejar
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.urls import reverse

from config import embedded
from config.management.commands.demo import check_ports, introduction
from config.processes import PortUnavailableError, free_port
from config.sample import demonstration
from config.sample.demonstration import OutsideTheDemonstrationError
from config.sample.keys import SHOP_SECRET
from feedback.models import FollowUp, Response, ResponseTag
from privacy.models import Product, RightsRequest
from surveys.audience import describe
from surveys.models import AudienceRule, Survey

# --- Sample data ------------------------------------------------------------------------------------------------------


@pytest.fixture
def demo(settings, db):
    settings.ENVIRONMENT = "demo"


@pytest.mark.django_db
@pytest.mark.parametrize("environment", ["test", "production"])
def test_known_passwords_and_keys_are_refused_outside_the_demonstration(settings, environment):
    settings.ENVIRONMENT = environment

    with pytest.raises(OutsideTheDemonstrationError):
        demonstration.load()

    assert not User.objects.exists()
    assert not Product.objects.exists()


def test_a_database_with_accounts_of_its_own_is_left_alone(demo):
    User.objects.create_user("boss")

    with pytest.raises(OutsideTheDemonstrationError, match="real installation"):
        demonstration.load()

    assert User.objects.count() == 1
    assert not Product.objects.exists()


def test_the_command_refuses_to_run_elsewhere_in_one_line():
    refused = run_manage("demo", ODZEW_ENV="test")

    assert refused.returncode == 1, refused.stderr
    assert refused.stderr.splitlines() == ["odzew: the demonstration runs with ODZEW_ENV=demo only"]


@pytest.mark.usefixtures("demo")
def test_the_fixed_points_exist_and_are_loaded_once(client):
    assert demonstration.load(responses=200) is True
    first = Response.objects.count(), ResponseTag.objects.count(), Survey.objects.count()

    assert demonstration.load() is False

    assert (Response.objects.count(), ResponseTag.objects.count(), Survey.objects.count()) == first
    assert first[0] == 200
    product = Product.objects.get(public_key="pk_demo", test_key="tk_demo")
    links = Survey.objects.filter(product=product, state=Survey.State.LIVE, current_version__isnull=False)
    assert set(links.values_list("slug", flat=True)) == {"demo-nps", "demo-ces", "demo-csat"}
    assert not AudienceRule.objects.filter(survey__product=product).exists()
    after_a_case = Survey.objects.get(slug="demo-online-csat")
    assert describe(each.rule for each in after_a_case.audience.all()) == (
        "call.ended has just happened and the person is identified"
    )
    for rule in after_a_case.audience.all():
        rule.full_clean()
    after_a_case.full_clean()
    for username, role in demonstration.STAFF.items():
        assert client.login(username=username, password="odzew-demo")
        user = User.objects.get(username=username)
        assert [group.name for group in user.groups.all()] == [role]
        assert Product.objects.visible_to(user).count() == 2
    assert ResponseTag.objects.exists()
    assert FollowUp.objects.open().exists()
    assert FollowUp.objects.filter(status=FollowUp.Status.CLOSED).exists()
    assert RightsRequest.objects.open().count() == 2


@pytest.mark.usefixtures("demo")
def test_what_people_changed_in_the_demonstration_stays(client):
    demonstration.load(responses=50)
    admin = User.objects.get(username="admin")
    admin.set_password("something else")
    admin.save()
    Survey.objects.filter(slug="demo-nps").update(name="Renamed")

    demonstration.load()

    assert client.login(username="admin", password="something else")
    assert Survey.objects.get(slug="demo-nps").name == "Renamed"


def test_the_introduction_names_addresses_that_exist_and_every_login():
    text = introduction("http://127.0.0.1:1234", shop="http://127.0.0.1:1235")

    assert "http://127.0.0.1:1235/" in text
    assert f"http://127.0.0.1:1234{reverse('admin:index')}" in text
    assert "odzew-demo" in text
    for username in demonstration.STAFF:
        assert re.search(rf"^  {username} ", text, re.MULTILINE)


@pytest.mark.usefixtures("demo")
def test_the_shop_may_ask_and_sign_wherever_it_listens():
    demonstration.load(responses=10)
    demonstration.admit_shop(origins=["http://127.0.0.1:8001"])
    product = Product.objects.get(public_key="pk_demo")
    product.allowed_origins.append("https://mine.example.com")
    product.save()

    for _start in range(2):
        demonstration.admit_shop(origins=["http://127.0.0.1:8001", "http://127.0.0.1:9001"])

    product.refresh_from_db()
    own, moved = ["http://127.0.0.1:8001", "https://mine.example.com"], ["http://127.0.0.1:9001"]
    assert product.allowed_origins == own + moved
    assert [secret.secret for secret in product.signing_secrets.all()] == [SHOP_SECRET]


@pytest.mark.django_db
def test_no_shop_is_admitted_outside_the_demonstration():
    with pytest.raises(OutsideTheDemonstrationError):
        demonstration.admit_shop(origins=["http://127.0.0.1:8001"])


# --- The whole demonstration ------------------------------------------------------------------------------------------


@pytest.fixture
def var():
    """A folder that other users may enter, so that PostgreSQL can run there for root too."""
    path = Path(tempfile.mkdtemp(prefix="odzew-demo-"))
    path.chmod(0o755)
    yield path
    for pid in processes_of(path):  # only where the test failed
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(path)


def environment(**changes):
    return {**os.environ, "ODZEW_ENV": "demo", "DATABASE_URL": "", **changes}


def run_manage(*arguments, **changes):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=configured.BASE_DIR,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


START_LIMIT = 90  # seconds


def start_demo(var, port):
    """Start the demonstration as make does, as the leader of a process group and without a terminal."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(port)],
        cwd=configured.BASE_DIR,
        env=environment(VAR_DIR=str(var)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    printed = []
    for line in process.stdout:
        printed.append(line)
        if line.startswith("  admin "):
            return process, "".join(printed)
    raise AssertionError("".join(printed))


def processes_of(var):
    """Return the command lines of all processes that know the folder, by their ids."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environ, command = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
        if os.fsencode(var) in environ + command and int(entry.name) != os.getpid():
            found[int(entry.name)] = command.replace(b"\0", b" ").decode()
    return found


class Visitor:
    """A browser without JavaScript."""

    def __init__(self, port):
        self.site = f"http://127.0.0.1:{port}"
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)

    def get(self, path):
        with self.opener.open(self.site + path, timeout=20) as answer:
            return answer.read().decode()

    def log_in(self, username):
        """Log in and return the address and the page one arrives at."""
        form = self.get("/admin/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
        sent = {"csrfmiddlewaretoken": token, "username": username, "password": "odzew-demo", "next": "/admin/"}
        with self.opener.open(f"{self.site}/admin/login/", urllib.parse.urlencode(sent).encode(), timeout=20) as answer:
            return answer.url, answer.read().decode()


def count_responses(var):
    at = embedded.connection(var)
    with psycopg.connect(host=at["HOST"], port=at["PORT"], user=at["USER"], dbname=at["NAME"]) as database:
        return database.execute("SELECT count(*) FROM feedback_response").fetchone()[0]


def check_it_serves(port):
    ready = json.loads(Visitor(port).get("/readyz"))
    assert set(ready.values()) == {"OK"}
    for username in ("agent", "admin"):
        visitor = Visitor(port)
        address, page = visitor.log_in(username)
        assert address == f"{visitor.site}/admin/"
        assert username in page


def check_a_second_one_is_refused(var, port):
    refused = run_manage("demo", "--port", str(port), VAR_DIR=str(var))

    assert refused.returncode == 1, refused.stderr
    assert refused.stderr.splitlines() == [f"odzew: port {port} is taken; choose another one"]
    assert refused.stdout == ""


def check_nothing_is_left(var, port):
    assert processes_of(var) == {}
    for each in (port, port + 1):
        with pytest.raises(ConnectionRefusedError):
            http.client.HTTPConnection("127.0.0.1", each, timeout=5).connect()


def free_neighbours():
    """Return a port that is free together with the next one."""
    while True:
        port = free_port("127.0.0.1")
        with contextlib.suppress(PortUnavailableError):
            check_ports(port)
            return port


def check_the_shop_embeds_the_widget(port):
    page = Visitor(port + 1).get("/en/")
    assert f'src="http://127.0.0.1:{port}/widget/v1.js" data-product="pk_demo"' in page


def test_the_demonstration_runs_stops_without_a_trace_and_keeps_its_data(var):
    port = free_neighbours()

    began = time.monotonic()
    process, printed = start_demo(var, port)
    assert time.monotonic() - began < START_LIMIT
    for path in ("/admin/", "/readyz"):
        assert f"http://127.0.0.1:{port}{path}" in printed
    check_it_serves(port)
    check_the_shop_embeds_the_widget(port)
    check_a_second_one_is_refused(var, port)
    assert any("celery" in command for command in processes_of(var).values())
    os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C in a terminal does
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    check_nothing_is_left(var, port)

    process, _printed = start_demo(var, port)
    assert count_responses(var) == demonstration.RESPONSES
    process.terminate()
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    check_nothing_is_left(var, port)
