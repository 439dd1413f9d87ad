"""Every address of the demonstration: those of the project, and the outbox."""

from __future__ import annotations

from django.urls import path

from config.sample import outbox
from config.urls import urlpatterns as pages

urlpatterns = [
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<str:key>/", outbox.mail_page, name="outbox_mail"),
    path("outbox/<str:key>/html/", outbox.html_part, name="outbox_html"),
    *pages,
]
