"""The WSGI application of the sample shop."""

from __future__ import annotations

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "config.sample.shop.settings"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
