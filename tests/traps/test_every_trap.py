"""Every trap that this far has its parts is named by a test that checks something.

A test names a trap by "(traps P5)" in its docstring, or in the id of one of its cases. Mentions anywhere else
(comments, lists, this module) do not count.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
MARK = re.compile(r"traps ([A-Z][0-9]{1,2})\b")
DUE = [
    *(f"P{number}" for number in range(1, 13)),
    *("B1", "B2", "B3", "B4"),
    *("H1", "H2", "H3"),
    *("T1", "T2", "T3", "T4", "T5", "T7", "T8", "W12"),
    *("A1", "A2", "A3"),
    *(f"W{number}" for number in range(1, 12)),
    *("C4", "O1", "U1", "Z1", "Z6"),
    *("Q1", "A5"),
]


def test_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Every test of a module, those in classes too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


test_functions.__test__ = False  # type: ignore[attr-defined]


def checks_something(test: ast.FunctionDef) -> bool:
    """An assertion, an error that is waited for, or a helper that demands."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == "raises" or name.startswith("demand"):
                return True
    return False


def ids_of_cases(test: ast.FunctionDef, lists: dict[str, ast.expr]) -> Iterator[str]:
    """The ids of a test's cases, also where they stand in a list of the module."""
    for decorator in test.decorator_list:
        named = [lists[node.id] for node in ast.walk(decorator) if isinstance(node, ast.Name) and node.id in lists]
        for part in (decorator, *named):
            for node in ast.walk(part):
                if isinstance(node, ast.keyword) and node.arg == "id" and isinstance(node.value, ast.Constant):
                    yield str(node.value.value)


def traps_of(source: str) -> dict[str, list[str]]:
    """Trap to the tests of one module that name it."""
    tree = ast.parse(source)
    lists = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: dict[str, list[str]] = defaultdict(list)
    for test in test_functions(tree):
        if checks_something(test):
            for text in (ast.get_docstring(test) or "", *ids_of_cases(test, lists)):
                for trap in MARK.findall(text):
                    found[trap].append(test.name)
    return found


@pytest.fixture(scope="module")
def named() -> dict[str, list[str]]:
    """Trap to the tests that name it, of all tests but this module's."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        if path != Path(__file__):
            for trap, tests in traps_of(path.read_text(encoding="utf-8")).items():
                found[trap] += tests
    return found


@pytest.mark.parametrize("trap", DUE)
def test_a_test_names_it(named: dict[str, list[str]], trap: str) -> None:
    assert named[trap], f"no test names trap {trap}"


@pytest.mark.parametrize(
    "source",
    [
        "DUE = ['traps P1']",
        "# traps P1\ndef test_a():\n    assert 1",
        "def test_a():\n    '''(traps P1)'''\n    run()",
        "def helper():\n    '''(traps P1)'''\n    assert 1",
        "def test_a():\n    assert 'traps P1'",
        "CASES = [pytest.param(1, id='traps P1')]\ndef test_a():\n    assert 1",
    ],
)
def test_a_mention_is_not_enough(source: str) -> None:
    assert traps_of(source) == {}


def test_docstrings_and_ids_of_tests_count() -> None:
    source = """
CASES = [pytest.param(1, id="traps P2, form")]
@pytest.mark.parametrize("case", CASES)
def test_a(case):
    '''(traps P1) and (traps W12)'''
    with pytest.raises(Refused):
        run(case)
"""
    assert set(traps_of(source)) == {"P1", "P2", "W12"}
