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
    lines = unicodedata.normalize("NFC", text or "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    folded = "\n".join([_folded(line) if line else "" for line in lines])
    while "\n\n\n" in folded:
        folded = folded.replace("\n\n\n", "\n\n")
    return folded.strip()


def _folded(line: str) -> str:
    if line.isprintable() and "  " not in line:  # most are: their only white space is single blanks
        return line.strip()
    return " ".join(_CONTROLS.sub("", line).split())


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
        root = html.document_fromstring("<html><body>" + _CONTROLS.sub("", markup))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return ""
    return text_of(root)


def text_of(element: html.HtmlElement) -> str:
    """The text of an element without scripts, styles and forms; blocks become lines."""
    parts: list[str] = []
    _gather(element, parts)
    return plain("".join(parts))


def _gather(element: html.HtmlElement, parts: list[str]) -> None:
    """Add the text within an element to `parts`. The parser nests no deeper than 256."""
    tag = element.tag
    if not isinstance(tag, str) or tag in SILENT:
        return
    breaks = tag in BREAKS
    if breaks:
        parts.append("\n")
    parts.append(element.text or "")
    for child in element:
        _gather(child, parts)
        parts.append(child.tail or "")
    if breaks and tag != "br":
        parts.append("\n")
