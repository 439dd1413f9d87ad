"""What tests see of a page, and of what is stored."""

from __future__ import annotations

import re

from feedback.models import Invitation, Respondent, Response, ScoreChange

EVERYTHING = (Respondent, Invitation, Response, ScoreChange)


def stored():
    return [list(model._base_manager.order_by("pk").values()) for model in EVERYTHING]


def seal_on(page):
    found = re.search(r'name="seal" value="([^"]+)"', page.content.decode())
    assert found, "the page has no form"
    return found[1]


def checked_on(page):
    return re.findall(r'value="(\d+)" id="id_score_\d+" required checked', page.content.decode())
