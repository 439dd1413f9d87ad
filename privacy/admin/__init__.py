"""Staff pages of the ground floor: the organisation, what data subjects ask for, and who read what."""

from privacy.admin import access_log, organisation, requests

__all__ = ["access_log", "organisation", "requests"]
