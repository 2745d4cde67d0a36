"""Every address of the product, read from the resolver."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

ADMIN = "admin/"


def addresses(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every pattern with its whole route, as it is written in the urls modules."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route)
        else:
            yield route, pattern


def name_of(route: str, pattern: URLPattern) -> str:
    """What the tables call an address: its name, or its route where it has none."""
    return pattern.name or route


@cache
def product_addresses() -> dict[str, tuple[str, URLPattern]]:
    """The addresses outside of the admin, by name. Fails on a name that is used twice: one would not be tested."""
    found: dict[str, tuple[str, URLPattern]] = {}
    for route, pattern in addresses():
        if not route.startswith(ADMIN):
            name = name_of(route, pattern)
            assert name not in found, f"{name} names two addresses"
            found[name] = (route, pattern)
    return found


@cache
def admin_addresses() -> dict[str, tuple[str, URLPattern]]:
    """The addresses of the admin, by name; those without one by route."""
    return {name_of(route, pattern): (route, pattern) for route, pattern in addresses() if route.startswith(ADMIN)}


def filled_in(route: str, pattern: URLPattern, values: dict[str, Any]) -> str:
    """The address with these values. Raises KeyError for a part that the values do not name: name it there."""
    address = f"/{route}"
    for part, converter in pattern.pattern.converters.items():
        address = re.sub(rf"<(\w+:)?{part}>", str(converter.to_url(values[part])), address)
    return address
