"""Rules of the house that a machine can read off the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("workspaces", "assistants", "messaging", "automations", "config")

# Where tenant data may be looked at across workspaces: staff, and machinery that loads one row by its id.
ACROSS_ALLOWED = re.compile(
    r"""^(
        \w+/admin\.py | \w+/admin/.* | \w+/tasks\.py
        | messaging/webhooks/.* | messaging/views/webhooks?\.py | messaging/services/webhook_\w+\.py
        | automations/engine/clock\.py | automations/services/clock\.py
        | config/supervisor/.* | config/health/(metrics|probes)\.py
        | messaging/management/commands/webhook_post\.py
        | workspaces/scope\.py | workspaces/wakeups\.py | workspaces/api/authentication\.py
    )$""",
    re.VERBOSE,
)
PAST_THE_SCOPE = {"across_workspaces", "_base_manager", "_default_manager"}


def sources() -> Iterator[Path]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def uses(tree: ast.AST) -> list[str]:
    return [
        f"line {node.lineno}: {node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in PAST_THE_SCOPE
    ]


def test_only_staff_and_machinery_look_across_workspaces() -> None:
    found = {}
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        lines = uses(ast.parse(path.read_text()))
        if lines and not ACROSS_ALLOWED.match(name):
            found[name] = lines
    assert found == {}


def test_the_rule_sees_what_it_forbids() -> None:
    assert uses(ast.parse("Run.objects.across_workspaces()\nRun._base_manager.all()")) == [
        "line 1: across_workspaces",
        "line 2: _base_manager",
    ]


# --- Templates: the content security policy allows nothing inline ---------------------------------

INLINE = {
    "style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "inline script": re.compile(r"<script(?![^>]*\bsrc\s*=)(?![^>]*type=\"application/json\")[^>]*>", re.IGNORECASE),
    "handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "script address": re.compile(r"(href|src|action)\s*=\s*[\"']?\s*javascript:", re.IGNORECASE),
    "hx-on": re.compile(r"\shx-on[:-]", re.IGNORECASE),
    "hx-vals script": re.compile(r"hx-(vals|headers)\s*=\s*[\"']js:", re.IGNORECASE),
}
TAGS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}", re.DOTALL)


def inline_parts(markup: str) -> list[str]:
    # What Django's own tags hold (">" in a comparison) would end an element too early.
    plain = TAGS.sub("x", markup)
    return [name for name, pattern in INLINE.items() if pattern.search(plain)]


def test_no_template_holds_an_inline_style_script_or_handler() -> None:
    found = {}
    for path in sorted((ROOT / "templates").rglob("*.html")):
        parts = inline_parts(path.read_text())
        if parts:
            found[path.relative_to(ROOT).as_posix()] = parts
    assert found == {}


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ('<p style="color: red">', ["style attribute"]),
        ("<style>p {}</style>", ["style element"]),
        ("<script>alert(1)</script>", ["inline script"]),
        ('<script type="module">x</script>', ["inline script"]),
        ('<button class="b" onclick="x()">', ["handler"]),
        ('<a href="javascript:x">', ["script address"]),
        ('<div hx-on:click="x">', ["hx-on"]),
        ('<script src="/static/js/live.js" defer></script>', []),
        ('<script type="application/json" id="data">{}</script>', []),
        ('<p class="{% if a > b %}style{% endif %}" data-on="1">', []),
    ],
)
def test_the_rule_tells_inline_parts_from_others(markup: str, expected: list[str]) -> None:
    assert inline_parts(markup) == expected


# --- Where things may stand ----------------------------------------------------------------------


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils.py", "helpers.py", "common.py", "misc.py"}
    assert [path.relative_to(ROOT).as_posix() for path in sources() if path.name in drawers] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert silent == []
