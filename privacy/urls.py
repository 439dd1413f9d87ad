"""The addresses of the pages for data subjects."""

from django.urls import path

from privacy import package_pages, standing_pages, views

app_name = "privacy"
urlpatterns = [
    path("", views.notice, name="notice"),
    path("cookies/", views.cookies, name="cookies"),
    path("request/", views.request_form, name="request"),
    path("request/received/", views.received, name="received"),
    path("requests/<slug:reference>/", standing_pages.status, name="status"),
    path("requests/<slug:reference>/package/", package_pages.package, name="package"),
    path("packages/<slug:token>/", package_pages.fetch, name="fetch"),
    path("confirm/<slug:token>/", views.confirm, name="confirm"),
    path("object/<slug:token>/", views.object_to_contact, name="object"),
]
