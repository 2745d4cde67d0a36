"""Template tags of the admin's first page."""

from typing import Any

from django import template

from workspaces.admin.overview import Shown, shown_figures

register = template.Library()


@register.simple_tag(takes_context=True)
def installation_figures(context: Any) -> list[Shown]:
    """The figures of the installation that this member of staff may see."""
    return list(shown_figures(context["request"]))
