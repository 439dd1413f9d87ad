"""The live preview: the wording staff edit with the look of the public page, framed beside the form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.clickjacking import xframe_options_sameorigin

from surveys.scales import Band
from surveys.wording import draft_content

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from surveys.models import Survey


@xframe_options_sameorigin
def preview(request: HttpRequest, survey: Survey) -> HttpResponse:
    """Show every step of a survey as it would look if it were published now, in one language.

    What is typed and not yet saved arrives from the framing page by message and is shown as text only.
    """
    language = request.GET.get("language", "")
    if language not in dict(settings.LANGUAGES):
        language = survey.product.default_language
    words: dict[str, Any] = draft_content(survey).get(language, {"bands": {}})
    context = {
        "survey": survey,
        "language": language,
        "words": words,
        "bands_of_scores": [survey.scale.band(score).value for score in survey.scale.scores],
        "bands": [(band.value, words["bands"].get(band, {})) for band in Band],
    }
    with translation.override(language):
        return render(request, "surveys/admin/preview.html", context)
