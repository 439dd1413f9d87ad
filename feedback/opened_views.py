"""The picture in a mail by which opened mails are counted, where a product turned that on."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from feedback.campaigns import record_mail_opened

if TYPE_CHECKING:
    from django.http import HttpRequest

# One transparent pixel.
PICTURE: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@never_cache
@require_safe
def mail_opened(request: HttpRequest, token: str) -> HttpResponse:
    """Note that the mail was opened and answer with the picture, the same whether or not there is such a mail."""
    if request.method == "GET":
        record_mail_opened(token=token)
    return HttpResponse(PICTURE, content_type="image/gif")
