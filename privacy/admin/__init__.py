"""Staff pages of the ground floor: the organisation, what data subjects ask for, who read what, and who watches."""

from privacy.admin import access_log, incidents, organisation, oversight, recipients, requests, server_keys

__all__ = ["access_log", "incidents", "organisation", "oversight", "recipients", "requests", "server_keys"]
