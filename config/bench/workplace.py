"""Where benchmarks run: a database of their own, the product and the floor on the same server, and pgbench."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from config import embedded
from config.bench.bare_urls import TABLES
from config.bench.load import HOST, UnexpectedAnswerError
from config.processes import Programs, free_port
from config.sample.seeding import seed
from privacy.models import Controller, Product
from surveys.models import Survey
from surveys.publishing import publish
from surveys.scales import Metric
from surveys.wording import add_default_wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from config.sample.seeding import Seeded

DATABASE: Final = "odzew_bench"
# The same for the product and for the floor: what the image serves with.
GRANIAN: Final = (
    *(sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--host", HOST),
    *("--workers", "2", "--blocking-threads", "4", "--log-level", "warning"),
)
# One machine plays a whole country here, so limits per network must count but never refuse.
NO_LIMITS: Final = {
    f"RATE_LIMIT_PER_{what}": str(2**31 - 1) for what in ("ADDRESS", "PERSON", "PRODUCT")
}  # fmt: skip
START_LIMIT: Final = 60  # seconds
PGBENCH_CLIENTS: Final = 4
# The members of a round take turns this often, so that what disturbs the machine disturbs them alike.
SLICES: Final = 5
RATE: Final = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


@dataclass
class Workplace:
    """What benchmarks need.

    Args:
        survey: a published NPS survey, without a delay before the first question.
        seeded: what was written beforehand, and how long that took.
        rounds: how often each comparison is repeated, its members in turn.
        requests: how many requests a member of a round makes.
        respondents: how many people the tables hold in the end.
        responses: how many responses there are behind the pages of staff.
        rights_responses: how many responses of others there are beside those of a person who uses their rights.
        mails: how many mails the smaller campaign has.
        product_port: where the product listens.
        floor_port: where bare Django listens.
        scratch: a folder for files.
        report: told what is going on.
    """

    survey: Survey
    seeded: Seeded
    rounds: int
    requests: int
    respondents: int
    responses: int
    rights_responses: int
    mails: int
    product_port: int
    floor_port: int
    scratch: Path
    report: Callable[[str], None]
    transactions: int = field(default=0, init=False)
    filled: int = field(default=0, init=False)

    @property
    def asking_path(self) -> str:
        return f"/api/v1/products/{self.survey.product.public_key}/eligibility"

    @property
    def warm_up(self) -> int:
        """Requests that are not measured: every thread of the server opens its connection and imports what it uses."""
        return max(40, self.requests // 5)

    def pgbench(self, script: str) -> float:
        """Return the transactions per second of a script; ``:number`` differs in every transaction of a script."""
        path = self.scratch / "pgbench.sql"
        path.write_text("\\set counter :counter + 1\n\\set number :counter * :clients + :client_id\n" + script)
        run = subprocess.run(
            [
                *(embedded.binaries() / "pgbench", "--no-vacuum", "--file", path),
                *("--client", str(PGBENCH_CLIENTS), "--transactions", str(self.per_client)),
                *("--define", f"counter={self.transactions}", "--define", f"clients={PGBENCH_CLIENTS}"),
            ],
            env={**os.environ, **libpq_variables()},
            capture_output=True,
            text=True,
            check=True,
        )
        self.transactions += self.per_client
        rate = RATE.search(run.stdout)
        if rate is None:
            raise RuntimeError(f"pgbench reported no rate: {run.stdout}")
        return float(rate[1])

    @property
    def slice(self) -> int:
        """Requests after which the members of a round take turns."""
        return max(1, self.requests // SLICES)

    @property
    def per_client(self) -> int:
        return max(1, self.requests // PGBENCH_CLIENTS)

    @property
    def numbers(self) -> int:
        """The highest ``:number`` that the rounds of the next comparison use."""
        return (self.transactions + self.rounds * self.per_client + 1) * PGBENCH_CLIENTS


@contextlib.contextmanager
def workplace(
    *,
    rounds: int,
    requests: int,
    seeded: int,
    respondents: int,
    responses: int,
    rights_responses: int,
    mails: int,
    report: Callable[[str], None],
) -> Iterator[Workplace]:
    """Make a database with history in it, run both servers on it, and remove it all in the end.

    Args:
        seeded: how many responses of made-up history the tables hold.
        respondents: how many people benchmarks fill the tables up to.
        responses: how many responses there are behind the pages of staff.
        rights_responses: how many responses those about rights fill them up to.
        mails: how many mails the smaller campaign has.
    """
    with bench_database():
        report("Filling the database …")
        survey = _make_survey()
        history = seed(surveys=[survey], responses=seeded)
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
        logs = settings.VAR / "log"
        with Programs(logs=logs, folder=settings.BASE_DIR) as programs:
            ports = _serve_product(programs), _serve_floor(programs)
            try:
                sizes = (rounds, requests, respondents, responses, rights_responses, mails)
                yield Workplace(survey, history, *sizes, *ports, logs, report)
            except UnexpectedAnswerError:
                programs.check()  # a server that stopped says more than the answer it did not give
                raise


@contextlib.contextmanager
def bench_database() -> Iterator[None]:
    """Point this process to a fresh database for the length of the block."""
    name = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def database_url(settings_of_connection: Mapping[str, Any]) -> str:
    """Return a connection's settings as a value of DATABASE_URL."""
    at = {name: str(settings_of_connection[name] or "") for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")}
    login = quote(at["USER"], safe="") + (f":{quote(at['PASSWORD'], safe='')}" if at["PASSWORD"] else "")
    if at["HOST"].startswith("/"):
        return f"postgres://{login}@/{at['HOST']}/{at['NAME']}"
    return f"postgres://{login}@{at['HOST']}:{at['PORT'] or 5432}/{at['NAME']}"


def libpq_variables() -> dict[str, str]:
    """Return the variables by which PostgreSQL's programs find the database this process works with."""
    at = connection.settings_dict
    names = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD", "NAME": "PGDATABASE"}
    return {variable: str(at[name]) for name, variable in names.items() if at[name]}


def _serve_product(programs: Programs) -> int:
    return _serve(programs, "bench-product", "config.wsgi:application", env=NO_LIMITS)


def _serve_floor(programs: Programs) -> int:
    application = ("--factory", "django.core.wsgi:get_wsgi_application")
    return _serve(programs, "bench-floor", *application, env={"DJANGO_SETTINGS_MODULE": "config.bench.bare_settings"})


def _serve(programs: Programs, name: str, *target: str, env: dict[str, str]) -> int:
    port = free_port(HOST)
    command = (*GRANIAN, "--port", str(port), *target)
    url = database_url(connection.settings_dict)
    programs.start(name, *command, env={"ODZEW_ENV": settings.ENVIRONMENT, "DATABASE_URL": url, **env})
    programs.wait_until_it_listens(HOST, port, seconds=START_LIMIT)
    return port


def _make_survey() -> Survey:
    controller = Controller.objects.create(
        name="Bench", contact_email="bench@example.com", privacy_email="bench@example.com", supervisory_authority="–"
    )
    product = Product.objects.create(controller=controller, name="Bench", public_key="pk_bench")
    survey = Survey.objects.create(product=product, name="NPS", metric=Metric.NPS, first_survey_delay_days=0)
    add_default_wording(survey=survey)
    publish(survey=survey)
    return Survey.objects.select_related("product", "current_version").get(pk=survey.pk)
