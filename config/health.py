"""What probes ask: is the process up (``/livez``), and can it serve (``/readyz``)."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from celery import current_app
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from health_check.base import HealthCheck
from health_check.checks import Cache, Database
from health_check.exceptions import ServiceUnavailable
from health_check.views import HealthCheckView
from kombu.exceptions import OperationalError

if TYPE_CHECKING:
    from django.http import HttpResponse

BROKER_TIMEOUT = 2  # seconds


class Migrations(HealthCheck):  # type: ignore[misc]  # the library is untyped
    """The database has every migration that this code needs."""

    def __repr__(self) -> str:
        return "Migrations()"

    def run(self) -> None:
        try:
            with connection.temporary_connection():
                applied = MigrationRecorder(connection).applied_migrations()
        except Error as error:
            raise ServiceUnavailable("Database unavailable") from error
        missing = _last_migrations() - applied.keys()
        if missing:
            raise ServiceUnavailable(f"Not applied: {', '.join('.'.join(name) for name in sorted(missing))}")


@cache
def _last_migrations() -> frozenset[tuple[str, str]]:
    """Return the last migration of each app in the code; nothing changes it while the process runs."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


class Broker(HealthCheck):  # type: ignore[misc]
    """The broker takes connections; whether workers listen to it is no reason to take a web server away."""

    timeout = timedelta(seconds=2 * BROKER_TIMEOUT)

    def __repr__(self) -> str:
        return "Broker()"

    def run(self) -> None:
        try:
            with current_app.connection_for_write(connect_timeout=BROKER_TIMEOUT) as broker:
                broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=BROKER_TIMEOUT)
        except (OperationalError, OSError) as error:
            raise ServiceUnavailable("Broker unavailable") from error


class ProbeView(HealthCheckView):  # type: ignore[misc]
    """Answer in JSON, or in the form the caller asks for: 200 where every check passes and 503 where one fails."""

    async def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = await super().get(request, *args, **kwargs)
        if response.status_code == 500:
            response.status_code = 503
        return response

    def render_to_response(self, context: Any, **kwargs: Any) -> HttpResponse:
        """Answer browsers in JSON too: the library's page brings styles that our policy refuses."""
        response: HttpResponse = self.render_to_response_json(kwargs.get("status", 200))
        return response


live = ProbeView.as_view(checks=())
ready = ProbeView.as_view(checks=(Database, Migrations, Cache, Broker))
