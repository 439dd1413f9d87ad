"""The addresses of the pages for data subjects."""

from django.urls import path, reverse_lazy
from django.views.generic import RedirectView

from privacy import views

app_name = "privacy"
urlpatterns = [
    path("", views.notice, name="notice"),
    path("cookies/", views.cookies, name="cookies"),
    path("request/", views.request_form, name="request"),
    path("request/received/", views.received, name="received"),
    path("object/<str:token>/", RedirectView.as_view(url=reverse_lazy("privacy:request")), name="object"),
    path("confirm/<slug:token>/", views.confirm, name="confirm"),
]
