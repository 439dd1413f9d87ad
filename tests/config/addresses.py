"""Every address of the project, from the URL resolver itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.urls import URLPattern, get_resolver, reverse
from django.urls.resolvers import URLResolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from django.db.models import Model

# What the admin makes for each list.
OF_A_LIST = ("changelist", "add", "change", "delete", "history")


def every_name(patterns: Iterable[URLPattern | URLResolver] | None = None, namespace: str = "") -> Iterator[str]:
    """Yield the name of every address as ``reverse`` takes it; one without a name is named by its pattern."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from every_name(pattern.url_patterns, inner)
        else:
            yield f"{namespace}{pattern.name or str(pattern.pattern)}"


def names_of_lists() -> set[str]:
    """Return the names of the addresses that every list has."""
    return {f"admin:{_name(model)}_{page}" for model in admin.site._registry for page in OF_A_LIST}


def _name(model: type[Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def addresses_of_lists(rows: Mapping[str, Model]) -> dict[str, str]:
    """Return the addresses of every list and of one row of it, by name."""
    found = {}
    for model in admin.site._registry:
        for page in OF_A_LIST:
            args = [] if page in {"changelist", "add"} else [rows[model._meta.label_lower].pk]
            found[f"admin:{_name(model)}_{page}"] = reverse(f"admin:{_name(model)}_{page}", args=args)
    return found
