"""A real browser for tests of the pages: Chromium as the system has it, driven by Playwright."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

import pytest

__all__ = ["DESKTOP", "PHONE", "Browser", "Tab", "started"]

DESKTOP = (1440, 900)
PHONE = (390, 844)
_STREAMS = """
window.streams = [];
const Plain = EventSource;
window.EventSource = class extends Plain {
    constructor(url) {
        super(url);
        streams.push(this);
    }
};
"""
_NAMES = ("chromium", "chromium-browser", "google-chrome")


class Tab:
    """A page of its own profile, which notes what goes wrong in it."""

    def __init__(self, context, url):
        self.url = url
        self.page = context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.add_init_script(_STREAMS)
        self.wrong = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", self._refuse)
        self.page.on("console", self._hear)

    def _refuse(self, dialog):
        self.wrong.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _hear(self, message):
        # Answers that are no success are what some tests ask for; failures of the server are not.
        refused = message.text.startswith("Failed to load") and "status of 4" in message.text
        if message.type == "error" and not refused:
            self.wrong.append(message.text)

    def open(self, path):
        """Goes to a page of the server."""
        self.page.goto(self.url + path)
        return self.page

    def streams(self):
        """How many streams of events the page listens to."""
        return self.page.evaluate("streams.filter(each => each.readyState < 2).length")

    def see(self, seen):
        """Has the page believe that somebody sees it, or that nobody does."""
        self.page.evaluate(
            """seen => {
                Object.defineProperty(document, "hidden", {value: !seen, configurable: true});
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            seen,
        )


class Browser:
    """A browser that runs."""

    def __init__(self, chromium):
        self._chromium = chromium

    @contextmanager
    def tab(self, url, *, size=DESKTOP, theme="light", **more):
        """A tab for a server; in the end nothing must have gone wrong in it.

        Args:
            url: The server's.
            size: Pixels that the page has, across and down.
            theme: What the system prefers.
            **more: For the browser's context.
        """
        view = {"width": size[0], "height": size[1]}
        context = self._chromium.new_context(
            viewport=view, color_scheme=theme, reduced_motion="reduce", locale="en-GB", **more
        )
        try:
            tab = Tab(context, url)
            yield tab
            assert not tab.wrong, tab.wrong
        finally:
            context.close()


@contextmanager
def started():
    """Starts the browser, and ends it; skips where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip(f"needs one of {', '.join(_NAMES)}")
    with api.sync_playwright() as playwright:
        # Without a sandbox of its own, which it refuses to do without as root.
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield Browser(chromium)
        finally:
            chromium.close()
