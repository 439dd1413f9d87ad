"""Addresses of the survey pages."""

from __future__ import annotations

from django.urls import path

from feedback import mail_views, views

app_name = "feedback"
urlpatterns = [
    path("s/<slug:slug>/", views.survey_page, name="survey"),
    path("i/<str:token>/", views.invitation_page, name="invitation"),
    path("mail/unsubscribe/<str:token>/", mail_views.unsubscribe_page, name="unsubscribe"),
]
