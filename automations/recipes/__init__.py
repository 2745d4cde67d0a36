"""Ready flows as JSON. A recipe holds no ids: it lists its needs, and installing maps each to a thing at hand."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """One recipe with its editions; texts are `{"de": …, "en": …}` until it is installed."""

    key: str
    name: dict[str, str]
    summary: dict[str, str]
    needs: dict[str, dict[str, Any]]
    editions: dict[str, dict[str, Any]]

    def needs_of(self, edition: str) -> dict[str, dict[str, Any]]:
        """What this edition needs."""
        return {name: need for name, need in self.needs.items() if edition in need.get("editions", self.editions)}


def load_recipe(key: str) -> Recipe:
    """The recipe of that key. Raises KeyError."""
    return load_recipes()[key]


def load_recipes() -> dict[str, Recipe]:
    """Every recipe that ships, by key."""
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        stored = json.loads(path.read_text(encoding="utf-8"))
        found[stored["key"]] = Recipe(**stored)
    return found
