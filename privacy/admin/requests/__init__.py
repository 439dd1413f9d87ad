"""Rights requests in the admin: the queue by due date, and a page on which one is worked from top to bottom."""

from privacy.admin.requests.queue import RightsRequestAdmin

__all__ = ["RightsRequestAdmin"]
