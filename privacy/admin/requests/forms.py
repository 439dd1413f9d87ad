"""What an officer fills in to take the next step with a request; each form offers what exists for this request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from privacy.access import title_of_column, title_of_table
from privacy.conditions import tasks_of
from privacy.deciding import DECIDED_BY_HAND, ONLY_FOR
from privacy.mailing import letters_to_post
from privacy.models import Approval, RequestItem, RequestTask, RightsRequest
from privacy.rectification import correctable_columns
from privacy.subjects import model_of, tables_about_people

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import Model
    from django_stubs_ext import StrOrPromise

LONGEST: int = 4000
Outcome = RequestItem.Outcome
OUTCOME_HINT = _("The answer says it to the person in a sentence, with its article where there is one.")


def written(label: StrOrPromise, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=LONGEST, widget=UnfoldAdminTextareaWidget, **options)


class StepForm(forms.Form):
    """A step that needs no more than a confirmation.

    Args:
        asked: the request that the step is about.
    """

    def __init__(self, *args: Any, asked: RightsRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = asked

    def offer(self, name: str, rows: Iterable[tuple[Model, StrOrPromise]]) -> None:
        """Let a field choose among rows of this request."""
        choices = [(str(row.pk), label) for row, label in rows]
        self.fields[name].choices = choices  # type: ignore[attr-defined]  # a field of choices
        if len(choices) == 1:
            self.fields[name].initial = choices[0][0]


class DocumentForm(StepForm):
    document = forms.CharField(
        label=_("Kind of document"),
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Such as “identity card”. Keep no copy and write no number down."),
    )
    email = forms.EmailField(
        label=_("E-mail address that it stands for"),
        widget=UnfoldAdminEmailInputWidget,
        help_text=_("The person's records are found by it. Make sure that it is theirs."),
    )


class QuestionForm(StepForm):
    text = written(_("Question"), help_text=_("It goes to the person as it stands here."))


class ReasonForm(StepForm):
    reason = written(_("Reason"), help_text=_("The person reads it."))


class NoteForm(StepForm):
    text = written(_("Note"), help_text=_("For colleagues; it is deleted with the content of the request."))


class AnswerForm(StepForm):
    text = written(
        _("What you add"),
        required=False,
        help_text=_("What the law requires stands in the draft already; this is put below it."),
    )


class PostedForm(AnswerForm):
    posted_on = forms.DateField(
        label=_("Day of posting"),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=_("Kept as the proof that the answer went out; today at the latest."),
    )


class CorrectionForm(StepForm):
    what = forms.ChoiceField(
        label=_("What is put right"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Only what is the person's to correct can be chosen."),
    )
    record_number = forms.IntegerField(
        label=_("Number of the record"),
        min_value=1,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "number"}),
        help_text=_("It stands with each record under “Records found”."),
    )
    value = written(
        _("New value"),
        required=False,
        help_text=_("As the person wrote it. For what staff wrote it is the person's statement, which is added."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["what"].choices = [  # type: ignore[attr-defined]
            (
                f"{table.model}:{name}",
                f"{title_of_table(table)}: {title_of_column(model_of(table)._meta.get_field(name))}",
            )
            for table in tables_about_people()
            for name in correctable_columns(table)
        ]


class RefusalForm(StepForm):
    outcome = forms.ChoiceField(label=_("Reason in law"), widget=UnfoldAdminSelectWidget, help_text=OUTCOME_HINT)
    explanation = written(_("Explanation"), help_text=_("The person reads it, beside where to complain and sue."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rights = set(self.asked.items.filter(outcome="").values_list("right", flat=True))
        fitting = [one for one in RequestItem.REFUSALS if rights <= {ONLY_FOR.get(one, right) for right in rights}]
        more = (Outcome.NOT_APPLICABLE, Outcome.UNIDENTIFIABLE)
        self.fields["outcome"].choices = [(one.value, one.label) for one in (*fitting, *more)]  # type: ignore[attr-defined]


class OutcomeForm(StepForm):
    item = forms.ChoiceField(
        label=_("Right"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("The other rights of the request stay as they are."),
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, widget=UnfoldAdminSelectWidget, help_text=OUTCOME_HINT
    )
    explanation = written(
        _("Explanation"), required=False, help_text=_("Needed where the person does not get what they asked for.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("item", [(item, item.get_right_display()) for item in self.asked.items.all()])
        decided = [(one.value, one.label) for one in DECIDED_BY_HAND]
        self.fields["outcome"].choices = [("", _("not decided")), *decided]  # type: ignore[attr-defined]


class DecisionForm(StepForm):
    approval = forms.ChoiceField(
        label=_("What is decided"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("An erasure and a refusal each need a decision."),
    )
    decision = forms.ChoiceField(
        label=_("Decision"),
        choices=[(Approval.Decision.APPROVED, _("approve")), (Approval.Decision.SENT_BACK, _("send back"))],
        widget=UnfoldAdminRadioSelectWidget,
        help_text=_("Sent back, nothing of the proposal is carried out; it can be made again."),
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=1000,
        required=False,
        widget=UnfoldAdminTextareaWidget,
        help_text=_("Needed where it is sent back. Name nobody."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("approval", [(one, one.get_subject_display()) for one in self.asked.approvals.filter(decision="")])


class AcknowledgementForm(StepForm):
    states: tuple[RequestTask.State, ...] = (RequestTask.State.SENT,)
    task = forms.ChoiceField(
        label=_("Recipient"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Only those who have not confirmed yet can be chosen."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = tasks_of(self.asked).filter(kind=RequestTask.Kind.TELL_RECIPIENT, state__in=self.states)
        self.offer("task", [(task, str(task.recipient)) for task in told.select_related("recipient")])


class ExemptionForm(AcknowledgementForm):
    states = (RequestTask.State.SENT, RequestTask.State.FAILED, RequestTask.State.PLANNED)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        widget=UnfoldAdminTextareaWidget,
        help_text=_(
            "Why telling it is impossible or takes a disproportionate effort, Art. 19; or that it was told and "
            "reminded and did not confirm in time."
        ),
    )


class LetterForm(StepForm):
    message = forms.ChoiceField(
        label=_("Letter"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("It counts as posted as soon as you confirm."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("message", [(letter, letter.get_kind_display()) for letter in letters_to_post(self.asked)])
