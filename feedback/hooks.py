"""The hooks at which a mail provider delivers people's replies and reports on mails, with its signature or secret."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from anymail.signals import EventType
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailersend import MailerSendInboundWebhookView, MailerSendTrackingWebhookView
from anymail.webhooks.mailgun import MailgunInboundWebhookView, MailgunTrackingWebhookView
from anymail.webhooks.mailjet import MailjetInboundWebhookView, MailjetTrackingWebhookView
from anymail.webhooks.postal import PostalInboundWebhookView, PostalTrackingWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView, PostmarkTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridTrackingWebhookView
from anymail.webhooks.sparkpost import SparkPostInboundWebhookView, SparkPostTrackingWebhookView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from feedback.campaigns import Report, take_report
from feedback.inbound import contact_came_back, receive
from feedback.inbound_reading import MALFORMED, Nature
from feedback.models import MailEvent
from privacy.answering import message_came_back

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

# Those whose inbound mail needs nothing but a secret; they are the choices of INBOUND_MAIL_PROVIDER.
PROVIDERS: Final[dict[str, Any]] = {
    "mailersend": MailerSendInboundWebhookView,
    "mailgun": MailgunInboundWebhookView,
    "mailjet": MailjetInboundWebhookView,
    "postal": PostalInboundWebhookView,
    "postmark": PostmarkInboundWebhookView,
    "sparkpost": SparkPostInboundWebhookView,
}
# The choices of MAIL_EVENTS_PROVIDER.
REPORTERS: Final[dict[str, Any]] = {
    "brevo": BrevoTrackingWebhookView,
    "mailersend": MailerSendTrackingWebhookView,
    "mailgun": MailgunTrackingWebhookView,
    "mailjet": MailjetTrackingWebhookView,
    "postal": PostalTrackingWebhookView,
    "postmark": PostmarkTrackingWebhookView,
    "sendgrid": SendGridTrackingWebhookView,
    "sparkpost": SparkPostTrackingWebhookView,
}
# What a report means here. Others, opened mails among them, are let go.
KINDS: Final = {
    EventType.DELIVERED: MailEvent.Kind.DELIVERED,
    EventType.BOUNCED: MailEvent.Kind.BOUNCED,
    EventType.REJECTED: MailEvent.Kind.BOUNCED,
    EventType.FAILED: MailEvent.Kind.BOUNCED,
    EventType.COMPLAINED: MailEvent.Kind.COMPLAINED,
    EventType.UNSUBSCRIBED: MailEvent.Kind.UNSUBSCRIBED,
}
# Whether a provider's report of a bounce says that the address will never take mail: a full mailbox, a mail that was
# taken for spam and a server that is down are called bounces, too. The others report only what is final as a bounce.
IS_FINAL: Final[dict[str, Callable[[Any], bool]]] = {
    "brevo": lambda said: said["event"] != "soft_bounce",
    "mailersend": lambda said: said["data"]["type"] == "hard_bounced",
    "mailjet": lambda said: bool(said.get("hard_bounce")),
    "postmark": lambda said: said.get("Type") == "HardBounce",
    "sendgrid": lambda said: said.get("type") != "blocked",
    # No such recipient, in two ways; the rest is soft, undetermined, or about the mail rather than the address.
    "sparkpost": lambda said: str(next(iter(said["msys"].values())).get("bounce_class")) in {"10", "30"},
}
# Attachments of a mail come along, and providers accept some 25 MB of them.
MOST_BYTES: Final = 40_000_000


@csrf_exempt
@require_http_methods(["POST", "HEAD"])  # some providers try the address with HEAD when it is set up
def receive_mail(request: HttpRequest, provider: str) -> HttpResponse:
    """Attach the mail that the configured provider delivers; a wrong signature or secret is refused with 400."""
    if provider != settings.INBOUND_MAIL_PROVIDER:
        raise Http404
    if request.method == "HEAD":
        return HttpResponse()
    events = _events(PROVIDERS[provider](), request)
    if isinstance(events, HTTPStatus):
        return HttpResponse(status=events)
    for event in events:
        mail = event.message
        recipients = [mail.envelope_recipient] if mail.envelope_recipient else []
        logger.info("reply: 1 %s", receive(message=mail, recipients=recipients))
    return HttpResponse()


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def take_mail_events(request: HttpRequest, provider: str) -> HttpResponse:
    """Note what the configured provider reports about mails; a wrong signature or secret is refused with 400."""
    if provider != settings.MAIL_EVENTS_PROVIDER:
        raise Http404
    if request.method == "HEAD":
        return HttpResponse()
    events = _events(REPORTERS[provider](), request)
    if isinstance(events, HTTPStatus):
        return HttpResponse(status=events)
    for event in events:
        if event.event_type in KINDS and not _is_about_a_request(event):
            _take(_report(event, provider))
    return HttpResponse()


def _take(report: Report) -> None:
    """Note a report with the follow-up whose e-mail did not arrive, else with the campaign whose mail it is about.

    What providers call a bounce they do not try again, also where it says nothing about the address.
    """
    nature = Nature.BOUNCE if report.is_final else Nature.REFUSED
    message_id = f"<{report.message_id.strip('<> ')}>"
    if report.kind != MailEvent.Kind.BOUNCED or not contact_came_back(message_id=message_id, nature=nature):
        take_report(report=report)


def _report(event: Any, provider: str) -> Report:
    kind = KINDS[event.event_type]
    is_bounce = event.event_type == EventType.BOUNCED  # and not refused by the provider itself
    at = event.timestamp or timezone.now()
    return Report(
        kind=kind,
        message_id=_name_of(event),
        recipient=event.recipient or "",
        at=min(at, timezone.now()),
        key=str(event.event_id or f"{event.message_id} {event.timestamp}"),
        reason=event.reject_reason or "",
        is_final=is_bounce and (provider not in IS_FINAL or IS_FINAL[provider](event.esp_event)),
    )


def _name_of(event: Any) -> str:
    """Return what a provider calls a mail; some have numbers for them."""
    return "" if event.message_id is None else str(event.message_id)


def _is_about_a_request(event: Any) -> bool:
    """Note that a mail about a rights request did not arrive, and tell whether it was one.

    Those are asked first: what is known of no campaign is taken for its last mail to the same address.
    """
    bare = _name_of(event).strip("<> ")  # some providers leave the angle brackets out
    did_not_arrive = KINDS[event.event_type] == MailEvent.Kind.BOUNCED
    return did_not_arrive and bool(bare) and message_came_back(message_ids=[f"<{bare}>"])


def _events(hook: Any, request: HttpRequest) -> list[Any] | HTTPStatus:
    """Return what a provider tells, or the status with which its call is refused."""
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    request._body = body  # the limit of forms is too low for a mail with a photograph
    try:
        hook.run_validators(request)
        return list(hook.parse_events(request))
    except MALFORMED as error:
        logger.warning("the mail provider's call could not be read: %s", type(error).__name__)
        return HTTPStatus.BAD_REQUEST
