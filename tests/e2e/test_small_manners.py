"""Small manners of the pages: dialogs, what stays unfolded, times and windows that walk on, threads, motion, touch."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.cast import PASSWORD
from tests.e2e.browser import HEIGHTS, PHONE
from tests.e2e.pages import log_in
from tests.house import House
from workspaces.models import User

BASE = "/w/praxis-graz"
PAUSE = {"mode": "for", "duration": {"amount": 1, "unit": "hours"}}
# Long enough that five of them fill a thread's screen twice.
LONG = "\n".join(f"Zeile {number}" for number in range(16))


def refresh(page: Page, part: str) -> None:
    """As when the stream names the part's topic: it fetches itself anew."""
    with page.expect_response(lambda response: response.request.headers.get("hx-request") == "true"):
        page.evaluate("part => htmx.trigger(part, 'changed')", part)


def conversation_of(house: House, page: Page, base: str) -> Page:
    """The newest conversation in the inbox."""
    page.goto(f"{base}{BASE}/inbox/")
    page.locator(".conversation-row").first.click()
    page.locator("#talk").wait_for()
    page.wait_for_load_state("load")
    return page


# --- Dialogs -------------------------------------------------------------------------------------


@pytest.fixture
def dialog(at_home: Page, live_server: Any) -> Locator:
    """The dialog of the sheet of components, open."""
    at_home.goto(f"{live_server.url}/styleguide/")
    at_home.wait_for_load_state("load")
    at_home.get_by_role("button", name="Open a dialog").click()
    shown = at_home.locator("#sheet-dialog")
    expect(shown).to_be_visible()
    return shown


def edge(dialog: Locator) -> tuple[float, float]:
    """The middle of the dialog's left edge."""
    box = dialog.bounding_box()
    assert box is not None
    return box["x"], box["y"] + box["height"] / 2


def test_a_press_outside_of_its_box_closes_a_dialog(dialog: Locator) -> None:
    x, y = edge(dialog)
    dialog.page.mouse.click(x - 40, y)
    expect(dialog).to_be_hidden()


def test_a_press_on_its_padding_does_not(dialog: Locator) -> None:
    x, y = edge(dialog)
    dialog.page.mouse.click(x + 6, y)
    expect(dialog).to_be_visible()


def test_marking_text_that_ends_outside_does_not(dialog: Locator) -> None:
    x, y = edge(dialog)
    mouse = dialog.page.mouse
    mouse.move(x + 60, y)
    mouse.down()
    mouse.move(x - 60, y, steps=4)
    mouse.up()
    expect(dialog).to_be_visible()


def test_escape_closes_it_and_gives_the_focus_back(dialog: Locator) -> None:
    dialog.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(dialog.page.get_by_role("button", name="Open a dialog")).to_be_focused()


# --- What the reader has unfolded ----------------------------------------------------------------


def test_a_part_stays_open_while_it_is_fetched_anew(house: House, at_home: Page, live_server: Any) -> None:
    house.customer_writes("Hallo")
    at_home.goto(f"{live_server.url}{BASE}/")
    at_home.wait_for_load_state("load")
    table = at_home.locator("#chart-table")
    table.locator("summary").click()
    received = table.locator("tbody td:last-child")
    assert sum(int(text) for text in received.all_inner_texts()) == 1
    house.customer_writes("Sind Sie da?")
    refresh(at_home, "#today")
    expect(at_home.locator(".today-figures .figure-number").nth(1)).to_have_text("2")
    expect(table).to_have_attribute("open", "")
    assert sum(int(text) for text in received.all_inner_texts()) == 2


def test_an_open_menu_stays_open_over_a_live_refresh(house: House, at_home: Page, live_server: Any) -> None:
    house.flow("call_ended", [{"type": "delay", "key": "pause", "config": PAUSE}])
    house.event("call.ended", call_id="1", status="answered")
    at_home.goto(f"{live_server.url}{BASE}/runs/{house.run().public_id}/")
    at_home.wait_for_load_state("load")
    more = at_home.locator("#run .page-head-actions .menu")
    more.locator("summary").click()
    house.advance(hours=1)
    refresh(at_home, "#run")
    expect(at_home.locator("#run .page-head .pill")).to_have_text("done")
    expect(more).to_have_attribute("open", "")


