"""The addresses of the pages for data subjects."""

from django.urls import path

from privacy import views

app_name = "privacy"
urlpatterns = [
    path("", views.notice, name="notice"),
    path("cookies/", views.cookies, name="cookies"),
    path("request/", views.request_form, name="request"),
    path("request/received/", views.received, name="received"),
    path("confirm/<slug:token>/", views.confirm, name="confirm"),
    path("object/<slug:token>/", views.object_to_contact, name="object"),
]
