"""The privacy notice as a page."""

import re

from privacy.models import (
    Controller,
    Right,
)
from tests.privacy.pages.filling_in import FORM, NOTICE, RECEIVED, Elements


def test_the_notice_names_who_is_responsible_what_is_stored_and_how_to_object(client, controller):
    response = client.get(f"{NOTICE}?lang=pl")
    text = response.content.decode()

    for part in ("Brainshare", "dpo@example.com", controller.supervisory_authority):
        assert part in text
    assert "Zbieramy i analizujemy informacje zwrotne" in text
    links = [link["href"] for link in Elements(response).all("a")]
    assert f"{FORM}?right=objection&lang=pl" in links
    assert text.index('id="objection"') < text.index("<table")


def test_the_notice_lists_every_right(client, controller):
    text = client.get(NOTICE).content.decode()

    for label in Right.labels:
        assert str(label)[1:] in text


def test_text_of_a_controller_is_not_markup(client, controller):
    Controller.objects.update(name="<script>alert(1)</script>", address="<b>1</b>")

    for address in (NOTICE, RECEIVED, FORM):
        assert not re.search(r"<script>|<b>1", client.get(address).content.decode())
