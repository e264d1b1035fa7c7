"""From what a source sends to plain text that can be stored and shown."""

from __future__ import annotations

import re
import unicodedata

from lxml import etree, html

BREAKS = frozenset({"p", "br", "div", "li", "h1", "h2", "h3", "h4", "tr", "blockquote", "figure", "section", "article"})
SILENT = frozenset({"script", "style", "noscript", "iframe", "template", "svg", "form", "button"})
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def plain(text: str | None) -> str:
    """NFC, no NUL, no controls, no lone surrogates; white space folded, at most one empty line in a row."""
    cleaned = _CONTROLS.sub("", unicodedata.normalize("NFC", (text or "").replace("\r\n", "\n").replace("\r", "\n")))
    lines = (" ".join(line.split()) for line in cleaned.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def one_line(text: str | None) -> str:
    """Plain text on one line: titles, names."""
    return " ".join(plain(text).split())


def from_html(markup: str | None) -> str:
    """The text of a piece of HTML; blocks become lines. Never raises: what cannot be read is empty."""
    if not markup or not markup.strip():
        return ""
    if "<" not in markup and "&" not in markup:
        return plain(markup)
    try:
        root = html.fragment_fromstring(_CONTROLS.sub("", markup), create_parent="div")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return ""
    return text_of(root)


def text_of(element: html.HtmlElement) -> str:
    """The text of an element without scripts, styles and forms; blocks become lines."""
    parts: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end", "comment")):
        tag = node.tag if isinstance(node.tag, str) else None
        hidden = tag is None or tag in SILENT or any(a.tag in SILENT for a in node.iterancestors())
        if event == "start" and not hidden:
            parts.append("\n" if tag in BREAKS else "")
            parts.append(node.text or "")
        elif event == "end" or tag is None:
            if tag in BREAKS and tag != "br":
                parts.append("\n")
            if node is not element and not any(a.tag in SILENT for a in node.iterancestors()):
                parts.append(node.tail or "")
    return plain("".join(parts))
