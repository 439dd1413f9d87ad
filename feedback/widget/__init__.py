"""The widget that host pages embed: a loader, and the survey it fetches once somebody may be asked."""
