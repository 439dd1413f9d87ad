"""Linking feedback to an improvement: by tag, from a search, and from the list or the page of responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from feedback import improvements
from feedback.admin.triaging import TASKS, Done, Task, TaskForm
from feedback.disclosure import READ_COMMENTS
from feedback.models import Improvement, Tag
from privacy.masking import find_personal_data, is_plain_words, mask
from surveys.scales import Band

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import User

    from feedback.models import Response
    from feedback.models.capturing import ResponseQuerySet

CHANGE: Final = "feedback.change_improvement"
MOST_SHOWN: Final = 50


class ImprovementChoice(TaskForm):
    improvement = forms.ModelChoiceField(
        label=_("Improvement"),
        queryset=Improvement.objects.none(),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Drafts and published ones of the same product, until people were told about them."),
        error_messages={"required": _("Choose one. If there is none yet, write a draft under Improvements first.")},
    )

    def __init__(self, *args: Any, responses: Sequence[Response], **kwargs: Any) -> None:
        super().__init__(*args, responses=responses, **kwargs)
        products = {response.product_id for response in responses}
        rows = Improvement.objects.filter(product__in=products, mailed_at__isnull=True)
        self.fields["improvement"].queryset = rows  # type: ignore[attr-defined]  # a ModelChoiceField


def _link(responses: Sequence[Response], answers: dict[str, Any], by: User) -> Done:
    return linked(improvements.link(improvement=answers["improvement"], responses=responses, by=by), len(responses))


def linked(new: int, asked: int) -> Done:
    """Say how many responses were linked, and how many were not."""
    success = ngettext("%(count)d response linked.", "%(count)d responses linked.", new) % {"count": new}
    rest = asked - new
    not_new = ngettext(
        "%(count)d not linked: linked already, a test, or of another product.",
        "%(count)d not linked: linked already, tests, or of another product.",
        rest,
    )
    return Done(success if new else "", (not_new % {"count": rest},) if rest else ())


TASKS["improvement"] = Task(
    title=_("Link to an improvement"),
    question=ngettext_lazy(
        "Link %(count)d response to an improvement?", "Link %(count)d responses to an improvement?", "count"
    ),
    explanation=_("Says that something was done because of this feedback."),
    icon="auto_awesome",
    permission=CHANGE,
    run=_link,
    form=ImprovementChoice,
    fits=lambda response: not response.is_test,
)


class TagsForm(forms.Form):
    tags = forms.ModelMultipleChoiceField(
        label=_("Tags"),
        queryset=Tag.objects.none(),
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
        help_text=_("Every response with one of these tags led to it, also those that get the tag later."),
    )

    def __init__(self, *args: Any, improvement: Improvement, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["tags"] = list(improvement.tags.values_list("pk", flat=True))
        self.fields["tags"].queryset = Tag.objects.filter(product=improvement.product_id)  # type: ignore[attr-defined]


class SearchForm(forms.Form):
    q = forms.CharField(
        label=_("Words in comments"),
        required=False,
        max_length=200,
        help_text=_("With or without accents, capitals and Polish endings; a comment must have all of the words."),
        widget=UnfoldAdminTextInputWidget,
    )
    band = forms.ChoiceField(
        label=_("Band"), required=False, choices=[("", _("all")), *Band.choices], widget=UnfoldAdminSelectWidget
    )


def found(improvement: Improvement, form: SearchForm, user: User) -> ResponseQuerySet:
    """Return the responses that can be linked and have the words and the band.

    Raises:
        ValidationError: ``people_not_words``; people are not searched for here, an address would end up in logs.
    """
    rows = improvements.responses_to_link(improvement, user=user)
    if not form.is_valid():
        return rows.none()
    if form.cleaned_data["band"]:
        rows = rows.filter(band=form.cleaned_data["band"])
    words, reads = form.cleaned_data["q"].strip(), user.has_perm(READ_COMMENTS)
    if not words:
        return rows
    if find_personal_data(words) or not (reads or is_plain_words(words)):
        raise ValidationError(
            gettext("Only words in comments can be searched for here, not people."), code="people_not_words"
        )
    return rows.search(words, beginnings=reads)


def shown(responses: ResponseQuerySet) -> list[dict[str, Any]]:
    """Return what the page shows of the newest responses: comments that are masked, and nobody's name."""
    rows = responses.defer("search", "properties").select_related("survey")[:MOST_SHOWN]
    return [{"row": row, "comment": mask(row.comment)} for row in rows]
