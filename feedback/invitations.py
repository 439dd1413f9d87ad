"""Asking somebody: the decision put into effect, and how an invitation can end without a response."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from feedback import facts as stored
from feedback.eligibility import Facts, decide, identity_obstacle
from feedback.models import Invitation, Respondent
from feedback.products import LIFETIME
from privacy.encryption import new_token, token_digest
from surveys.models import Channel, Survey
from surveys.targeting import Visitor
from surveys.wording import choose_language

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from feedback.eligibility import Candidate
    from feedback.identity import Person
    from feedback.products import ProductFacts
    from surveys.throttling import Throttles

LONGEST_URL: Final = 500


class InvitationError(Exception):
    """An invitation cannot be used as somebody tried to; ``status`` is the answer HTTP has for it."""

    code: ClassVar[str]
    status: ClassVar[int]
    message: ClassVar[StrOrPromise]
    field: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__(self.code)


class UnknownInvitation(InvitationError):
    code, status, message = "unknown_token", 404, _("There is no such invitation.")


class OriginBlocked(InvitationError):
    code, status, message = "origin_blocked", 403, _("This web site may not ask for this product.")


class ExpiredInvitation(InvitationError):
    code, status, message = "expired", 410, _("This invitation has expired.")


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where and how somebody may be asked now.

    Args:
        event: name of what just happened, where something did.
        language: a code; of the page or the app.
        accept_language: value of the browser's header.
        forced: asked with the product's test key, whatever the rules say.
    """

    channel: str = Channel.WEB
    url: str = ""
    event: str = ""
    device: str = ""
    app_version: str = ""
    language: str = ""
    accept_language: str = ""
    forced: bool = False

    @property
    def preferred_languages(self) -> tuple[str, str]:
        """What the page speaks, then what the browser asks for."""
        return self.language, self.accept_language


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a client needs to show a survey; ``content`` is the version's wording in one language.

    The throttles tell clients for how long they need not ask again, whichever way this ends.
    """

    survey_id: int
    version_id: int
    metric: str
    band_profile: str
    language: str
    content: dict[str, Any]
    throttles: Throttles


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to "may this person be asked now?": with a token and a question, or with neither."""

    code: str
    why: str
    next_check_at: datetime
    token: str | None = None
    question: Question | None = None


def ask(*, product: ProductFacts, person: Person, moment: Moment) -> Answer:
    """Decide whether the person may be asked now and, if so, reserve the invitation.

    Two requests at once of one person, from two tabs say, reserve one invitation: the second decides again and
    finds it pending (https://github.com/formbricks/formbricks/issues/5813).
    """
    is_vouched_for = is_identity_accepted(product, person)
    if not is_vouched_for and person.is_known:
        person = replace(person, anonymous_id="")  # who nobody vouches for gets no device linked to them
    while True:
        at = timezone.now()
        # What is stored about somebody is not told, by any answer, to those whose identity is refused.
        is_looked_up = is_vouched_for or moment.forced
        known = stored.PersonFacts()
        if is_looked_up:
            known = stored.load_person(product, person, channel=moment.channel, at=at)
        verdict = decide(list(product.candidates), facts_of(product, person, moment, known, at=at))
        if verdict.candidate is None:
            if is_vouched_for and not moment.forced and known.leave_to_remember(person):
                stored.remember(product, person, known, at=at)
            return Answer(code=verdict.code, why=verdict.why, next_check_at=verdict.next_check_at)
        token, question = new_token(), _question(product, verdict.candidate, moment, person)
        row = {**_as_row(question, moment, product, at=at), "token_digest": token_digest(token)}
        if stored.reserve(product, person, known, at=at, invitation=row):
            return Answer(
                code=verdict.code, why=verdict.why, next_check_at=verdict.next_check_at, token=token, question=question
            )


def is_identity_accepted(product: ProductFacts, person: Person) -> bool:
    """Tell whether the product takes this person for whom the request says they are."""
    return identity_obstacle(product.identity_mode, is_known=person.is_known, is_signed=person.is_signed) is None


def facts_of(
    product: ProductFacts, person: Person, moment: Moment, known: stored.PersonFacts, *, at: datetime
) -> Facts:
    """Return what a decision about this person looks at; what a request says goes before what is stored."""
    customer_since = person.customer_since or known.customer_since
    return Facts(
        at=at,
        channel=moment.channel,
        is_forced=moment.forced,
        visitor=Visitor(
            properties={**known.properties, **person.properties} if product.has_audiences else {},
            country=person.country or known.country,
            company=person.company or known.company,
            language=person.language or moment.language or known.language,
            url=moment.url,
            event=moment.event,
            device=moment.device,
            is_known=person.is_known,
            customer_since=customer_since,
        ),
        languages=(*moment.preferred_languages, person.language),
        events=product.events,
        blocked_urls=product.blocked_urls,
        identity_mode=product.identity_mode,
        zone=product.zone,
        is_known=person.is_known,
        is_signed=person.is_signed,
        subject_key=person.subject_key,
        customer_since=customer_since,
        first_seen_at=known.first_seen_at,
        has_objected=known.has_objected,
        is_restricted=known.is_restricted,
        is_suppressed=known.is_suppressed,
        has_permission=known.has_permission,
        wants_no_mail=known.wants_no_mail,
        has_bounced=known.has_bounced,
        history=known.history,
    )


