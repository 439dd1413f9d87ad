"""Staff pages of feedback: responses, follow-ups, tags; the front page stands in ``dashboard``."""

from feedback.admin import follow_ups, responses, tags

__all__ = ["follow_ups", "responses", "tags"]
