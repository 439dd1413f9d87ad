"""What is asked of an agent on the page of a follow-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from feedback import follow_up as work
from feedback.models import Contact, Priority, RootCause, Team

if TYPE_CHECKING:
    from feedback.models import FollowUp

LOGGED = [(kind.value, kind.label) for kind in (Contact.Kind.CALL, Contact.Kind.OTHER)]


class CaseForm(forms.Form):
    """A form of a follow-up. The ids of its fields begin with its name: several stand on one page."""

    name = ""

    def __init__(self, data: Any = None, *, follow_up: FollowUp) -> None:
        super().__init__(data, auto_id=f"{self.name}-%s")
        self.follow_up = follow_up
        self.prepare(follow_up)

    def prepare(self, follow_up: FollowUp) -> None:
        """Offer what there is for this follow-up."""

    def offer(self, field: str, rows: Any) -> None:
        self.fields[field].queryset = rows  # type: ignore[attr-defined]  # a ModelChoiceField


class AssignmentForm(CaseForm):
    name = "assign"
    owner = forms.ModelChoiceField(
        label=_("Assigned to"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("nobody"),
        widget=UnfoldAdminSelectWidget,
        help_text=_(
            "They are told by mail, unless they assign themselves or want no such mail. Only staff who see the product "
            "and work on follow-ups are offered."
        ),
    )
    team = forms.ModelChoiceField(
        label=_("Team"),
        queryset=Team.objects.none(),
        required=False,
        empty_label=_("no team"),
        widget=UnfoldAdminSelectWidget,
        help_text=_(
            "Its members are reminded where nobody is assigned, and the person’s answers go to its address too."
        ),
    )
    # What the page showed: a colleague who took it meanwhile keeps it.
    seen_owner = forms.IntegerField(required=False, widget=forms.HiddenInput)
    seen_team = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def prepare(self, follow_up: FollowUp) -> None:
        owner, team = follow_up.owner_id, follow_up.team_id
        self.initial.update(owner=owner, team=team, seen_owner=owner, seen_team=team)
        self.offer("owner", work.possible_owners(follow_up.product))
        self.offer("team", work.possible_teams(follow_up.product))


class PriorityForm(CaseForm):
    name = "priority"
    priority = forms.ChoiceField(
        label=_("Priority"),
        choices=Priority.choices,
        widget=UnfoldAdminSelectWidget,
        help_text=_("High sets a date for the first contact where there is none."),
    )

    def prepare(self, follow_up: FollowUp) -> None:
        self.initial["priority"] = follow_up.priority


class ContactForm(CaseForm):
    name = "contact"
    kind = forms.ChoiceField(
        label=_("What it was"),
        choices=LOGGED,
        widget=UnfoldAdminSelectWidget,
        help_text=_("E-mails that are written on this page log themselves."),
    )
    at = forms.DateTimeField(
        label=_("When"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text=_("Empty: just now."),
    )
    text = forms.CharField(
        label=_("What was said"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Only if you reached the person. A call that nobody answered is a note."),
    )


class NoteForm(CaseForm):
    name = "note"
    text = forms.CharField(
        label=_("Note among colleagues"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("@name tells a colleague. The person may ask to read it: write what happened, not who they are."),
    )


class EndingForm(CaseForm):
    """How it ended: a note, and where it is closed a root cause from the list or a new one."""

    name = "end"
    root_cause = forms.ModelChoiceField(
        label=_("Root cause"),
        queryset=RootCause.objects.none(),
        required=False,
        empty_label=_("choose, or name a new one below"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Required to close: what has to change so that it does not happen to others."),
    )
    new_root_cause = forms.CharField(
        label=_("New root cause"),
        required=False,
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Only where none of the list fits; it is offered from now on."),
    )
    note = forms.CharField(
        label=_("How it ended, and why"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Required. Write what happened, not who the person is."),
    )

    def prepare(self, follow_up: FollowUp) -> None:
        if "closed" in follow_up.possible_moves():
            self.offer("root_cause", RootCause.objects.filter(product=follow_up.product_id))
        else:
            del self.fields["root_cause"], self.fields["new_root_cause"]

    @property
    def chosen_root_cause(self) -> Any:
        return self.cleaned_data.get("new_root_cause") or self.cleaned_data.get("root_cause")
