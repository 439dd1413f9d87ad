"""Packages: copies of somebody's data under Art. 15 and 20 GDPR, from building to the end of their key."""

from privacy.packages.building import build
from privacy.packages.keeping import LIFE, destroy, destroy_expired, open_package, start_period

__all__ = ["LIFE", "build", "destroy", "destroy_expired", "open_package", "start_period"]
