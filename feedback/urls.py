"""Addresses of the survey pages, and of the hook through which mail comes in."""

from __future__ import annotations

from django.urls import path

from feedback import hooks, mail_views, opened_views, views

app_name = "feedback"
urlpatterns = [
    path("s/<slug:slug>/", views.survey_page, name="survey"),
    path("i/<str:token>/", views.invitation_page, name="invitation"),
    path("i/<str:token>/unsubscribe/", views.unsubscribe_page, name="unsubscribe"),
    path("hooks/mail/<slug:provider>/", hooks.receive_mail, name="inbound_mail"),
    path("mail/unsubscribe/<str:token>/", mail_views.stop_mail_page, name="stop_mail"),
    path("i/<str:token>/opened.gif", opened_views.mail_opened, name="opened"),
    path("hooks/mail-events/<slug:provider>/", hooks.take_mail_events, name="mail_events"),
]
