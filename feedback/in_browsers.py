"""What the widget and our own pages leave in the browsers of the people who are asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.utils.translation import gettext_lazy as _

from privacy.inventory import Access, Column, Erasure, Expiry, InBrowser, Pages, Rectification, Store

COMMENT: Final = Column(
    category=_("answer"), purpose="feedback", portability=True, expiry=Expiry.BLANK, rectification=Rectification.REPLACE
)
ASKED: Final = Column(category=_("invitations"), purpose="throttling", keep="P1Y1M", portability=True)
# What the widget leaves in the visitor's browser is beyond our reach: the visitor clears it, or it ends by itself.
ASKED_BY_WIDGET: Final = replace(ASKED, access=Access.WITHHELD, portability=False, erasure=Erasure.KEEP)

LEFT_IN_BROWSERS: Final = (
    Store(
        name="odzew_<survey>",
        kind="cookie",
        column=ASKED_BY_WIDGET,
        browser=InBrowser(
            on=Pages.HOST,
            set_by=_(
                "The question’s script, once you answer, decline or ask to be asked later; with your consent already "
                "once the question was shown."
            ),
            why=_("It keeps the same question from coming back too soon."),
            holds=_("Which survey it was, the month, and how it ended; nothing that identifies you."),
            lasts=_("Until the question may be asked again, 390 days at most."),
            because=_(
                "It does what you just asked for: to be left alone with this question. A site that wants it as soon as "
                "the question is shown needs your consent first."
            ),
        ),
    ),
    Store(
        name="odzew:<product>",
        kind="local storage",
        column=ASKED_BY_WIDGET,
        browser=InBrowser(
            on=Pages.HOST,
            set_by=_("The question’s script, when it checks whether you may be asked."),
            why=_("It keeps questions from coming too often, without asking the server at every page."),
            holds=_(
                "When to check again; a checksum of 32 bits by which a change of user is noticed; and a random number "
                "for visitors who are not logged in."
            ),
            lasts=_("The random number is replaced after 390 days; you can clear all of it in the browser."),
            because=_(
                "It only keeps you from being asked too often. A site that judges otherwise loads the script after "
                "your consent."
            ),
        ),
    ),
    Store(
        name="odzew:<product>:unsent",
        kind="local storage",
        column=replace(COMMENT, keep="P30D", access=Access.WITHHELD, portability=False),
        browser=InBrowser(
            on=Pages.HOST,
            set_by=_("The question’s script, when you answer, decline or ask to be asked later."),
            why=_("It saves what you said until it has arrived, also where the connection is lost."),
            holds=_("Your score and comment, and the token of this one question."),
            lasts=_("Until the server has it, 30 days at most."),
            because=_("It delivers the answer that you gave."),
        ),
    ),
    Store(
        name="odzew_answered_<survey>",
        kind="cookie",
        column=ASKED_BY_WIDGET,
        browser=InBrowser(
            on=Pages.OURS,
            set_by=_("The page of a survey that takes one answer per device, once you have answered there."),
            why=_("It keeps one person from answering the same survey again and again."),
            holds=_("That this survey was answered; nothing that identifies you."),
            lasts=_("As long as the survey rests after an answer, 390 days at most."),
            because=_("Without it the survey could not do what it was set up for: count one answer per device."),
        ),
    ),
)
