"""Publishing freezes what staff edited into a version; pausing, resuming and archiving never touch one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from surveys.models import Survey, SurveyVersion
from surveys.scales import Band
from surveys.wording import BAND_FIELDS, BASE_FIELDS, compile_content, draft_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.auth.models import User


@transaction.atomic
def publish(*, survey: Survey, by: User | None = None) -> SurveyVersion:
    """Freeze the survey's wording as its next version and make the survey live.

    Responses to earlier versions keep pointing at what was shown then.

    Raises:
        ValidationError: ``unchanged`` when the live version already says the same; ``archived``; ``metric_fixed``;
            or what ``compile_content`` raises.
    """
    survey = _locked(survey)
    if survey.state == Survey.State.ARCHIVED:
        raise ValidationError(_("An archived survey cannot be published."), code="archived")
    survey.refuse_another_metric()
    if not has_unpublished_changes(survey):
        raise ValidationError(_("Nothing has changed since the current version."), code="unchanged")
    last = survey.versions.order_by("-number").first()
    version = SurveyVersion.objects.create(
        survey=survey,
        number=last.number + 1 if last else 1,
        metric=survey.metric,
        band_profile=survey.band_profile,
        default_language=survey.product.default_language,
        content=compile_content(survey),
        published_at=timezone.now(),
        published_by=by,
    )
    survey.current_version = version
    survey.state = Survey.State.LIVE
    survey.save(update_fields=["current_version", "state"])
    return version


def has_unpublished_changes(survey: Survey) -> bool:
    """Tell whether publishing now would show people something else than the current version does."""
    version = survey.current_version
    if version is None:
        return True
    shown = (version.metric, version.band_profile, version.default_language, version.content)
    return shown != (survey.metric, survey.band_profile, survey.product.default_language, draft_content(survey))


@dataclass(frozen=True)
class Difference:
    """One text that publishing would change; an empty one is missing on that side.

    Args:
        band: the band whose wording it belongs to, or empty for the question and its labels.
        field: name of the field of ``Wording`` or ``BandWording``.
    """

    language: str
    band: str
    field: str
    shown: str
    draft: str


def differences(shown: Mapping[str, Any], draft: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between two contents, by language, then from the question to the thanks of each band."""
    found = []
    for language in sorted({*shown, *draft}):
        before, after = shown.get(language, {}), draft.get(language, {})
        parts = [("", BASE_FIELDS, before, after)]
        parts += [
            (band, BAND_FIELDS, before.get("bands", {}).get(band, {}), after.get("bands", {}).get(band, {}))
            for band in Band.values
        ]
        for band, names, old, new in parts:
            found += [
                Difference(language, band, name, as_text(old.get(name, "")), as_text(new.get(name, "")))
                for name in names
                if old.get(name, "") != new.get(name, "")
            ]
    return found


def as_text(value: str | list[str]) -> str:
    """Return a text of a version's content; a list of reasons becomes one line."""
    return value if isinstance(value, str) else ", ".join(value)


@transaction.atomic
def change_state(*, survey: Survey, to: Survey.State) -> Survey:
    """Pause, resume or archive a survey.

    Raises:
        ValidationError: ``not_published`` when it was never published, ``archived`` when it already ended.
    """
    survey = _locked(survey)
    if survey.current_version is None:
        raise ValidationError(_("Publish the survey first."), code="not_published")
    if survey.state == Survey.State.ARCHIVED:
        raise ValidationError(_("An archived survey stays archived."), code="archived")
    survey.state = to
    survey.save(update_fields=["state"])
    return survey


def _locked(survey: Survey) -> Survey:
    # No select_related: PostgreSQL reads a joined row again only if it is locked too, so whoever waited here would
    # see the new current_version_id beside the version that was current before.
    return Survey.objects.select_for_update().get(pk=survey.pk)
