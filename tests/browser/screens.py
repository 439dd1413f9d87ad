"""The screens on which pages are looked at: any two of a width, a scheme and a language meet on one of them."""

import pytest

on_every_screen = pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(320, "dark", "pl"), (320, "light", "en"), (1280, "dark", "en"), (1280, "light", "pl")],
)
