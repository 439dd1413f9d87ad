"""Addresses of the widget; ``v1`` is a promise to the pages that name it."""

from django.urls import path, re_path

from feedback.widget import views

app_name = "widget"
urlpatterns = [
    path("v1.js", views.loader, name="loader"),
    re_path(
        r"^survey-(?P<digest>[0-9a-f]{12})\.(?P<language>[a-z]{2,3}(?:-[a-z]+)?)\.js$", views.survey, name="survey"
    ),
]
