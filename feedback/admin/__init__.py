"""Staff pages of feedback; the front page stands in ``dashboard``."""

from feedback.admin import follow_ups, importing, people, permissions, responses, suppressions, tags

__all__ = ["follow_ups", "importing", "people", "permissions", "responses", "suppressions", "tags"]
