"""How many people an audience has, shown beside its rules on the survey's page, also before they are saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from feedback.audiences import count_people
from feedback.disclosure import SEE_IDENTITY
from feedback.small_groups import SMALLEST_GROUP
from surveys.audience import describe
from surveys.forms import audience_formset
from surveys.models import Survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse

    from feedback.audiences import Count
    from surveys.forms import AudienceFormSet


@require_POST
def preview_audience(request: HttpRequest, pk: int) -> HttpResponse:
    """Count the people of a survey's audience: as its form has it for those who may change it, else as saved."""
    user = request.user
    may_change = user.has_perm("surveys.change_survey")
    if not (may_change or user.has_perm("surveys.view_survey")):
        raise PermissionDenied
    survey = get_object_or_404(Survey.objects.visible_to(user).select_related("product"), pk=pk)
    formset = audience_formset(request.POST, survey=survey) if may_change else None
    if formset is not None and not formset.is_valid():
        return _page(request, errors=list(_errors(formset)))
    rules = formset.rules if formset is not None else [each.rule for each in survey.audience.all()]
    counted = count_people(product=survey.product, rules=rules)
    return _page(
        request,
        people=_in_words(counted, sees_identity=user.has_perm(SEE_IDENTITY)),
        sentence=describe(rules),
        not_counted=describe(counted.not_counted),
    )


def _page(request: HttpRequest, **context: Any) -> HttpResponse:
    return render(request, "admin/feedback/audience/preview.html", context)


def _in_words(counted: Count, *, sees_identity: bool) -> str:
    """Return the number as it may be told.

    A small group could be one person whom the rules describe, and so could the difference between two large ones: who
    may not see people is told steps of the smallest group.
    """
    if counted.people is None:
        return _("There are too many people to count these rules quickly.")
    told = counted.people if sees_identity else counted.people - counted.people % SMALLEST_GROUP
    number = number_format(told, force_grouping=True)
    if counted.is_more:
        return _("More than %(number)s people match.") % {"number": number}
    if sees_identity:
        return ngettext("%(number)s person matches.", "%(number)s people match.", told) % {"number": number}
    if told == 0:
        return _("Fewer than %(number)d people match.") % {"number": SMALLEST_GROUP}
    return _("About %(number)s people match.") % {"number": number}


def _errors(formset: AudienceFormSet) -> Iterator[str]:
    """Yield what is wrong with the rules, each with the number under which it stands on the page."""
    for message in formset.non_form_errors():
        yield str(message)
    for number, form in enumerate(formset.forms, 1):
        for messages in form.errors.values():
            yield _("Rule %(number)d: %(message)s") % {"number": number, "message": " ".join(map(str, messages))}
