"""The rail and the banner: each app registers its own sections, so that the frame need not know them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypedDict

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from workspaces.models import Workspace

CountKind = Literal["neutral", "attention", "failure"]
BannerTone = Literal["info", "attention", "failure"]
Counter = Callable[[Workspace], int]


@dataclass(frozen=True)
class Section:
    """One entry of the rail."""

    order: int
    label: str | Promise
    icon: str
    url_name: str
    counter: Counter | None
    count_kind: CountKind


class RailItem(TypedDict):
    """A section as the template draws it."""

    label: str
    icon: str
    url: str
    active: bool
    count: int
    count_kind: CountKind


class Banner(TypedDict):
    """The one banner under the top bar."""

    tone: BannerTone
    title: str
    text: str
    action_url: str
    action_label: str


BannerProvider = Callable[[HttpRequest], Banner | None]

_sections: dict[str, Section] = {}
_banners: dict[BannerProvider, int] = {}


def register_section(
    order: int,
    label: str | Promise,
    icon: str,
    url_name: str,
    counter: Counter | None = None,
    count_kind: CountKind = "neutral",
) -> None:
    """Put a section on the rail. `url_name` takes the workspace's slug and nothing else; `counter` is one query.

    Called in AppConfig.ready; the same url_name twice counts once.
    """
    _sections[url_name] = Section(order, label, icon, url_name, counter, count_kind)


def register_banner(provider: BannerProvider, *, order: int = 50) -> None:
    """Offer a banner. The first provider (by order) that returns one is shown; None where its page says so itself."""
    _banners[provider] = order


def rail(workspace: Workspace, path: str) -> list[RailItem]:
    """The sections that exist, the one that `path` lies in marked. One query a counter."""
    found = [(section, url) for section, url in _with_urls(workspace)]
    active = _active_url((url for _, url in found), path, home=f"/w/{workspace.slug}/")
    return [
        RailItem(
            label=str(section.label),
            icon=section.icon,
            url=url,
            active=url == active,
            count=section.counter(workspace) if section.counter else 0,
            count_kind=section.count_kind,
        )
        for section, url in found
    ]


def banner(request: HttpRequest) -> Banner | None:
    """The banner that comes first, or None."""
    for provider in sorted(_banners, key=_banners.__getitem__):
        offered = provider(request)
        if offered is not None:
            return offered
    return None


def _with_urls(workspace: Workspace) -> Iterable[tuple[Section, str]]:
    for section in sorted(_sections.values(), key=lambda section: section.order):
        try:
            yield section, reverse(section.url_name, args=[workspace.slug])
        except NoReverseMatch:
            continue


def _active_url(urls: Iterable[str], path: str, *, home: str) -> str:
    """The longest address that `path` begins with; the workspace's own front page only for itself."""
    matching = [url for url in urls if path == url or (url != home and path.startswith(url))]
    return max(matching, key=len, default="")