# --- Times ---------------------------------------------------------------------------------------


@pytest.fixture
def walking(at_home: Page, house: House) -> Page:
    """Alice's browser, whose time can be moved together with the house's."""
    at_home.clock.install(time=house.now)
    return at_home


def move_on(page: Page, house: House, **delta: float) -> None:
    """Time passes for the page and for the server; what is due in the house is left undone."""
    passed = timedelta(**delta)
    house.traveller.shift(passed)
    page.clock.fast_forward(int(passed.total_seconds() * 1000))


def test_the_window_walks_on_turns_amber_and_locks_by_itself(house: House, walking: Page, live_server: Any) -> None:
    house.customer_writes("Hallo")
    page = conversation_of(house, walking, live_server.url)
    window, left = page.locator(".composer-window"), page.locator("[data-left]")
    expect(left).to_have_text("23 hr 59 min")
    move_on(page, house, minutes=15)
    expect(left).to_have_text("23 hr 44 min")
    assert "is-short" not in (window.get_attribute("class") or "")
    page.locator(".composer textarea").fill("Gleich antworte ich")
    move_on(page, house, hours=21, minutes=15)
    expect(left).to_have_text("2 hr 29 min")
    assert "is-short" in (window.get_attribute("class") or "")
    move_on(page, house, hours=3)
    expect(page.locator(".composer-closed")).to_contain_text("The window is closed.")
    expect(page.locator(".composer-kept")).to_contain_text("Gleich antworte ich")


@pytest.mark.parametrize(("passed", "words"), [({"minutes": 4}, "4 min ago"), ({"hours": 2}, "2 hrs ago")])
def test_a_relative_time_walks_on_in_the_servers_own_words(
    house: House, walking: Page, live_server: Any, passed: dict[str, float], words: str
) -> None:
    house.flow("call_ended", [{"type": "stop", "key": "ende", "config": {}}])
    house.event("call.ended", call_id="1", status="answered")
    walking.goto(f"{live_server.url}{BASE}/runs/")
    walking.wait_for_load_state("load")
    begun = walking.locator("#runs tbody time")
    expect(begun).to_have_text("now")
    move_on(walking, house, **passed)
    expect(begun).to_have_text(words)
    walking.reload()
    expect(begun).to_have_text(words)


# --- Threads -------------------------------------------------------------------------------------


@pytest.fixture
def thread(house: House, at_home: Page, live_server: Any) -> Locator:
    """A thread that is longer than its screen."""
    for _time in range(5):
        house.customer_writes(LONG)
    return conversation_of(house, at_home, live_server.url).locator("#thread")


def is_at_end(thread: Locator) -> bool:
    return bool(thread.evaluate("one => one.scrollHeight - one.scrollTop - one.clientHeight < 4"))


def test_a_thread_follows_who_reads_at_its_end(house: House, thread: Locator) -> None:
    assert is_at_end(thread)
    house.customer_writes("Noch etwas")
    refresh(thread.page, "#talk")
    expect(thread.locator(".bubble").last).to_contain_text("Noch etwas")
    assert is_at_end(thread)
    expect(thread.locator(".thread-news")).to_have_count(0)


def test_who_has_scrolled_up_stays_there_and_is_told_how_much_is_new(house: House, thread: Locator) -> None:
    thread.evaluate("one => { one.scrollTop = 40; }")
    thread.page.wait_for_function("document.getElementById('thread').scrollTop === 40")
    for text, told in (("Erstens", "1 new"), ("Zweitens", "2 new")):
        house.customer_writes(text)
        refresh(thread.page, "#talk")
        expect(thread.locator(".thread-news")).to_have_text(told)
    assert thread.evaluate("one => one.scrollTop") == 40
    thread.locator(".thread-news").click()
    expect(thread.locator(".thread-news")).to_have_count(0)
    assert is_at_end(thread)


