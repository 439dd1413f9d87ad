"""The form for rights requests, filled in, and what tests see of the pages around it."""

import time
from datetime import UTC, datetime
from html.parser import HTMLParser

from django.core import signing

from privacy.forms import OPENED_SALT

FORM, RECEIVED, NOTICE = "/privacy/request/", "/privacy/request/received/", "/privacy/"
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


def opened(seconds_ago=60):
    return signing.dumps(time.time() - seconds_ago, salt=OPENED_SALT)


def filled(**changes):
    return {"rights": ["access"], "email": "anna@example.com", "reply_channel": "email", "opened": opened(), **changes}


def field_errors(response):
    return {
        name: [error.code for error in errors.as_data()] for name, errors in response.context["form"].errors.items()
    }


class Elements(HTMLParser):
    """The elements of a page as (tag, attributes)."""

    def __init__(self, response):
        super().__init__()
        self.found = []
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def all(self, *tags):
        return [attributes for tag, attributes in self.found if tag in tags]
