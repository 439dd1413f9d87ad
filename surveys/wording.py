"""Wording that ships with the product, how it becomes a version's content, and which language a person is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header

from surveys.models import BandWording, Survey, Wording
from surveys.scales import Band

if TYPE_CHECKING:
    from collections.abc import Collection

BASE_FIELDS: Final = ("question", "low_label", "high_label", "decline_label")
BAND_FIELDS: Final = ("follow_up_question", "placeholder", "reasons", "thanks")

DECLINE: Final = {"pl": "Nie, dziękuję", "en": "No, thanks"}

DEFAULT_BASE: Final[dict[tuple[str, str], tuple[str, str, str]]] = {
    ("nps", "pl"): (
        "Na ile prawdopodobne jest, że polecisz nas znajomym lub współpracownikom?",
        "Bardzo mało prawdopodobne",
        "Bardzo prawdopodobne",
    ),
    ("nps", "en"): (
        "How likely are you to recommend us to a friend or colleague?",
        "Not at all likely",
        "Extremely likely",
    ),
    ("ces", "pl"): ("Jak łatwo udało Ci się dziś załatwić sprawę?", "Bardzo trudno", "Bardzo łatwo"),
    ("ces", "en"): ("How easy was it to get done what you came for today?", "Very difficult", "Very easy"),
    ("csat", "pl"): ("Jak oceniasz swoje zadowolenie z naszego produktu?", "Bardzo niskie", "Bardzo wysokie"),
    ("csat", "en"): ("How satisfied are you with our product?", "Very dissatisfied", "Very satisfied"),
}

DEFAULT_BANDS: Final[dict[tuple[str, str], tuple[str, str, str]]] = {
    ("detractor", "pl"): (
        "Co poszło nie tak i co powinniśmy poprawić?",
        "Napisz, co najbardziej przeszkadzało…",
        "Dziękujemy za szczerość. Weźmiemy to sobie do serca.",
    ),
    ("detractor", "en"): (
        "What went wrong, and what should we fix first?",
        "Tell us what got in your way…",
        "Thank you for being frank with us. We will act on it.",
    ),
    ("passive", "pl"): (
        "Czego zabrakło do wyższej oceny?",
        "Napisz, co możemy zrobić lepiej…",
        "Dziękujemy. Twoja opinia pomaga nam się poprawiać.",
    ),
    ("passive", "en"): (
        "What would it take to earn a higher score?",
        "Tell us what we could do better…",
        "Thank you. Your feedback helps us improve.",
    ),
    ("promoter", "pl"): (
        "Co podoba Ci się najbardziej?",
        "Napisz, za co nas cenisz…",
        "Dziękujemy! Bardzo nas to cieszy.",
    ),
    ("promoter", "en"): (
        "What do you like most?",
        "Tell us what we do well…",
        "Thank you! That makes our day.",
    ),
}


@transaction.atomic
def add_default_wording(*, survey: Survey) -> None:
    """Give a survey the shipped wording of its metric in every language that it does not have yet."""
    for language, decline in DECLINE.items():
        question, low, high = DEFAULT_BASE[survey.metric, language]
        Wording.objects.get_or_create(
            survey=survey,
            language=language,
            defaults={"question": question, "low_label": low, "high_label": high, "decline_label": decline},
        )
        for band in Band:
            follow_up, placeholder, thanks = DEFAULT_BANDS[band, language]
            BandWording.objects.get_or_create(
                survey=survey,
                language=language,
                band=band,
                defaults={"follow_up_question": follow_up, "placeholder": placeholder, "thanks": thanks},
            )


def compile_content(survey: Survey) -> dict[str, Any]:
    """Return the survey's wording as a version's content.

    Raises:
        ValidationError: ``no_wording`` for the product's default language, or ``incomplete_wording`` for a language
            that lacks one of the bands.
    """
    content: dict[str, Any] = {
        wording.language: {**{name: getattr(wording, name) for name in BASE_FIELDS}, "bands": {}}
        for wording in survey.wordings.all()
    }
    for wording in survey.band_wordings.all():
        if wording.language in content:
            content[wording.language]["bands"][wording.band] = {name: getattr(wording, name) for name in BAND_FIELDS}
    if survey.product.default_language not in content:
        raise ValidationError(
            _("There is no wording in the product's default language (%(language)s)."),
            code="no_wording",
            params={"language": survey.product.default_language},
        )
    for language, words in content.items():
        missing = [str(band.label) for band in Band if band not in words["bands"]]
        if missing:
            raise ValidationError(
                _("The wording in “%(language)s” lacks: %(bands)s."),
                code="incomplete_wording",
                params={"language": language, "bands": ", ".join(missing)},
            )
    return content


def choose_language(available: Collection[str], default: str, *preferred: str | None) -> str:
    """Return the first available language among the preferred ones, or the default.

    Args:
        available: language codes that have wording.
        preferred: language codes or values of ``Accept-Language``, best first.
    """
    for header in preferred:
        for code, _quality in parse_accept_lang_header((header or "").lower()):
            for candidate in (code, code.partition("-")[0]):
                if candidate in available:
                    return candidate
    return default
