"""Wording that ships with the product, how it becomes a version's content, and which language a person is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
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

# One thing per question, no gendered form, no product's name, and nothing that presumes success or a day: the answer
# may come from an e-mail opened a week later.
DEFAULT_BASE: Final[dict[tuple[str, str], tuple[str, str, str]]] = {
    ("nps", "pl"): (
        "Na ile prawdopodobne jest, że polecisz nas znajomym lub współpracownikom?",
        "Zupełnie nieprawdopodobne",
        "Bardzo prawdopodobne",
    ),
    ("nps", "en"): (
        "How likely are you to recommend us to a friend or colleague?",
        "Not at all likely",
        "Extremely likely",
    ),
    ("ces", "pl"): ("Jak łatwo było Ci załatwić swoją sprawę?", "Bardzo trudno", "Bardzo łatwo"),
    ("ces", "en"): ("How easy was it to do what you came to do?", "Very difficult", "Very easy"),
    ("csat", "pl"): (
        "Jak oceniasz swoje zadowolenie z korzystania z naszych usług?",
        "Bardzo niskie",
        "Bardzo wysokie",
    ),
    ("csat", "en"): ("Overall, how satisfied are you with your experience?", "Very dissatisfied", "Very satisfied"),
}

DEFAULT_BANDS: Final[dict[tuple[str, str], tuple[str, str, str]]] = {
    ("detractor", "pl"): (
        "Co przede wszystkim powinniśmy poprawić?",
        "Napisz, co Ci przeszkadzało…",
        "Dziękujemy za szczerą odpowiedź. Dzięki niej wiemy, co poprawić.",
    ),
    ("detractor", "en"): (
        "What should we improve first?",
        "Tell us what got in your way…",
        "Thank you for your honest answer. It shows us what to improve.",
    ),
    ("passive", "pl"): (
        "Czego zabrakło do wyższej oceny?",
        "Napisz, co możemy zrobić lepiej…",
        "Dziękujemy. Twoja opinia pomaga nam się doskonalić.",
    ),
    ("passive", "en"): (
        "What kept you from giving a higher score?",
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
        "Thank you! We are glad to hear it.",
    ),
}


@transaction.atomic
def add_default_wording(*, survey: Survey, languages: Collection[str] = tuple(DECLINE)) -> None:
    """Give a survey the shipped wording of its metric in each of the languages that it does not have yet."""
    Wording.objects.bulk_create(
        (Wording(survey=survey, language=each, **default_words(survey.metric, each)) for each in languages),
        ignore_conflicts=True,
    )
    BandWording.objects.bulk_create(
        (
            BandWording(survey=survey, language=each, band=band, **_of_band(band, each))
            for each in languages
            for band in Band
        ),
        ignore_conflicts=True,
    )


def _of_band(band: str, language: str) -> dict[str, str]:
    return dict(zip(("follow_up_question", "placeholder", "thanks"), DEFAULT_BANDS[band, language], strict=True))


def default_words(metric: str, language: str) -> dict[str, str]:
    """Return the shipped question, labels and decline label of a metric in a language that ships with the product."""
    return dict(zip(BASE_FIELDS, (*DEFAULT_BASE[metric, language], DECLINE[language]), strict=True))


@transaction.atomic
def follow_metric(*, survey: Survey, previous: str) -> None:
    """Replace shipped wording that nobody edited when a draft's metric changes: the question belongs to the metric.

    Args:
        previous: the metric whose wording the survey may still have.
    """
    for language in DECLINE:
        untouched = Wording.objects.filter(survey=survey, language=language, **default_words(previous, language))
        untouched.update(**default_words(survey.metric, language))


@transaction.atomic
def remove_language(*, survey: Survey, language: str) -> None:
    """Remove the survey's wording in a language; people who prefer it are then asked in another one."""
    survey.wordings.filter(language=language).delete()
    survey.band_wordings.filter(language=language).delete()


def language_name(code: str) -> str:
    """Return a language's own name, or the code of one that the product does not know."""
    return dict(settings.LANGUAGES).get(code, code)


def draft_content(survey: Survey) -> dict[str, Any]:
    """Return the wording staff edit in the form of a version's content, complete or not."""
    content: dict[str, Any] = {
        wording.language: {**{name: getattr(wording, name) for name in BASE_FIELDS}, "bands": {}}
        for wording in survey.wordings.all()
    }
    for wording in survey.band_wordings.all():
        if wording.language in content:
            content[wording.language]["bands"][wording.band] = {name: getattr(wording, name) for name in BAND_FIELDS}
    return content


def compile_content(survey: Survey) -> dict[str, Any]:
    """Return the survey's wording as a version's content.

    Raises:
        ValidationError: ``no_wording`` for the product's default language, or ``incomplete_wording`` for a language
            that lacks one of the bands.
    """
    content = draft_content(survey)
    if survey.product.default_language not in content:
        raise ValidationError(
            _("There is no wording in the product's default language (%(language)s)."),
            code="no_wording",
            params={"language": language_name(survey.product.default_language)},
        )
    for language, words in content.items():
        missing = [str(band.label) for band in Band if band not in words["bands"]]
        if missing:
            raise ValidationError(
                _("The wording in “%(language)s” lacks: %(bands)s."),
                code="incomplete_wording",
                params={"language": language_name(language), "bands": ", ".join(missing)},
            )
    return content


def choose_language(available: Collection[str], default: str, *preferred: str | None) -> str:
    """Return the first available language among the preferred ones, or the default.

    Args:
        available: language codes that have wording.
        preferred: language codes, locales such as ``pl_PL`` or values of ``Accept-Language``, best first.
    """
    for header in preferred:
        for code, quality in _codes(header):
            for candidate in (code, code.partition("-")[0]):
                if quality and candidate in available:  # a quality of 0 says: not this one
                    return candidate
    return default


def is_language_known(*preferred: str | None) -> bool:
    """Tell whether any of the values names a language at all; what cannot be read says nothing."""
    return any(_codes(header) for header in preferred)


def _codes(header: str | None) -> tuple[tuple[str, float], ...]:
    codes: tuple[tuple[str, float], ...] = parse_accept_lang_header((header or "").lower().replace("_", "-"))
    return codes
