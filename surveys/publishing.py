"""Publishing freezes what staff edited into a version; pausing, resuming and archiving never touch one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from surveys.models import Survey, SurveyVersion
from surveys.wording import compile_content

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def publish(*, survey: Survey, by: User | None = None) -> SurveyVersion:
    """Freeze the survey's wording as its next version and make the survey live.

    Responses to earlier versions keep pointing at what was shown then.

    Raises:
        ValidationError: ``unchanged`` when the live version already says the same; ``archived``; or what
            ``compile_content`` raises.
    """
    survey = _locked(survey)
    if survey.state == Survey.State.ARCHIVED:
        raise ValidationError(_("An archived survey cannot be published."), code="archived")
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
    return shown != (survey.metric, survey.band_profile, survey.product.default_language, compile_content(survey))


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
