"""The hook at which a mail provider delivers people's replies, with its signature or secret."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, Final

from anymail.webhooks.mailersend import MailerSendInboundWebhookView
from anymail.webhooks.mailgun import MailgunInboundWebhookView
from anymail.webhooks.mailjet import MailjetInboundWebhookView
from anymail.webhooks.postal import PostalInboundWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView
from anymail.webhooks.sparkpost import SparkPostInboundWebhookView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from feedback.inbound import receive
from feedback.inbound_reading import MALFORMED

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
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    request._body = body  # the limit of forms is too low for a mail with a photograph
    hook = PROVIDERS[provider]()
    try:
        hook.run_validators(request)
        mails = [event.message for event in hook.parse_events(request)]
    except MALFORMED as error:
        logger.warning("the mail provider's call could not be read: %s", type(error).__name__)
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    for mail in mails:
        recipients = [mail.envelope_recipient] if mail.envelope_recipient else []
        logger.info("reply: 1 %s", receive(message=mail, recipients=recipients))
    return HttpResponse()
