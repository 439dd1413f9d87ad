import socket
import time

import pytest
from aiosmtpd.controller import Controller as MailServer
from django.utils import timezone

from feedback import improvements
from feedback.models import Improvement
from tests.factories import make_controller, make_product, make_respondent, make_response, make_staff, make_survey


@pytest.fixture
def product():
    controller = make_controller(name="Bank & Partners", contact_email="office@bank.example", address="1 Long Street")
    return make_product(name="Bank", controller=controller, public_key="pk_bank")


@pytest.fixture
def reviewer(product):
    return make_staff("reviewer", product=product)


@pytest.fixture
def survey(product):
    return make_survey(product=product)


@pytest.fixture
def draft(product, reviewer):
    """Make a draft of the product."""

    def draft(**overrides):
        return improvements.save_draft(
            improvement=Improvement(
                **{
                    "product": product,
                    "language": "en",
                    "title": "Transfers arrive in a minute",
                    "said": "Waiting for days is not what a bank is for.",
                    "text": "Transfers between our customers are instant.\n\nAlso at night.",
                    "done_on": timezone.localdate(),
                    **overrides,
                }
            ),
            by=reviewer,
        )

    return draft


@pytest.fixture
def published(draft, reviewer):
    """Make a published improvement, with the responses that led to it."""

    def published(*responses, **overrides):
        improvement = draft(**overrides)
        improvements.link(improvement=improvement, responses=responses, by=reviewer)
        return improvements.publish(improvement=improvement, by=reviewer)

    return published


@pytest.fixture
def answer(survey):
    """Make a response of somebody with an address who said that they may be contacted."""

    def answer(address="anna@example.com", *, person=(), **overrides):
        person = dict(person)
        if "respondent" not in overrides:
            overrides["respondent"] = make_respondent(product=survey.product, email=address, **person)
        return make_response(survey=survey, **{"contact_permission": True, **overrides})

    return answer


class Mailbox:
    """A mail server's view: what it accepted, and how it answers."""

    def __init__(self, reply="250 OK", pause=0.0):
        self.reply, self.pause, self.accepted = reply, pause, []

    async def handle_DATA(self, server, session, envelope):
        time.sleep(self.pause)
        if self.reply.startswith("250"):
            self.accepted.append(envelope)
        return self.reply


@pytest.fixture
def serve(settings):
    servers = []

    def start(mailbox=None, **answers):
        mailbox = mailbox or Mailbox(**answers)
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
