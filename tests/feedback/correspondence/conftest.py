import threading

import pytest

from feedback.correspondence import send_contact, write
from feedback.follow_up import flag
from feedback.models import Team
from tests.factories import make_respondent, make_response, make_staff, make_survey
from tests.feedback.correspondence.imap_server import Server
from tests.mail_server import serve  # noqa: F401  the fixture that starts a real mail server

DOMAIN = "replies.example.com"


@pytest.fixture
def survey(db):
    survey = make_survey()
    survey.product.name = "Bank"
    survey.product.save()
    return survey


@pytest.fixture
def agent(survey):
    return make_staff("agent", product=survey.product)


@pytest.fixture
def follow_up(survey, agent):
    person = make_respondent(product=survey.product, external_id="K-777", email="anna@example.com", language="en")
    response = make_response(survey=survey, respondent=person, score=2, comment="Too slow", email="anna@example.com")
    team = Team.objects.create(product=survey.product, name="Care", reply_address="care@bank.example")
    return flag(response=response, reason="Angry", by=agent, owner=agent, team=team)


@pytest.fixture
def threaded(settings):
    settings.REPLY_DOMAIN = DOMAIN
    return DOMAIN


@pytest.fixture
def sent(threaded, follow_up, agent):
    """An e-mail that went out, with the address to which its replies come."""
    from django.core import mail  # noqa: PLC0415

    contact = write(follow_up=follow_up, by=agent, subject="Your answer", text="What happened?")
    assert send_contact(contact_id=contact.pk)
    contact.refresh_from_db()
    contact.reply_address = mail.outbox[-1].reply_to[0]
    return contact


@pytest.fixture
def mailbox(settings):
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.IMAP = {
        "host": "127.0.0.1",
        "port": server.server_address[1],
        "user": "replies",
        "password": "secret",
        "folder": "INBOX",
        "security": "",
    }
    yield server.folder
    server.shutdown()
    server.server_close()
    thread.join()
