"""Debian's Chromium, pages that note every complaint of theirs, and what is measured on them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, Route, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
# WCAG 2.2 AA is the sum of these.
AXE_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
DESKTOP, PHONE = 1440, 390
HEIGHTS = {DESKTOP: 900, PHONE: 844}
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
TIMEOUT_MILLISECONDS = 15_000
# Told on the console too, but not by every version and not for every kind.
NOTE_VIOLATIONS = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.__violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of our own. Raises playwright's Error where CHROMIUM is not one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and what its console said. `expected` holds parts of complaints that the test provokes itself."""

    page: Page
    said: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def complaints(self) -> list[str]:
        """Console errors, script errors and violations of the content security policy that nobody expected."""
        self.said += [f"policy: {one}" for one in self.page.evaluate("window.__violations?.splice(0) ?? []")]
        return [one for one in self.said if not any(part in one for part in self.expected)]


def open_page(
    browser: Browser, *, width: int = DESKTOP, theme: Theme = "light", locale: str = "de-DE", streams: bool = True
) -> Watched:
    """A page in a context (cookies) of its own.

    Without `streams` the live stream answers 204 and the page polls: a threaded test server would hold a thread.
    """
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHTS[width]},
        locale=locale,
        timezone_id="Europe/Vienna",
        color_scheme=theme,
        reduced_motion="reduce",
    )
    context.set_default_timeout(TIMEOUT_MILLISECONDS)
    context.add_init_script(NOTE_VIOLATIONS)
    if not streams:
        context.route("**/live/**", _no_stream)
    page = context.new_page()
    watched = Watched(page)
    page.on("console", lambda message: _note(watched, message))
    page.on("pageerror", lambda error: watched.said.append(f"script: {error}"))
    return watched


def _no_stream(route: Route) -> None:
    route.fulfill(status=204)


def _note(watched: Watched, message: Any) -> None:
    if message.type in ("error", "warning"):
        watched.said.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")


def resize(page: Page, width: int, theme: Theme) -> None:
    """The same page on another screen."""
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")


def axe_findings(page: Page, *, only_contrast: bool = False) -> list[str]:
    """What axe-core finds on the page as it stands, one line a rule with the first elements."""
    page.evaluate(f"window.axe || (() => {{ {AXE.read_text()} }})()")
    tags = {"type": "tag", "values": list(AXE_TAGS)}
    contrast = {"type": "rule", "values": ["color-contrast"]}
    options = {
        "runOnly": contrast if only_contrast else tags,
        "resultTypes": ["violations"],
        # It would put stylesheets into the page, which the policy forbids it.
        "preload": False,
    }
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [_one_line(rule) for rule in found]


def _one_line(rule: dict[str, Any]) -> str:
    places = [
        f"{node['html'][:160]} <- {' '.join(node.get('failureSummary', '').split())[:200]}" for node in rule["nodes"]
    ]
    return f"{rule['id']} ({rule['impact']}, {len(rule['nodes'])} times): " + " | ".join(places[:3])


def sideways_scroll(page: Page) -> int:
    """By how many pixels the page is wider than its window; 0 is right."""
    return int(page.evaluate("Math.max(0, document.scrollingElement.scrollWidth - window.innerWidth)"))


def widest_elements(page: Page) -> list[str]:
    """What sticks out on the right, for the message of a test that failed."""
    script = """() => [...document.querySelectorAll("body *")]
        .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1)
        .slice(0, 4).map((one) => one.outerHTML.slice(0, 120))"""
    return list(page.evaluate(script))
