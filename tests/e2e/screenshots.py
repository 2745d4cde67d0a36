"""`python -m tests.e2e.screenshots [folder]`: every page of the demo, light and dark, 1440 and 390 wide, in German."""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.e2e.browser import DESKTOP, PHONE, THEMES, chromium, open_page, resize
from tests.e2e.demo import Demo, running_demo
from tests.e2e.pages import ALL, MAKE_EMPTY, Address, find_ids, log_in, show

# Fonts and the first live update.
SETTLE_MILLISECONDS = 250


def picture_name(address: Address, theme: str, width: int) -> str:
    """Named like the design's pictures, so that they lie beside them."""
    return f"{address.name}-{theme}-{width}.png"


def take(page: Page, address: Address, folder: Path) -> list[str]:
    """The page on each screen; only its first screenful, as a person sees it."""
    taken = []
    for width in (DESKTOP, PHONE):
        for theme in THEMES:
            resize(page, width, theme)
            page.wait_for_timeout(60)
            name = picture_name(address, theme, width)
            page.screenshot(path=folder / name)
            taken.append(name)
    return taken


def take_all(demo: Demo, browser: Browser, folder: Path, wanted: str = "") -> int:
    """Every page whose name holds `wanted`; returns how many pictures there are. Prints each."""
    facts = demo.facts
    pages = {who: open_page(browser).page for who in ("nobody", "owner", "staff")}
    log_in(pages["owner"], demo.url, facts["login"])
    log_in(pages["staff"], demo.url, facts["staff"])
    ids = find_ids(facts, pages["owner"])
    count = 0
    for address in ALL:
        if wanted not in address.name:
            continue
        page = pages[address.who]
        resize(page, DESKTOP, "light")
        status = show(page, demo.url, address, ids)
        page.wait_for_timeout(SETTLE_MILLISECONDS)
        taken = take(page, address, folder)
        count += len(taken)
        print(f"{status} {address.name:24} {page.url.removeprefix(demo.url)}", flush=True)
    return count


def main(folder: Path, wanted: str = "") -> int:
    """Start the demo, take the pictures, stop it; 0 if there are pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="botenwerk-pictures-") as data, running_demo(Path(data)) as demo:
        demo.manage("shell", "--no-imports", feed=MAKE_EMPTY.format(email=demo.facts["login"]["email"]))
        with chromium() as browser:
            count = take_all(demo, browser, folder, wanted)
    print(f"{count} pictures in {folder}, {time.monotonic() - begun:.0f} s.")
    return 0 if count else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(Path(given[0]) if given else Path("screenshots"), given[1] if len(given) > 1 else ""))
