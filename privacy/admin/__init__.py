"""Staff pages of the ground floor: the organisation, and what data subjects ask for."""

from privacy.admin import organisation, requests

__all__ = ["organisation", "requests"]
