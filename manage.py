#!/usr/bin/env python
"""Entry point of every management command; starts the embedded PostgreSQL where no other is named."""

import os
import signal
import sys

from config import embedded


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings  # noqa: PLC0415  the settings module must be named first
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    if not settings.EMBEDDED_POSTGRESQL:
        return execute_from_command_line(sys.argv)
    # The default would end the process on the spot and leave the server behind.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        with embedded.server(settings.VAR):
            execute_from_command_line(sys.argv)
    except embedded.EmbeddedServerError as error:
        sys.exit(f"odzew: {error}")


if __name__ == "__main__":
    main()