# --- Motion --------------------------------------------------------------------------------------

COUNT_ANIMATIONS = """
window.__animated = 0;
const animate = Element.prototype.animate;
Element.prototype.animate = function (...given) {
  window.__animated += 1;
  return animate.apply(this, given);
};
"""


@pytest.mark.parametrize(("wish", "moves"), [("no-preference", 1), ("reduce", 0)])
def test_the_form_of_a_card_comes_in_once_and_only_where_motion_is_wanted(
    house: House, at_home: Page, live_server: Any, wish: Any, moves: int
) -> None:
    steps: list[Mapping[str, Any]] = [
        {"type": "delay", "key": "eins", "config": PAUSE},
        {"type": "stop", "key": "zwei", "config": {}},
    ]
    flow = house.flow("call_ended", steps)
    at_home.add_init_script(COUNT_ANIMATIONS)
    at_home.emulate_media(reduced_motion=wish)
    at_home.goto(f"{live_server.url}{BASE}/flows/{flow.public_id}/")
    at_home.wait_for_load_state("load")
    for card in ("eins", "zwei"):
        at_home.locator(f".builder-canvas a[href*='step={card}']").first.click()
        at_home.wait_for_url(f"**step={card}*")
        at_home.locator("#panel").wait_for()
    assert at_home.evaluate("window.__animated") == moves


# --- Touch ---------------------------------------------------------------------------------------

# How far up and down from its middle a control answers; a link within a sentence is measured by its line.
MEASURE = """() => {
  const found = [];
  for (const one of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    const box = one.getBoundingClientRect();
    const style = getComputedStyle(one);
    const isClosed = one.closest("dialog:not([open]), details:not([open]) > :not(summary)");
    if (box.width < 3 || box.height < 3 || isClosed || one.closest(".skip-link, .visually-hidden")) continue;
    const isInSentence = style.display === "inline" && one.closest("p")?.textContent.trim() !== one.textContent.trim();
    if (isInSentence && one.matches("p a")) continue;
    one.scrollIntoView({ block: "center" });
    const now = one.getBoundingClientRect();
    const [x, y] = [now.left + now.width / 2, now.top + now.height / 2];
    const answers = (at) => {
      const hit = document.elementFromPoint(x, at);
      return hit && (one.contains(hit) || [...(one.labels ?? [])].some((label) => label.contains(hit)));
    };
    let height = 1;
    for (let step = 1; step < 40 && answers(y - step); step += 1) height += 1;
    for (let step = 1; step < 40 && answers(y + step); step += 1) height += 1;
    if (height < 44) found.push(`${height} px: ${one.outerHTML.slice(0, 120)}`);
  }
  return found;
}"""


@pytest.fixture
def phone(browser: Browser, owner: User, live_server: Any) -> Iterator[Page]:
    """Alice's phone: a finger, 390 wide."""
    viewport = {"width": PHONE, "height": HEIGHTS[PHONE]}
    context = browser.new_context(viewport=viewport, has_touch=True, is_mobile=True, reduced_motion="reduce")  # type: ignore[arg-type]
    context.route("**/live/**", lambda route: route.fulfill(status=204))
    page = context.new_page()
    log_in(page, live_server.url, {"email": owner.email, "password": PASSWORD})
    yield page
    context.close()


@pytest.mark.parametrize("path", ["/", "/inbox/", "/runs/", "/senders/", "/flows/", "{run}", "{thread}"])
def test_a_finger_finds_what_stands_alone(house: House, phone: Page, live_server: Any, path: str) -> None:
    house.flow("conversation_started", [{"type": "stop", "key": "ende", "config": {}}])
    house.customer_writes("Hallo")
    run = house.run()
    known = {"{run}": f"/runs/{run.public_id}/", "{thread}": f"/inbox/{run.conversation.public_id}/"}  # type: ignore[union-attr]
    phone.goto(f"{live_server.url}{BASE}{known.get(path, path)}")
    phone.wait_for_load_state("networkidle")
    assert phone.evaluate(MEASURE) == []
