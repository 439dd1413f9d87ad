from __future__ import annotations

from tests.mail_server import serve

__all__ = ["serve"]
