"""Addresses below ``/api/v1/rights-requests``."""

from django.urls import path

from privacy.api import views

app_name = "rights"
urlpatterns = [
    path("", views.RequestsView.as_view(), name="requests"),
    path("links/", views.LinksView.as_view(), name="links"),
    path("<slug:reference>/", views.RequestView.as_view(), name="request"),
]
