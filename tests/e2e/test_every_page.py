"""Every page of the demo: axe finds nothing, the console is quiet, no English, no sideways scroll."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import (
    DESKTOP,
    PHONE,
    THEMES,
    Watched,
    axe_findings,
    open_page,
    resize,
    sideways_scroll,
    widest_elements,
)
from tests.e2e.demo import Demo
from tests.e2e.english import english_texts
from tests.e2e.pages import ALL, Address, find_ids, log_in, show

NOT_FOUND = "the server responded with a status of 404"


@pytest.fixture(scope="module")
def readers(demo: Demo, browser: Browser) -> Iterator[dict[str, Watched]]:
    """A page for nobody, one for the demo's owner, one for staff; all read German."""
    opened = {who: open_page(browser) for who in ("nobody", "owner", "staff")}
    log_in(opened["owner"].page, demo.url, demo.facts["login"])
    log_in(opened["staff"].page, demo.url, demo.facts["staff"])
    yield opened
    for watched in opened.values():
        watched.page.context.close()


@pytest.fixture(scope="module")
def ids(demo: Demo, readers: dict[str, Watched]) -> dict[str, str]:
    return find_ids(demo.facts, readers["owner"].page)


@pytest.mark.parametrize("address", ALL, ids=[address.name for address in ALL])
def test_a_page_is_right_on_every_screen(
    demo: Demo, readers: dict[str, Watched], ids: dict[str, str], address: Address
) -> None:
    watched = readers[address.who]
    page = watched.page
    watched.said.clear()
    watched.expected = [NOT_FOUND] if address.name == "not-found" else []
    resize(page, DESKTOP, "light")
    assert show(page, demo.url, address, ids) == (404 if address.name == "not-found" else 200)
    found: dict[str, list[str]] = {}
    for width in (DESKTOP, PHONE):
        for theme in THEMES:
            resize(page, width, theme)
            # Nothing but colours differs between the themes of one width.
            if findings := axe_findings(page, only_contrast=theme == "dark"):
                found[f"axe {theme} {width}"] = findings
        if wider := sideways_scroll(page):
            found[f"scrolls sideways at {width} by {wider}"] = widest_elements(page)
    if english := english_texts(page):
        found["English"] = english
    if complaints := watched.complaints():
        found["console"] = complaints
    assert not found, "\n".join(f"{what}: {line}" for what, lines in found.items() for line in lines)
