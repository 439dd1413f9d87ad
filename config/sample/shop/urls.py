"""Every address of the sample shop."""

from __future__ import annotations

from pathlib import Path

from django.urls import include, path
from django.views.static import serve

from config.sample.shop import views
from config.sample.shop.words import WORDS

pages = [
    path("", views.home),
    path("products/<slug:name>/", views.product),
    path("basket/", views.basket),
    path("order/", views.order),
    path("done/", views.done),
    path("account/", views.account, {"view": "orders"}),
    path("account/details/", views.account, {"view": "details"}),
    path("demo/person/", views.choose_person),
    path("demo/clock/", views.move_clock),
    path("demo/consent/", views.choose_consent),
    path("demo/again/", views.start_over),
]
urlpatterns = [
    path("", views.choose_language),
    path("static/<path:path>", serve, {"document_root": Path(__file__).parent / "static"}),
    *(path(f"{language}/", include(pages), {"language": language}) for language in WORDS),
]
