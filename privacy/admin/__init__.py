"""Staff pages of the ground floor: the organisation."""

from privacy.admin import organisation

__all__ = ["organisation"]
