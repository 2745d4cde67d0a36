"""The Liquid of Botenwerk: which tags and filters there are, how far a template may go, what a path may reach.

No files, no includes, no operating system's clock, nothing but plain data.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TextIO
from zoneinfo import ZoneInfo

from liquid import BoundTemplate, Environment, RenderContext, StrictDefaultUndefined, Token
from liquid.ast import Node
from liquid.builtin import content, illegal, output
from liquid.builtin.tags import assign_tag, capture_tag, case_tag, comment_tag, for_tag, if_tag, inline_comment_tag
from liquid.builtin.tags.unless_tag import UnlessTag
from liquid.exceptions import LiquidError
from liquid.tag import Tag
from liquid.undefined import UNDEFINED
from liquid.utils import ReadOnlyChainMap

from automations.expressions.comparisons import use_typed_comparisons
from automations.expressions.filters import FILTERS, LONGEST_LIST, LONGEST_TEXT
from automations.expressions.values import as_text

LONGEST_SOURCE = 65_536
_NOTHING = object()


class Missing(StrictDefaultUndefined):
    """A path without a value: everything but `default` raises. It may be asked for its class, as isinstance does."""

    __slots__ = ()
    allowed_properties = StrictDefaultUndefined.allowed_properties | {"__class__"}


class Context(RenderContext):
    """One rendering: the data, and the zone and language that filters write in."""

    zone: ZoneInfo
    language: str

    def __init__(self, template: BoundTemplate, data: Mapping[str, object], *, zone: ZoneInfo, language: str) -> None:
        super().__init__(template, globals=data)
        self.zone = zone
        self.language = language
        # Without the library's own `now` and `today`, which ask the operating system.
        self.scope = ReadOnlyChainMap(self.locals, self.globals)

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """The value at the path; where there is none, an undefined that names the whole path."""
        found = super().get(path, token=token, default=_NOTHING)
        if found is not _NOTHING:
            return found
        if default is not UNDEFINED:
            return default
        return self.env.undefined(str(path[0]), hint=dotted(path), token=token)

    def get_item(self, obj: object, key: object) -> object:
        """An item of plain data; attributes of objects are out of reach."""
        if isinstance(obj, Mapping) and key in obj:
            return obj[key]
        if isinstance(obj, list | tuple):
            if isinstance(key, int):
                return obj[key]
            if key in ("first", "last") and obj:
                return obj[0 if key == "first" else -1]
        if key == "size" and isinstance(obj, Mapping | list | tuple | str):
            return len(obj)
        raise KeyError(key)


class OutputNode(output.OutputNode):
    """An output that writes values as people read them."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(as_text(self.expression.evaluate(context)))


class _Output(output.Output):
    node_class = OutputNode


class _Template(BoundTemplate):
    context_class = Context

    def make_partial_namespace(self, partial: bool, render_args: Mapping[str, object]) -> Mapping[str, object]:
        return dict(render_args)


class _Environment(Environment):
    template_class = _Template
    block_nesting_limit = 20
    context_depth_limit = 40
    loop_iteration_limit = LONGEST_LIST
    local_namespace_limit = LONGEST_TEXT
    output_stream_limit = LONGEST_TEXT

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in _TAGS:
            self.add_tag(tag)
        self.filters.update(FILTERS)


_TAGS: list[type[Tag]] = [
    content.Literal,
    _Output,
    illegal.Illegal,
    if_tag.IfTag,
    UnlessTag,
    case_tag.CaseTag,
    for_tag.ForTag,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    assign_tag.AssignTag,
    capture_tag.CaptureTag,
    comment_tag.CommentTag,
    inline_comment_tag.InlineCommentTag,
]
_ENVIRONMENT = _Environment(undefined=Missing)


@lru_cache(maxsize=1024)
def parse(text: str) -> BoundTemplate:
    """The parsed text. Raises the library's LiquidError; the caller turns it into one of ours."""
    template = _ENVIRONMENT.from_string(text)
    for node in all_nodes(template.nodes, Context(template, {}, zone=ZoneInfo("UTC"), language="en")):
        use_typed_comparisons(node)
    return template


def all_nodes(nodes: Iterable[Node], context: RenderContext) -> Iterable[Node]:
    """Every node of the tree, parents first."""
    for node in nodes:
        yield node
        yield from all_nodes(node.children(context), context)


def dotted(path: Iterable[object]) -> str:
    """A path as people write it: steps.ask.items[0].name."""
    text = ""
    for segment in path:
        text += f"[{segment}]" if isinstance(segment, int) else f".{segment}" if text else str(segment)
    return text


def place(error: LiquidError | Token) -> tuple[int | None, int | None]:
    """Line and column, both from 1; None where the library does not know."""
    token = error.token if isinstance(error, LiquidError) else error
    if token is None or token.start_index < 0:
        return None, None
    before = token.source[: token.start_index]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
