"""The steps an officer can take with a request: what each is called, when it is possible, and what it calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from privacy.admin.requests import forms
from privacy.answering import draft, post_answer, send_answer
from privacy.conditions import came_back, has_failed, is_proved, restricting_tasks, tasks_of
from privacy.deciding import (
    ask_for_information,
    correct,
    decide_approval,
    extend,
    extension_obstacle,
    is_own_case,
    note,
    propose,
    refuse,
    see_document,
    set_outcome,
    start,
)
from privacy.fulfilment import acknowledge, exempt, retry
from privacy.incidents import open_incident
from privacy.lifecycle import ANSWERED, State, why_not
from privacy.lifting import decide_lifting, lifting_of, propose_lifting
from privacy.mailing import letters_to_post, messages_to_repeat, owe_again, post_message, text_of
from privacy.models import Approval, Package, RequestTask, Right, RightsRequest
from privacy.officers import DECIDE, HANDLE
from privacy.tasks import queue_alerts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

Post = RightsRequest.ReplyChannel.POST
TaskState = RequestTask.State


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that can be done.

    Args:
        label: what its button says.
        explains: what will happen, on the page that asks for confirmation.
        possible: whether it makes sense now for this user.
        run: calls the domain with what the form holds.
        shows: a text to read before confirming.
        is_grave: cannot be undone.
    """

    label: StrOrPromise
    explains: StrOrPromise
    possible: Callable[[RightsRequest, User], bool]
    run: Callable[[RightsRequest, User, dict[str, Any]], object]
    form: type[forms.StepForm] = forms.StepForm
    permission: str = HANDLE
    shows: Callable[[RightsRequest], str] | None = None
    is_grave: bool = False

    def text_of(self, asked: RightsRequest) -> str:
        return self.shows(asked) if self.shows else ""


def possible_steps(asked: RightsRequest, user: User) -> list[tuple[str, Step]]:
    """Return the steps that this user can take now, the next one first."""
    return [
        (name, step) for name, step in STEPS.items() if user.has_perm(step.permission) and step.possible(asked, user)
    ]


def _in(*states: State) -> Callable[[RightsRequest, User], bool]:
    return lambda asked, user: asked.state in states


def _may_start(asked: RightsRequest, user: User) -> bool:
    return asked.state != State.AWAITING_APPROVAL and why_not(asked, State.TRIAGE) is None


def _may_see_document(asked: RightsRequest, user: User) -> bool:
    return asked.state in (*RightsRequest.OPEN_STATES, State.LAPSED) and asked.state != State.RESPONDING


def _may_correct(asked: RightsRequest, user: User) -> bool:
    wanted = asked.items.filter(right=Right.RECTIFICATION, outcome="")
    return asked.state == State.TRIAGE and is_proved(asked) and wanted.exists()


def _may_refuse(asked: RightsRequest, user: User) -> bool:
    return asked.state == State.TRIAGE and asked.items.filter(outcome="").exists()


def _may_decide(asked: RightsRequest, user: User) -> bool:
    return asked.approvals.filter(decision="").exists() and not is_own_case(asked, user)


def _may_acknowledge(asked: RightsRequest, user: User) -> bool:
    return _told(asked, forms.AcknowledgementForm.states)


def _may_exempt(asked: RightsRequest, user: User) -> bool:
    return asked.state != State.TRIAGE and _told(asked, forms.ExemptionForm.states)


def _told(asked: RightsRequest, states: tuple[TaskState, ...]) -> bool:
    return tasks_of(asked).filter(kind=RequestTask.Kind.TELL_RECIPIENT, state__in=states).exists()


def _may_send(asked: RightsRequest, user: User) -> bool:
    waits = asked.messages.filter(kind="answer", sent_at=None, failed_at=None)
    return asked.state == State.RESPONDING and asked.reply_channel != Post and bool(asked.email) and not waits.exists()


def _may_post(asked: RightsRequest, user: User) -> bool:
    was_given_up = asked.messages.filter(kind="answer", failed_at__isnull=False).exists()
    did_not_arrive = came_back(asked) or was_given_up
    return asked.state == State.RESPONDING and (did_not_arrive or not _may_send(asked, user))


