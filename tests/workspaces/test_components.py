"""The components: what a person sees and a reader hears, the icons that exist, and pages that obey their own policy."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from django.conf import settings
from django.template import Context, Template
from django.test import Client
from django.utils import timezone, translation

from config.vendoring import FILES, ICON_PACKAGE, VENDOR, icons_in_use, licence_of
from tests.cast import PASSWORD, make_user
from workspaces.errors import BotenwerkError
from workspaces.models import User

NOW = datetime(2026, 11, 25, 11, 41, tzinfo=UTC)
# Mails have no stylesheet, so the rules of pages are not theirs.
TEMPLATES = [path for path in sorted(Path(settings.BASE_DIR, "templates").rglob("*.html")) if "mail" not in path.parts]


def shown(source: str, **context: object) -> str:
    with timezone.override("Europe/Vienna"), translation.override("en"):
        return Template("{% load ui %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(minutes=4), "4 min ago"),
        (timedelta(hours=1), "1 hr ago"),
        (timedelta(hours=23, minutes=59), "23 hrs ago"),
        (timedelta(days=1), "yesterday, 12:41"),
        (timedelta(days=2), "2026-11-23"),
        (timedelta(hours=-3), "in 3 hrs"),
        (timedelta(days=-1), "tomorrow, 12:41"),
    ],
)
def test_times_are_relative_under_a_day_and_absolute_beyond(passed: timedelta, words: str) -> None:
    with time_machine.travel(NOW, tick=False):
        html = shown("{{ moment|ago }}", moment=NOW - passed)
    assert f">{words}<" in html


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("minutes", [1, 2, 59, 60, 119, 120, 23 * 60, -1, -5, -60, -180])
def test_a_time_that_walks_on_keeps_the_servers_wording(minutes: int, language: str) -> None:
    with time_machine.travel(NOW, tick=False), translation.override(language):
        template = Template("{% load ui %}{{ moment|ago }}")
        html = template.render(Context({"moment": NOW - timedelta(minutes=minutes)}))
        words = json.loads(unescape(Template("{% load ui %}{% ago_words %}").render(Context())))
    # As static/js/times.js puts them together.
    passed = abs(minutes)
    unit, count = ("minute", passed) if passed < 60 else ("hour", passed // 60)
    said = words["past" if minutes > 0 else "future"][unit][0 if count == 1 else 1].replace("#", str(count))
    assert f">{said}<" in html


def test_days_are_told_apart_by_their_height_and_said_to_readers() -> None:
    drawn = shown("{% day_states days %}", days=["off", "done", "att", "fail"])
    assert re.findall(r'class="chart-(\w+)" .*?height="(\d+)"', drawn) == [
        ("off", "2"),
        ("done", "14"),
        ("att", "9"),
        ("fail", "5"),
    ]
    assert "1 day in order, 1 day that needed attention, 1 day with a failure" in drawn


def test_an_error_offers_what_cures_it_the_likeliest_first() -> None:
    cures = [SimpleNamespace(label="Open", url="/there/"), SimpleNamespace(label="Retry", url="/again/", is_verb=True)]
    box = shown("{% error_box error cures %}", error=BotenwerkError(), cures=cures, csrf_token="token")
    assert re.findall(r'class="button( button-primary)?"', box) == [" button-primary", ""]
    assert 'href="/there/"' in box
    assert 'action="/again/"' in box and "csrfmiddlewaretoken" in box


def test_a_time_says_the_exact_moment_in_the_workspaces_zone_on_hover() -> None:
    with time_machine.travel(NOW, tick=False):
        html = shown("{{ moment|ago }}", moment=NOW)
    assert 'datetime="2026-11-25T12:41:00+01:00"' in html
    assert 'title="25 November 2026, 12:41"' in html


def test_a_state_has_a_shape_and_a_word_beside_its_colour() -> None:
    assert shown("{% pill 'failed' 'gescheitert' %}").count("#x") == 1
    assert "gescheitert" in shown("{% pill 'failed' 'gescheitert' %}")
    assert "breathe" in shown("{% pill 'running' 'läuft' %}")


def test_an_icon_is_silent_unless_it_has_a_label() -> None:
    assert 'aria-hidden="true"' in shown("{% icon 'clock' %}")
    assert 'role="img" aria-label="wartet"' in shown("{% icon 'clock' 12 'wartet' %}")


def test_an_avatar_takes_the_first_letters_of_first_and_last_name() -> None:
    assert ">EN<" in shown("{% avatar 'Eva Maria Novak' %}")
    assert ">46<" in shown("{% avatar '+43 664' %}")
    assert ">?<" in shown("{% avatar '' %}")


def test_bars_tell_their_numbers_to_readers_and_show_what_failed() -> None:
    html = shown("{% sparkline days '7 days' %}", days=[(8, 2), (0, 0), (4, 0)])
    assert 'aria-label="7 days: 8, 0, 4"' in html
    assert html.count("chart-fail") == 1
    assert html.count("spark-base") == 1


def test_what_is_typed_is_escaped() -> None:
    html = shown(
        "{% pill 'done' word %}{% avatar word %}{% alert title=word %}{{ word }}{% endalert %}", word="<b>x</b>"
    )
    assert "<b>x" not in html


def test_every_icon_in_use_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "icons.svg").read_text()))
    named = set()
    for path in TEMPLATES:
        named |= set(re.findall(r'{% icon "([a-z0-9-]+)"', path.read_text()))
        named |= set(re.findall(r'{% tile "[a-z]+" "([a-z0-9-]+)"', path.read_text()))
    assert named <= sprite
    assert icons_in_use() >= named


def test_vendored_files_are_the_published_ones() -> None:
    table = (VENDOR / "VENDORED.md").read_text()
    for file in FILES:
        digest = hashlib.sha256(file.place.read_bytes()).hexdigest()
        assert digest in table, file.target


@pytest.mark.parametrize(
    ("package", "folder"), [*((file.package, file.place.parent) for file in FILES), (ICON_PACKAGE[0], VENDOR)]
)
def test_a_licence_travels_with_the_files_it_is_for(package: str, folder: Path) -> None:
    assert re.search("copyright|permission|license", licence_of(package, folder).read_text(), re.IGNORECASE)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_no_template_has_inline_style_or_script(path: Path) -> None:
    source = path.read_text()
    assert not re.search(r"<[a-z][^>]*\sstyle=", source)
    assert not re.search(r"<[a-z][^>]*\son[a-z]+=", source)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", source)
    assert "<style" not in source


@pytest.mark.django_db
def test_the_sheet_shows_every_component_in_both_languages(client: Client) -> None:
    user: User = make_user("Alice")
    client.force_login(user)
    for language, title in (("de", "Bauteile"), ("en", "Components")):
        User.objects.update(language=language, theme="dark")
        page = client.get("/styleguide/").content.decode()
        assert f"<h1>{title}</h1>" in page
        assert f'<html lang="{language}" data-theme="dark">' in page


@pytest.mark.django_db
def test_logging_in_works_and_an_error_is_said_with_its_field(client: Client) -> None:
    make_user("Alice")
    refused = client.post("/accounts/login/", {"login": "alice@example.org", "password": "falsch"})
    assert 'role="alert"' in refused.content.decode()
    empty = client.post("/accounts/login/", {"login": "", "password": ""}).content.decode()
    assert 'aria-invalid="true" aria-describedby="id_login_notes"' in empty
    let_in = client.post("/accounts/login/", {"login": "alice@example.org", "password": PASSWORD})
    assert let_in.status_code == 302
