"""Clients of tests that start fast: each test has one of its own, and most of what it would prepare never changes."""

from __future__ import annotations

from copy import copy

from django.test import client
from django.test.utils import ContextList
from whitenoise.middleware import WhiteNoiseMiddleware

found = {}  # the static files of the project, by address
look_for_files = WhiteNoiseMiddleware.add_files_from_finders


def prepare():
    """Make tests use this module."""
    WhiteNoiseMiddleware.add_files_from_finders = add_found_files
    client.store_rendered_templates = remember_the_page


def add_found_files(middleware):
    """Look for static files once, not for every client: there are hundreds."""
    if not found:
        look_for_files(middleware)
        found.update(middleware.files)
    middleware.files.update(found)


def remember_the_page(store, signal, sender, template, context, **_more):
    """Keep what a page was made of, for ``response.context``, without that of the many templates inside it."""
    if context.template is template:
        store.setdefault("templates", []).append(template)
        store.setdefault("context", ContextList()).append(copy(context))
