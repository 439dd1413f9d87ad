"""The JSON Schema that a package carries, made from the columns that are in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models

from privacy.access import RECORD

if TYPE_CHECKING:
    from privacy.access import Dataset, ShownColumn
    from privacy.packages.contents import Contents

VERSION: Final = 1
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def format_of(contents: Contents) -> str:
    return "odzew-portability" if contents.portable else "odzew-access"


def schema(contents: Contents) -> dict[str, Any]:
    """Return the schema of the package's ``data.json``."""
    text = {"type": "string"}
    return {
        "$schema": DIALECT,
        "$id": f"urn:{format_of(contents)}:{VERSION}",
        "type": "object",
        "required": ["format", "version", "reference", "controller", "language", "made_at", "datasets"],
        "additionalProperties": False,
        "properties": {
            "format": {"const": format_of(contents)},
            "version": {"const": VERSION},
            "reference": text,
            "controller": text,
            "language": text,
            "made_at": {"type": "string", "format": "date-time"},
            "datasets": {
                "type": "object",
                "additionalProperties": False,
                "required": [part.dataset.name for part in contents.parts],
                "properties": {part.dataset.name: _dataset(part.dataset) for part in contents.parts},
            },
        },
    }


def _dataset(dataset: Dataset) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["title", "derived", "count", "records"],
        "additionalProperties": False,
        "properties": {
            "title": {"const": dataset.title},
            "derived": {"type": "array", "items": {"type": "string"}, "description": "columns that we derived"},
            "count": {"type": "integer"},
            "records": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": [RECORD],  # a value about somebody else is missing
                    "additionalProperties": False,
                    "properties": {
                        RECORD: {"type": "integer"},
                        **{column.name: _column(column) for column in dataset.columns},
                    },
                },
            },
        },
    }


def _column(column: ShownColumn) -> dict[str, Any]:
    form = _form(column.field)
    if column.field.null and "type" in form:
        kinds = form["type"] if isinstance(form["type"], list) else [form["type"]]
        form = {**form, "type": [*kinds, "null"]}
    return {"title": column.title, "description": column.treatment.value, **form}


def _form(field: Any) -> dict[str, Any]:
    if isinstance(field, models.GeneratedField):
        return _form(field.output_field)
    match field:
        case models.ForeignKey():
            return {"type": ["string", "integer"]}
        case models.BooleanField():
            return {"type": "boolean"}
        case models.IntegerField():
            return {"type": "integer"}
        case models.DateTimeField():
            return {"type": "string", "format": "date-time"}
        case models.DateField():
            return {"type": "string", "format": "date"}
        case ArrayField():
            return {"type": "array"}
        case models.JSONField():
            return {}
    return {"type": "string"}
