"""A mail server that tests can look into, and make slow or unwilling."""

from __future__ import annotations

import socket
import time

import pytest
from aiosmtpd.controller import Controller as MailServer


class Mailbox:
    """A mail server's view: what it accepted, and how it answers."""

    def __init__(self, reply="250 OK", pause=0.0):
        self.reply, self.pause, self.accepted = reply, pause, []

    async def handle_DATA(self, server, session, envelope):
        time.sleep(self.pause)
        if self.reply.startswith("250"):
            self.accepted.append(envelope)
        return self.reply


class SilentMailbox(Mailbox):
    """Takes the mail and never says so."""

    async def handle_DATA(self, server, session, envelope):
        self.accepted.append(envelope)
        server.transport.abort()
        return "250 OK"


class RefusingMailbox(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, options):
        return "550 no such mailbox"


@pytest.fixture
def serve(settings):
    """Start a mail server for a mailbox and send all mail there."""
    servers = []

    def start(mailbox):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = MailServer(mailbox, hostname="127.0.0.1", port=port)
        server.start()
        servers.append(server)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        return mailbox

    yield start
    for server in servers:
        server.stop()