def _question(product: ProductFacts, candidate: Candidate, moment: Moment, person: Person) -> Question:
    assert candidate.version_id is not None  # noqa: S101  a survey without a version is not eligible
    wording = product.wordings[candidate.version_id]
    content = wording.content
    language = choose_language(content, wording.default_language, *moment.preferred_languages, person.language)
    return Question(
        survey_id=candidate.survey_id,
        version_id=candidate.version_id,
        metric=candidate.metric,
        band_profile=candidate.band_profile,
        language=language,
        content=content[language],
        throttles=candidate.throttles,
    )


def _as_row(question: Question, moment: Moment, product: ProductFacts, *, at: datetime) -> dict[str, Any]:
    return {
        "survey": question.survey_id,
        "version": question.version_id,
        "channel": moment.channel,
        "shown_language": question.language,  # the person's own may be another
        "url": clean_url(moment.url, kept=product.allowed_url_parameters),
        "device": moment.device,
        "app_version": moment.app_version,
        "is_test": moment.forced,
        "expires_at": at + LIFETIME,
    }


def clean_url(url: str, *, kept: tuple[str, ...] | list[str] = ()) -> str:
    """Return the address without fragment, credentials and query, but for the named query parameters.

    What is no http(s) address is dropped: it would only say something about the person's machine.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"}:
        return ""
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name in kept]) if kept else ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, query, ""))[:LONGEST_URL]


@transaction.atomic
def invite_visitor(
    *, survey: Survey, language: str, channel: str = Channel.LINK, token: str | None = None
) -> tuple[Invitation, str]:
    """Invite an anonymous visitor of a survey's page and return the invitation with its token.

    Args:
        survey: a published survey.
        token: makes the call idempotent: the same token is one visitor and one invitation.
    """
    token = token or new_token()
    digest = token_digest(token)
    at = timezone.now()
    _lock_token(digest)
    invitation = Invitation.including_restricted.filter(token_digest=digest).first()
    if invitation is None:
        visitor = Respondent.objects.create(
            product_id=survey.product_id,
            subject_key=f"anon:{digest.hex()[:32]}",
            anonymous_id=digest.hex()[:32],
            language=language,
            first_seen_at=at,
            reservations=1,
        )
        invitation = Invitation.objects.create(
            product_id=survey.product_id,
            survey=survey,
            version_id=survey.current_version_id,
            respondent=visitor,
            channel=channel,
            language=language,
            token_digest=digest,
            created_at=at,
            expires_at=at + LIFETIME,
            shown_at=at,
        )
    return invitation, token


def _lock_token(digest: bytes) -> None:
    """Make a second request with the same token wait for the first one's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], signed=True)])


def find_invitation(token: str, *, origin: str = "") -> Invitation:
    """Return the invitation with its survey version, person, product and response; one statement.

    Args:
        origin: the web site that asks; empty outside of browsers and on our own pages.

    Raises:
        OriginBlocked: the product does not list that web site.
        UnknownInvitation: nobody was given this token.
        ExpiredInvitation: it is too old, and was never answered.
    """
    invitation = (
        Invitation.including_restricted.select_related("respondent", "version", "survey", "product", "response")
        .filter(token_digest=token_digest(token))
        .first()
    )
    if invitation is None or invitation.respondent.restricted_at:
        raise UnknownInvitation
    if not invitation.product.accepts_origin(origin):
        raise OriginBlocked
    if invitation.responded_at is None and invitation.expires_at <= timezone.now():
        raise ExpiredInvitation
    return invitation


def record_shown(*, token: str, origin: str = "") -> None:
    """Remember the first time the survey was in view."""
    _stamp(token, "shown_at", origin=origin)


def decline(*, token: str, origin: str = "") -> None:
    """End the invitation without a response; after a response a decline is ignored, unless a machine gave it."""
    _stamp(token, "declined_at", origin=origin, responded_at__isnull=True)


def snooze(*, token: str, origin: str = "") -> None:
    """Put the question off; after a response or a decline this is ignored."""
    _stamp(token, "snoozed_at", origin=origin, responded_at__isnull=True, declined_at__isnull=True)


ENDINGS: Final = ("declined_at", "snoozed_at")


def _stamp(token: str, column: str, *, origin: str = "", **unless: bool) -> None:
    invitation = find_invitation(token, origin=origin)
    at = timezone.now()
    untouched = Invitation.including_restricted.filter(**{"pk": invitation.pk, f"{column}__isnull": True}, **unless)
    untouched.update(**{column: at})
    if column in ENDINGS:
        # Who ends an invitation has seen it, even where the message that says so was lost.
        Invitation.including_restricted.filter(pk=invitation.pk, shown_at__isnull=True).update(shown_at=at)
