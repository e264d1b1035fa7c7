"""From what a source sends to plain text that can be stored and shown."""

from __future__ import annotations

import re
import unicodedata

from lxml import etree, html

BREAKS = frozenset({"p", "br", "div", "li", "h1", "h2", "h3", "h4", "tr", "blockquote", "figure", "section", "article"})
SILENT = frozenset({"script", "style", "noscript", "iframe", "template", "svg", "form", "button"})
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
_ILLEGAL = re.compile(f"[{_CONTROLS}]")
# Nobody sees them: soft hyphens, spaces of no width, marks of direction, tags; the joiners emoji are made with may stay
_UNSEEN = re.compile(
    rf"[{_CONTROLS}\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# Joiners, fillers and variation selectors are no text by themselves
_SEEN = re.compile(r"[^\s\u034f\u115f\u1160\u200c\u200d\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_SURROGATE = "&#(?:[xX]0{0,9}[dD][89a-fA-F][0-9a-fA-F]{2}|0{0,9}5[5-7][0-9]{3});"
_SURROGATES = re.compile(f"{_SURROGATE}(?:{_SURROGATE})*")


def plain(text: str | None) -> str:
    """NFC, no NUL, no controls, no lone surrogates, nothing that is never seen; white space folded, at most one empty line in
    a row. Empty if nothing in it can be seen."""
    lines = unicodedata.normalize("NFC", text or "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    folded = "\n".join([_folded(line) if line else "" for line in lines])
    while "\n\n\n" in folded:
        folded = folded.replace("\n\n\n", "\n\n")
    return folded.strip() if _SEEN.search(folded) else ""


def _folded(line: str) -> str:
    if line.isprintable() and "  " not in line:  # most are: their only white space is single blanks
        return line.strip()
    return " ".join(unicodedata.normalize("NFC", _UNSEEN.sub("", line)).split())


def paired(markup: str) -> str:
    """`markup` with each pair of references to surrogates (&#55357;&#56832;) as the character it means; lone ones removed."""
    return _SURROGATES.sub(_character, markup)


def _character(found: re.Match[str]) -> str:
    numbers = (one[2:] for one in found[0].split(";")[:-1])
    units = "".join(chr(int(one[1:], 16) if one[0] in "xX" else int(one)) for one in numbers)
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


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
        root = html.document_fromstring("<html><body>" + _ILLEGAL.sub("", paired(markup)))
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
