"""Take the pictures of the README from a running demo."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from playwright.sync_api import Error, sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PUBLIC_PAGES: Final = {"survey": "/s/demo-nps/", "rights-request": "/privacy/request/"}
WIDE: Final = {"width": 1280, "height": 800}
NARROW: Final = {"width": 400, "height": 760}


class Command(BaseCommand):
    help = "Take the pictures of the README; make demo must be running."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the demo runs")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.BASE_DIR / "docs" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                for name, path in PUBLIC_PAGES.items():
                    page = self.open(browser, options["url"] + path, NARROW)
                    page.screenshot(path=folder / f"{name}.png")
                page = self.open(browser, f"{options['url']}/admin/login/?next=/admin/", WIDE)
                page.get_by_label("Username").fill("dpo")
                page.get_by_label("Password").first.fill("odzew-demo")
                page.get_by_role("button", name="Log in").click()
                page.wait_for_load_state("networkidle")
                page.screenshot(path=folder / "dashboard.png")
        except Error as error:
            raise CommandError(f"no pictures could be taken; is make demo running? {error.message}") from error
        self.stdout.write(f"the pictures are in {folder.relative_to(settings.BASE_DIR)}")

    def open(self, browser: Browser, url: str, size: dict[str, int]) -> Page:
        page = browser.new_page(viewport=size, locale="en-GB")  # type: ignore[arg-type]  # a plain dictionary will do
        page.goto(url, wait_until="networkidle")
        return page
