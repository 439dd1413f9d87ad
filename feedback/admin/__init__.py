"""Staff pages of feedback; the front page stands in ``dashboard``."""

from feedback.admin import follow_ups, importing, responses, tags, teams

__all__ = ["follow_ups", "importing", "responses", "tags", "teams"]