def _may_repeat(asked: RightsRequest, user: User) -> bool:
    return bool(asked.email or asked.reply_channel == Post) and bool(messages_to_repeat(asked))


def _may_propose_lifting(asked: RightsRequest, user: User) -> bool:
    return asked.state in ANSWERED and bool(restricting_tasks(asked)) and lifting_of(asked) is None


def _may_open_incident(asked: RightsRequest, user: User) -> bool:
    """Tell whether anything went out, or waits to be fetched, that no open incident is about."""
    went_out = asked.messages.filter(sent_at__isnull=False).exists() or asked.state in ANSWERED
    is_known = asked.incidents.filter(closed_at__isnull=True).exists()
    return not is_known and (went_out or Package.objects.filter(item__request=asked).exists())


def _decide(asked: RightsRequest, user: User, filled: dict[str, Any]) -> Approval:
    approval = asked.approvals.get(pk=filled["approval"])
    decide = decide_lifting if approval.subject == Approval.Subject.LIFTING else decide_approval
    return decide(approval=approval, decision=filled["decision"], user=user, note=filled["note"])


STEPS: Final[dict[str, Step]] = {
    "start": Step(
        label=_("Take into triage"),
        explains=_("From now on the request is being worked on."),
        possible=_may_start,
        run=lambda asked, user, filled: start(request=asked, user=user),
    ),
    "propose": Step(
        label=_("Make the plan and begin"),
        explains=_(
            "The tasks are written down. An erasure or a refusal waits until a second person agrees; everything else "
            "begins at once. Copies must have been looked through before."
        ),
        possible=_in(State.TRIAGE),
        run=lambda asked, user, filled: propose(request=asked, user=user),
    ),
    "decide": Step(
        label=_("Decide"),
        explains=_("What is approved is carried out as it was proposed, and what is erased cannot be brought back."),
        possible=_may_decide,
        run=_decide,
        form=forms.DecisionForm,
        permission=DECIDE,
        is_grave=True,
    ),
    "retry": Step(
        label=_("Try the failed tasks again"),
        explains=_("Every task that was given up is planned again. Have the cause mended first."),
        possible=lambda asked, user: has_failed(asked),
        run=lambda asked, user, filled: retry(request=asked, user=user),
    ),
    "answer": Step(
        label=_("Send the answer"),
        explains=_("The person gets this by e-mail, in their language."),
        possible=_may_send,
        run=lambda asked, user, filled: send_answer(request=asked, user=user, text=filled["text"]),
        form=forms.AnswerForm,
        shows=draft,
    ),
    "posted": Step(
        label=_("Answer by letter"),
        explains=_("Print and post this, then give the day. That ends the request."),
        possible=_may_post,
        run=lambda asked, user, filled: post_answer(
            request=asked, user=user, posted_on=filled["posted_on"], text=filled["text"]
        ),
        form=forms.PostedForm,
        shows=draft,
    ),
    "letter": Step(
        label=_("Post a letter"),
        explains=_("Print and post it, then confirm."),
        possible=lambda asked, user: letters_to_post(asked).exists(),
        run=lambda asked, user, filled: post_message(message=asked.messages.get(pk=filled["message"]), user=user),
        form=forms.LetterForm,
        shows=lambda asked: "\n\n———\n\n".join(text_of(letter).strip() for letter in letters_to_post(asked)),
    ),
    "again": Step(
        label=_("Send lost mail again"),
        explains=_(
            "What was given up or came back is sent to the same mailbox once more, and a copy that is no longer there "
            "is built again. Find out first why."
        ),
        possible=_may_repeat,
        run=lambda asked, user, filled: owe_again(request=asked, user=user),
    ),
    "acknowledge": Step(
        label=_("A recipient confirmed"),
        explains=_("The recipient said that it did what it was told."),
        possible=_may_acknowledge,
        run=lambda asked, user, filled: acknowledge(task=tasks_of(asked).get(pk=filled["task"]), user=user),
        form=forms.AcknowledgementForm,
    ),
    "exempt": Step(
        label=_("Do without a recipient"),
        explains=_("The request goes on without its confirmation; the reason stays in the plan."),
        possible=_may_exempt,
        run=lambda asked, user, filled: exempt(
            task=tasks_of(asked).get(pk=filled["task"]), reason=filled["reason"], user=user
        ),
        form=forms.ExemptionForm,
    ),
    "ask": Step(
        label=_("Ask the person"),
        explains=_("The request waits thirty days for the answer and then lapses. The clock runs on."),
        possible=_in(State.TRIAGE),
        run=lambda asked, user, filled: ask_for_information(request=asked, text=filled["text"], user=user),
        form=forms.QuestionForm,
    ),
    "document": Step(
        label=_("Document seen"),
        explains=_("You have seen a document that proves who asks. Your name is kept with that."),
        possible=_may_see_document,
        run=lambda asked, user, filled: see_document(request=asked, user=user, **filled),
        form=forms.DocumentForm,
    ),
    "correct": Step(
        label=_("Enter a correction"),
        explains=_("It is applied when the plan is carried out, and the old value is gone then."),
        possible=_may_correct,
        run=lambda asked, user, filled: correct(request=asked, user=user, **filled),
        form=forms.CorrectionForm,
    ),
    "outcome": Step(
        label=_("Decide about a right"),
        explains=_("For a right that is not fulfilled. Without an outcome, an earlier decision is taken back."),
        possible=_in(State.TRIAGE),
        run=lambda asked, user, filled: set_outcome(
            item=asked.items.get(pk=filled["item"]),
            outcome=filled["outcome"],
            explanation=filled["explanation"],
            user=user,
        ),
        form=forms.OutcomeForm,
    ),
    "extend": Step(
        label=_("Extend the period"),
        explains=_("Once only, to three months from receipt, for complexity or number. The person is told why."),
        possible=lambda asked, user: extension_obstacle(asked) is None,
        run=lambda asked, user, filled: extend(request=asked, reason=filled["reason"], user=user),
        form=forms.ReasonForm,
        permission=DECIDE,
    ),
    "lift": Step(
        label=_("Lift the restriction"),
        explains=_("A second person decides; then the person is told, and seven days later the data are used again."),
        possible=_may_propose_lifting,
        run=lambda asked, user, filled: propose_lifting(request=asked, user=user),
    ),
    "wrong_person": Step(
        label=pgettext_lazy("step", "It reached the wrong person"),
        explains=_(
            "The copies are destroyed at once, the officers are told, and 72 hours begin to tell the authority. What "
            "happened is written down with the incident."
        ),
        possible=_may_open_incident,
        run=lambda asked, user, filled: queue_alerts_of(open_incident(request=asked, by=user)),
        is_grave=True,
    ),
    "note": Step(
        label=_("Write a note"),
        explains=_("Only staff who work on requests read it."),
        possible=lambda asked, user: True,
        run=lambda asked, user, filled: note(request=asked, text=filled["text"], user=user),
        form=forms.NoteForm,
    ),
    "refuse": Step(
        label=_("Refuse the request"),
        explains=_(
            "Every right without an outcome is refused. A second person has to agree before the person is told."
        ),
        possible=_may_refuse,
        run=lambda asked, user, filled: refuse(request=asked, user=user, **filled),
        form=forms.RefusalForm,
        is_grave=True,
    ),
}


def take(step: Step, asked: RightsRequest, user: User, form: forms.StepForm) -> StrOrPromise:
    """Take a step with a valid form and return what to tell; empty where it was refused, and the form says why."""
    try:
        done = step.run(asked, user, form.cleaned_data)
    except ValidationError as error:
        known = not hasattr(error, "error_dict") or set(error.error_dict) <= set(form.fields)
        form.add_error(None, error if known else ValidationError(error.messages))
        return ""
    if isinstance(done, Approval) and done.decision == Approval.Decision.OUTDATED:
        return _("The data have changed since this was proposed. Nothing was approved; the request is back in triage.")
    return _("Done: %(step)s.") % {"step": step.label}
