"""The two forms of the survey pages, and the seal they carry instead of a CSRF token."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from feedback.models.capturing import LONGEST_COMMENT
from feedback.scanners import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from surveys.scales import Scale

SEAL_LIFETIME: Final = timedelta(hours=24)
LONGEST_EVIDENCE: Final = 30


@dataclass(frozen=True, kw_only=True)
class Seal:
    """What a form was made for: whoever sends the form twice sends the same seal, so it counts once.

    A seal is signed for one page, so that a form can be sent neither by another site, which cannot make one, nor to
    another person's page, nor earlier than it says it was shown.

    Args:
        seq: the place of this form among what the person sends about one submission, from 0.
        earns_receipt: sending this form shows the receipt code.
        shown_at: when the form was first shown, in milliseconds since 1970; a form with a mistake keeps it.
    """

    submission_id: UUID
    seq: int = 0
    earns_receipt: bool = False
    shown_at: int = field(default_factory=lambda: int(time.time() * 1000))

    @property
    def age(self) -> timedelta:
        """How long ago the form was shown."""
        return timedelta(milliseconds=max(0, int(time.time() * 1000) - self.shown_at))

    def signed(self, *, page: str) -> str:
        """Return the seal as a form carries it, valid on this page only."""
        return signing.dumps([self.submission_id.hex, self.seq, self.earns_receipt, self.shown_at], salt=_salt(page))

    @classmethod
    def read(cls, value: str, *, page: str) -> Seal:
        """Return the seal that a form carried.

        Raises:
            ValidationError: ``form_too_old``, or ``form_not_ours`` when it was not signed for this page.
        """
        try:
            submission_id, seq, earns_receipt, shown_at = signing.loads(value, salt=_salt(page), max_age=SEAL_LIFETIME)
        except signing.SignatureExpired as error:
            raise ValidationError(
                _("This page was open for a long time. Nothing was saved yet: please send your answer again."),
                "form_too_old",
            ) from error
        except signing.BadSignature as error:
            raise ValidationError(
                _("Your answer did not come from this page. Nothing was saved yet: please send it again."),
                "form_not_ours",
            ) from error
        return cls(submission_id=UUID(submission_id), seq=seq, earns_receipt=earns_receipt, shown_at=shown_at)


def _salt(page: str) -> str:
    return f"feedback.forms.Seal with time {page}"


class SealedForm(forms.Form):
    """A form that is valid only with the seal of its page.

    Args:
        page: names the page that the seal is bound to; never sent out.
        seal: what the form carries when it is shown, unless it came with a valid one, which it then keeps.
    """

    def __init__(self, data: Any = None, *, page: str, seal: Seal, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.page = page
        self.seal = seal

    def clean(self) -> dict[str, Any]:
        self.seal = Seal.read(self.data.get("seal", ""), page=self.page)
        return self.cleaned_data

    @property
    def evidence(self) -> Evidence:
        """What is known about how a valid form came to be sent."""
        return Evidence.read(self.data.get("evidence", "")[:LONGEST_EVIDENCE], age=self.seal.age)

    @property
    def signed_seal(self) -> str:
        return self.seal.signed(page=self.page)


class ScoreForm(SealedForm):
    """The scale as native radio buttons; the decline button sends the same form."""

    def __init__(self, data: Any = None, *, scale: Scale, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        mistake = _("Choose a score from %(low)s to %(high)s.") % {"low": scale.minimum, "high": scale.maximum}
        self.fields["score"] = forms.TypedChoiceField(
            choices=[(score, score) for score in scale.scores],
            coerce=int,
            widget=forms.RadioSelect,
            error_messages={"required": mistake, "invalid_choice": mistake},
        )

    @property
    def declines(self) -> bool:
        return self.data.get("action") == "decline"

    def clean(self) -> dict[str, Any]:
        if self.declines:
            self.errors.pop("score", None)
        return super().clean()


class CommentField(forms.CharField):
    """Text as the person wrote it: browsers send line breaks as two characters and count them as one."""

    def to_python(self, value: Any) -> str:
        return super().to_python(str(value or "").replace("\r\n", "\n").replace("\x00", "")) or ""


class FollowUpForm(SealedForm):
    """Why the person gave the score; everything in it is optional, and the skip button leaves all of it out."""

    reasons = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("Tick only reasons from the list.")},
    )
    comment = CommentField(
        required=False,
        max_length=LONGEST_COMMENT,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={
            "max_length": _("Your comment has %(show_value)s characters; at most %(limit_value)s can be saved.")
        },
    )
    contact_permission = forms.BooleanField(required=False)

    def __init__(self, data: Any = None, *, reasons: Iterable[str], offers_contact: bool, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        field = self.fields["reasons"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101  tells the type checker what stands above
        field.choices = [(reason, reason) for reason in reasons]
        if not offers_contact:
            del self.fields["contact_permission"]

    @property
    def skips(self) -> bool:
        return self.data.get("action") == "skip"

    def clean(self) -> dict[str, Any]:
        if self.skips:
            self.errors.clear()
        return super().clean()

    def said(self) -> dict[str, Any]:
        """Return the fields of a valid form, as a submission takes them."""
        return {**self.cleaned_data, "reasons": tuple(self.cleaned_data["reasons"])}
