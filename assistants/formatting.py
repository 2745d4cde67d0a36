"""Turns the Markdown that models write into WhatsApp's own marks: *bold*, _italic_, ~struck~, `code`, lists, quotes.

What has no mark on WhatsApp becomes plain text; what is no Markdown stays as it is.
"""

import re
from collections.abc import Iterator
from itertools import zip_longest

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

# Without entities and references, whose text would vanish; without indented code and underlined headings, which models
# do not mean when they write four spaces or a line of dashes.
_PARSER = (
    MarkdownIt("commonmark", {"html": False, "maxNesting": 100})
    .enable(["table", "strikethrough"])
    .disable(["entity", "reference", "code", "lheading"])
)
_MOST_PASSES = 8
_BREAKS = {"softbreak", "hardbreak"}


def to_whatsapp(markdown: str) -> str:
    """The text as WhatsApp shows it. Doing it twice changes nothing: it is repeated until nothing changes.

    What does not come to rest, or is nested so deep that the parser gives up, stays as it was. `*word*` stays too:
    in Markdown it is italic, but it is also what this function writes for bold.
    """
    text = markdown
    for _pass in range(_MOST_PASSES):
        converted = _converted(text)
        if converted == text:
            return text
        if _has_words(text) and not _has_words(converted):
            return markdown
        text = converted
    return markdown


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text))


def _converted(text: str) -> str:
    tree = SyntaxTreeNode(_PARSER.parse(text))
    return _blocks(tree.children, text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _blocks(nodes: list[SyntaxTreeNode], lines: list[str]) -> str:
    return "".join(gap + block for gap, block in _written(nodes, lines))


def _written(nodes: list[SyntaxTreeNode], lines: list[str]) -> Iterator[tuple[str, str]]:
    """Each block that has a text, and the gap before it: an empty line only where there was one."""
    gap = ""
    for node in nodes:
        block = _block(node, lines)
        if not block:
            continue
        start = node.map[0] if node.map else 0
        apart = start > 0 and not lines[start - 1].strip(" \t>")
        yield gap and ("\n\n" if apart else "\n"), block
        gap = "\n"


def _block(node: SyntaxTreeNode, lines: list[str]) -> str:
    if node.type == "paragraph":
        return _text_of(node)
    if node.type == "heading":
        inside = _text_of(node, marks="*")
        return f"*{inside}*" if inside else ""
    if node.type in {"bullet_list", "ordered_list"}:
        return "\n".join(_item(item, lines) for item in node.children)
    if node.type == "blockquote":
        return "\n".join(f"> {line}".rstrip() for line in _blocks(node.children, lines).split("\n"))
    if node.type == "fence":
        fence = node.markup if "```" in node.content else "```"
        content = node.content.removesuffix("\n")
        return f"{fence}\n{content}\n{fence}"
    if node.type == "table":
        rows = [row for part in node.children for row in part.children]
        return "\n".join(" | ".join(_text_of(cell) for cell in row.children) for row in rows)
    return ""  # a ruled line; the empty lines around it are enough


def _item(item: SyntaxTreeNode, lines: list[str]) -> str:
    """The marker as it was. What follows the first paragraph is moved in, so that it stays in the item."""
    marker = f"{item.info}{item.markup} "
    lead = _block(item.children[0], lines) if item.children and item.children[0].type == "paragraph" else ""
    rest = _blocks(item.children, lines).removeprefix(lead)
    return (marker + lead + re.sub(r"\n(?=[^\n])", "\n" + " " * len(marker), rest)).rstrip(" ")


def _text_of(block: SyntaxTreeNode, *, marks: str = "") -> str:
    """The inside of a block. `marks` are those that are open around it."""
    return "".join(_inline(inline.children, marks) for inline in block.children).strip(" ")


def _inline(nodes: list[SyntaxTreeNode], marks: str) -> str:
    pieces = [node for node in nodes if node.type != "text" or node.content]
    text = ""
    for node, following in zip_longest(pieces, pieces[1:]):
        after = following.content[:1] if following and following.type == "text" else ""
        text += _piece(node, marks, before=text[-1:], after=after)
    return text


def _piece(node: SyntaxTreeNode, marks: str, *, before: str, after: str) -> str:
    if node.type == "text":
        return node.content
    if node.type in _BREAKS:
        # WhatsApp's marks do not reach over a line break.
        return f"{marks[::-1]}\n{marks}"
    if node.type == "code_inline":
        edge = " " if node.content.startswith("`") or node.content.endswith("`") else ""
        return f"{node.markup}{edge}{node.content}{edge}{node.markup}"
    if node.type in {"link", "image"}:
        return _link(node, marks)
    if node.type == "strong":
        return _strong(node, marks, before, after)
    if node.type == "s":
        return f"~{_inline(node.children, marks + '~')}~"
    return _emphasis(node, marks, before, after)


def _link(node: SyntaxTreeNode, marks: str) -> str:
    target = str(node.attrs.get("href") or node.attrs.get("src") or "")
    label = _inline(node.children, marks) or node.content
    address = target.removeprefix("mailto:").removeprefix("tel:")
    if not label.strip() or label == address or node.markup == "autolink":
        return address
    return f"{label}: {target}" if target else label


def _strong(node: SyntaxTreeNode, marks: str, before: str, after: str) -> str:
    if "*" in marks:
        return _inline(node.children, marks)
    inside = _inline(node.children, marks + "*")
    if before.isdigit() or after.isdigit():
        return f"{node.markup}{inside}{node.markup}"  # 2**3 is a power
    if before.isalnum() or after.isalnum():
        return _inline(node.children, marks)  # WhatsApp knows no bold part of a word
    return f"*{inside}*"


def _emphasis(node: SyntaxTreeNode, marks: str, before: str, after: str) -> str:
    inner = [child for child in node.children if child.type != "text" or child.content]
    in_word = before.isalnum() or after.isalnum()
    if len(inner) == 1 and inner[0].type == "strong" and "*" not in marks and not in_word:
        return f"*_{_inline(inner[0].children, marks + '*_')}_*"
    mark = node.markup
    if mark == "*" and not in_word and ("*" in marks or any(child.type == "strong" for child in node.walk())):
        mark = "_"
    return f"{mark}{_inline(node.children, marks + mark)}{mark}"
