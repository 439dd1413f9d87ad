"""Addresses of what was improved. The log leaves out what follows ``/object/``."""

from __future__ import annotations

from django.urls import path

from feedback import improvement_pages

app_name = "improvements"
urlpatterns = [
    path("object/<str:token>/", improvement_pages.object_to_contact_page, name="object"),
    path("<slug:public_key>/", improvement_pages.improvements, name="page"),
]
