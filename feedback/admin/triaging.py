"""Tasks that staff do to one or many responses: each asks on a page of its own first, then calls the domain."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from feedback import follow_up, triage
from feedback.models import Response, ResponseTag, Tag
from privacy.models import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.contrib.auth.models import AnonymousUser
    from django.db.models import QuerySet
    from django_stubs_ext import StrOrPromise

TRIAGE: Final = "feedback.triage_response"
FLAG: Final = "feedback.flag_response"


@dataclass(frozen=True)
class Done:
    """What to tell the user: how it went, and what did not."""

    success: str = ""
    errors: tuple[str, ...] = ()


class TaskForm(forms.Form):
    """Questions asked before a task; none of its own."""

    def __init__(self, *args: Any, responses: Sequence[Response], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.responses = responses


class ExclusionForm(TaskForm):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=triage.LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Kept beside the response, so that nobody has to wonder why it does not count."),
    )


class TagForm(TaskForm):
    name = forms.CharField(
        label=_("Tag"),
        max_length=triage.LONGEST_TAG,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("An existing tag, or a new one."),
    )


class UntagForm(TaskForm):
    name = forms.ChoiceField(
        label=_("Tag"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Tags that at least one of these responses has."),
    )

    def __init__(self, *args: Any, responses: Sequence[Response], **kwargs: Any) -> None:
        super().__init__(*args, responses=responses, **kwargs)
        given = ResponseTag.objects.filter(response__in=[response.pk for response in responses])
        names = Tag.objects.filter(pk__in=given.values("tag")).values_list("name", flat=True).distinct()
        self.fields["name"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]  # a ChoiceField


class FlagForm(TaskForm):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=follow_up.LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("What should be found out or settled with this person?"),
    )
    owner = forms.ModelChoiceField(
        label=_("Assign to"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("nobody yet"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Only staff who see the product and work on follow-ups are offered."),
    )

    def __init__(self, *args: Any, responses: Sequence[Response], **kwargs: Any) -> None:
        super().__init__(*args, responses=responses, **kwargs)
        self.fields["owner"].queryset = _owners_for(responses)  # type: ignore[attr-defined]  # a ModelChoiceField


@dataclass(frozen=True)
class Task:
    """A task as the pages show it.

    Args:
        permission: what the user needs to have.
        run: does it, given the responses, the answers of the form and who asked.
        fits: whether the page of one response offers it.
    """

    title: StrOrPromise
    question: Any  # a lazy plural that takes "count"
    explanation: StrOrPromise
    icon: str
    permission: str
    run: Callable[[Sequence[Response], dict[str, Any], User], Done]
    form: type[TaskForm] = TaskForm
    fits: Callable[[Response], bool] = lambda response: True


def _owners_for(responses: Sequence[Response]) -> QuerySet[User]:
    owners = User.objects.filter(is_active=True).order_by("username")
    for product in Product.objects.filter(pk__in={response.product_id for response in responses}):
        owners = owners.filter(pk__in=follow_up.possible_owners(product).order_by().values("pk"))
    return owners


def _flag(responses: Sequence[Response], answers: dict[str, Any], by: User) -> Done:
    flagged, refusals = 0, Counter[str]()
    for response in responses:
        try:
            follow_up.flag(response=response, by=by, **answers)
        except ValidationError as error:
            refusals.update(error.messages)
        else:
            flagged += 1
    success = ngettext("%(count)d response flagged.", "%(count)d responses flagged.", flagged) % {"count": flagged}
    not_flagged = [
        ngettext("%(count)d not flagged: %(why)s", "%(count)d not flagged: %(why)s", count)
        % {"count": count, "why": why}
        for why, count in refusals.items()
    ]
    return Done(success if flagged else "", tuple(not_flagged))


def _exclude(responses: Sequence[Response], answers: dict[str, Any], by: User) -> Done:
    changed = triage.exclude(responses=responses, by=by, **answers)
    return Done(
        ngettext("%(count)d response no longer counts.", "%(count)d responses no longer count.", changed)
        % {"count": changed}
    )


def _include(responses: Sequence[Response], answers: dict[str, Any], by: User) -> Done:
    included = triage.include(responses=responses, by=by)
    again, out = included.counting, included.still_out
    told = [ngettext("%(count)d response counts again.", "%(count)d responses count again.", again) % {"count": again}]
    if out:
        still = ngettext(
            "%(count)d is no longer excluded, but a suspect or a test and still does not count.",
            "%(count)d are no longer excluded, but suspects or tests and still do not count.",
            out,
        )
        told = [*(told if again else ()), still % {"count": out}]
    return Done(" ".join(told))


def _tag(responses: Sequence[Response], answers: dict[str, Any], by: User) -> Done:
    changed = triage.add_tag(responses=responses, by=by, **answers)
    return Done(
        ngettext("%(count)d response got the tag.", "%(count)d responses got the tag.", changed) % {"count": changed}
    )


def _untag(responses: Sequence[Response], answers: dict[str, Any], by: User) -> Done:
    changed = triage.remove_tag(responses=responses, by=by, **answers)
    return Done(
        ngettext("%(count)d response lost the tag.", "%(count)d responses lost the tag.", changed) % {"count": changed}
    )


def _archive(responses: Sequence[Response], answers: dict[str, Any], by: User) -> Done:
    changed = triage.archive(responses=responses, by=by)
    return Done(ngettext("%(count)d response archived.", "%(count)d responses archived.", changed) % {"count": changed})


def _mark_read(responses: Sequence[Response], answers: dict[str, Any], by: User) -> Done:
    changed = triage.mark_read(responses=responses, by=by)
    return Done(
        ngettext("%(count)d response marked as read.", "%(count)d responses marked as read.", changed)
        % {"count": changed}
    )


def _accept(responses: Sequence[Response], answers: dict[str, Any], by: User) -> Done:
    changed = triage.accept(responses=responses, by=by)
    return Done(
        ngettext("%(count)d suspect counts now.", "%(count)d suspects count now.", changed) % {"count": changed}
    )


def _reject(responses: Sequence[Response], answers: dict[str, Any], by: User) -> Done:
    changed = triage.reject(responses=responses, by=by)
    return Done(ngettext("%(count)d suspect rejected.", "%(count)d suspects rejected.", changed) % {"count": changed})


def is_undecided(response: Response) -> bool:
    """Tell whether a response is a suspect that nobody accepted or rejected."""
    return response.is_suspect and response.excluded_at is None


TASKS: Final[dict[str, Task]] = {
    "flag": Task(
        title=_("Flag for follow-up"),
        question=ngettext_lazy(
            "Flag %(count)d response for follow-up?", "Flag %(count)d responses for follow-up?", "count"
        ),
        explanation=_("A colleague is asked to contact the person. One person has one open follow-up at a time."),
        icon="flag",
        permission=FLAG,
        run=_flag,
        form=FlagForm,
        fits=lambda response: not response.is_test,
    ),
    "exclude": Task(
        title=_("Exclude from metrics"),
        question=ngettext_lazy(
            "Exclude %(count)d response from metrics?", "Exclude %(count)d responses from metrics?", "count"
        ),
        explanation=_("Excluded responses stay readable but leave every score and chart."),
        icon="block",
        permission=TRIAGE,
        run=_exclude,
        form=ExclusionForm,
        fits=lambda response: response.excluded_at is None,
    ),
    "include": Task(
        title=_("Take back the exclusion"),
        question=ngettext_lazy(
            "Take back the exclusion of %(count)d response?", "Take back the exclusion of %(count)d responses?", "count"
        ),
        explanation=_(
            "They return to every score and chart, but for suspects, which wait for a decision again, and tests. The "
            "reason of the exclusion is forgotten."
        ),
        icon="undo",
        permission=TRIAGE,
        run=_include,
        fits=lambda response: response.excluded_at is not None,
    ),
    "tag": Task(
        title=_("Add a tag"),
        question=ngettext_lazy("Tag %(count)d response?", "Tag %(count)d responses?", "count"),
        explanation=_("Tags name themes. Each product has its own."),
        icon="sell",
        permission=TRIAGE,
        run=_tag,
        form=TagForm,
        fits=lambda response: False,  # its page has a field for tags
    ),
    "untag": Task(
        title=_("Take off a tag"),
        question=ngettext_lazy("Take a tag off %(count)d response?", "Take a tag off %(count)d responses?", "count"),
        explanation=_("The tag itself stays. Nothing changes for responses that do not have it."),
        icon="label_off",
        permission=TRIAGE,
        run=_untag,
        form=UntagForm,
        fits=lambda response: False,  # its page has a button beside each tag
    ),
    "archive": Task(
        title=_("Archive"),
        question=ngettext_lazy("Archive %(count)d response?", "Archive %(count)d responses?", "count"),
        explanation=_("Archived responses are put aside. They still count."),
        icon="archive",
        permission=TRIAGE,
        run=_archive,
        fits=lambda response: response.triage != Response.Triage.ARCHIVED,
    ),
    "mark-read": Task(
        title=_("Mark as read"),
        question=ngettext_lazy("Mark %(count)d response as read?", "Mark %(count)d responses as read?", "count"),
        explanation=_("Archived responses return to the read ones."),
        icon="drafts",
        permission=TRIAGE,
        run=_mark_read,
        fits=lambda response: response.triage == Response.Triage.ARCHIVED,
    ),
    "accept": Task(
        title=_("Counts after all"),
        question=ngettext_lazy("Count %(count)d suspect after all?", "Count %(count)d suspects after all?", "count"),
        explanation=_("It looked like a machine or a repetition, but somebody meant it: every measure counts it."),
        icon="check_circle",
        permission=TRIAGE,
        run=_accept,
        fits=is_undecided,
    ),
    "reject": Task(
        title=_("Reject"),
        question=ngettext_lazy("Reject %(count)d suspect?", "Reject %(count)d suspects?", "count"),
        explanation=_("It stays readable and excluded from metrics. The exclusion can be taken back."),
        icon="cancel",
        permission=TRIAGE,
        run=_reject,
        fits=is_undecided,
    ),
}


def tasks_of(user: User | AnonymousUser) -> dict[str, Task]:
    """Return the tasks that the user may do, by name."""
    return {name: task for name, task in TASKS.items() if user.has_perm(task.permission)}


def perform(task: Task, form: TaskForm, by: User) -> Done:
    """Run a task with the answers of its valid form; a refusal of the domain becomes an error to show."""
    try:
        return task.run(form.responses, form.cleaned_data, by)
    except ValidationError as error:
        return Done(errors=tuple(error.messages))


def subject_of(responses: Sequence[Response]) -> str:
    """Say which responses a task is about, without what is in them."""
    if len(responses) == 1:
        return gettext("Response %(number)s") % {"number": responses[0].pk}
    return ngettext("%(count)d response", "%(count)d responses", len(responses)) % {"count": len(responses)}
