"""Whom a survey is for: rules over the person and the moment. Decided without a database, at every page view."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Subject(models.TextChoices):
    """What a rule of an audience looks at."""

    PROPERTY = "property", _("property")
    COUNTRY = "country", _("country")
    COMPANY = "company", _("company")
    LANGUAGE = "language", _("language")
    KNOWN = "known", _("identified or anonymous")
    CUSTOMER_SINCE = "customer_since", _("customer since")
    URL = "url", _("page address")
    EVENT = "event", _("event")
    DEVICE = "device", _("device")


class Operator(models.TextChoices):
    """How a rule compares."""

    IS = "is", _("is")
    IS_NOT = "is_not", _("is not")
    CONTAINS = "contains", _("contains")
    STARTS_WITH = "starts_with", _("starts with")
    MATCHES = "matches", _("matches the pattern")
    GREATER = "greater", _("is greater than")
    LESS = "less", _("is less than")
    BEFORE = "before", _("is before")
    AFTER = "after", _("is after")
    IS_SET = "is_set", _("is set")
    IS_NOT_SET = "is_not_set", _("is not set")


class Dimension(models.TextChoices):
    """What a quota divides people by."""

    COUNTRY = "country", _("country")
    LANGUAGE = "language", _("language")
    COMPANY = "company", _("company")
    PROPERTY = "property", _("property")


WITHOUT_VALUES: Final = frozenset({Operator.IS_SET, Operator.IS_NOT_SET})
