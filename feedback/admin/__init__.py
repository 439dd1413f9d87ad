"""Staff pages of feedback; the front page stands in ``dashboard``."""

from feedback.admin import (
    campaigns,
    follow_ups,
    importing,
    improvements,
    people,
    permissions,
    responses,
    rules,
    suppressions,
    tags,
    task_failures,
    teams,
)

__all__ = [
    "campaigns",
    "follow_ups",
    "importing",
    "improvements",
    "people",
    "permissions",
    "responses",
    "rules",
    "suppressions",
    "tags",
    "task_failures",
    "teams",
]
