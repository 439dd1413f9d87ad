"""The preview of a survey as the server renders it."""

import pytest

from surveys.wording import DEFAULT_BASE
from tests.factories import make_draft
from tests.surveys.pages import page

pytestmark = pytest.mark.django_db


def test_the_preview_shows_saved_wording_as_text(client, administrator, product):
    survey = make_draft(product=product)
    survey.wordings.filter(language="en").update(question="<script>alert(1)</script>", low_label='"><img src=x>')
    survey.band_wordings.filter(language="en").update(reasons=["<b>a</b>"], placeholder='" autofocus="')

    answer = client.get(page(survey, "preview"), {"language": "en"})
    content = answer.content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in content
    assert "<img" not in content
    assert "<b>a</b>" not in content
    assert ' autofocus="' not in content
    assert '<html lang="en"' in content


def test_only_the_preview_may_be_framed_and_only_by_the_admin(client, administrator, product):
    survey = make_draft(product=product)

    assert client.get(page(survey, "preview"))["X-Frame-Options"] == "SAMEORIGIN"
    assert client.get(page(survey))["X-Frame-Options"] == "DENY"
    assert client.get(page(survey, "publish"))["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("language", ["", "xx", "../../etc", "<script>"])
def test_the_preview_falls_back_to_the_default_language(client, administrator, product, language):
    survey = make_draft(product=product)

    content = client.get(page(survey, "preview"), {"language": language}).content.decode()

    assert DEFAULT_BASE["nps", "pl"][0] in content


@pytest.mark.parametrize(("metric", "scores"), [("nps", 11), ("ces", 7), ("csat", 5)])
def test_the_preview_has_the_scale_of_the_metric(client, administrator, product, metric, scores):
    content = client.get(page(make_draft(product=product, metric=metric), "preview")).content.decode()

    assert content.count('name="score"') == scores
    assert f"scale of-{scores}" in content
