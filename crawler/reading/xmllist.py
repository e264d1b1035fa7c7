"""Lists in XML from strangers: no DTD, no entities, no network; one broken item costs only itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from lxml import etree

from crawler.adapters import NotUnderstood

MOST_ITEMS = 50_000  # what one sitemap may hold by its protocol
_BARE_AMPERSAND = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
# CDATA sections and comments; one in which the next begins was never closed, and is none
_NO_MARKUP = re.compile(
    rb"<!\[CDATA\[(?:[^\]<]++|\](?!\]>)|<(?!!\[CDATA\[))*+\]\]>|<!--(?:[^-<]++|-(?!->)|<(?!!--))*+-->"
)
_DECLARATION = re.compile(rb"\s*<\?xml[^>]{0,200}\?>")


@dataclass(frozen=True, slots=True)
class Listed:
    """What was read of a list."""

    root: str  # its name, without name space
    items: list[Any]  # lxml elements; None in the place of one that cannot be read
    broken_at: int = 0  # the line where the whole is not well-formed; 0 if it is
    cut: bool = False  # it broke off; its last item is not taken: an address in it may be half of one


def read_xml(body: bytes, roots: tuple[str, ...], names: tuple[str, ...], otherwise: str) -> Listed:
    """The items of these names in a text whose root has one of those names.

    NotUnderstood with the code `otherwise` if it is none such, or if it brings a DTD. A bare & in an address is mended: it is
    the commonest fault, and a parser that recovers by itself would drop what follows it.
    """
    root, line = _parsed(body)
    if root is None:
        return _one_by_one(body, line, roots, names, otherwise)
    name = etree.QName(root).localname
    if name not in roots:
        raise NotUnderstood(otherwise)
    if root.getroottree().docinfo.doctype:
        raise NotUnderstood("xml-with-dtd")
    parent = next(root.iterchildren("{*}channel"), root)  # of RSS
    return Listed(name, list(islice(parent.iterchildren(*(f"{{*}}{one}" for one in names)), MOST_ITEMS)))


def text_at(element: Any, name: str) -> str:
    """The text of the first child of that name, in any name space; empty if there is none."""
    child = next(element.iterchildren(f"{{*}}{name}"), None)
    return "" if child is None else (child.text or "").strip()


def markup_of(body: bytes) -> bytes:
    """XML of the same length with blanks for CDATA sections and comments: a tag that stands in them is none."""
    return _NO_MARKUP.sub(lambda found: b" " * len(found[0]), body)


def starts_of(names: Iterable[str]) -> re.Pattern[bytes]:
    """The start tags of items of these names, in any name space; the first group is the name as written."""
    return re.compile(rb"<((?:[\w.-]+:)?(?:" + "|".join(names).encode() + rb"))[\s>]")


def breaks_off(markup: bytes, root: bytes, names: Iterable[str]) -> bool:
    """Whether a list ends before its root does: no end tag closes that, or more items follow. What else follows is rubbish."""
    ends = [found.start() for found in re.finditer(b"</" + re.escape(root) + rb"\s*+>", markup)]
    if not ends or starts_of(names).search(markup, ends[-1]):
        return True
    # a section that is never closed has the end tag in its text, unless an item ends between them
    opened = markup.rfind(b"<![CDATA[", 0, ends[-1])
    closings = rb"</(?:[\w.-]+:)?(?:" + "|".join(names).encode() + rb")\s*+>"
    return opened >= 0 and not re.search(closings, markup[opened : ends[-1]])


def pieces_of(body: bytes, markup: bytes, names: Iterable[str], most: int) -> Iterator[bytes]:
    """The text of each item, up to its last end tag before the next item; one without an end tag is given one."""
    places = [(found.start(), found[1]) for found in islice(starts_of(names).finditer(markup), most)]
    for (start, name), (end, _) in pairwise([*places, (len(body), b"")]):
        closing = b"</" + name + b">"
        last = markup.rfind(closing, start, end)
        yield body[start : end if last < 0 else last] + closing


def _one_by_one(body: bytes, line: int, roots: tuple[str, ...], names: tuple[str, ...], otherwise: str) -> Listed:
    """A list that is not well-formed: each item is read alone, under the root with its name spaces."""
    markup = markup_of(body)
    root = re.search(rb"<((?:[\w.-]+:)?(" + "|".join(roots).encode() + rb"))\b[^<>]{0,4000}>", markup)
    if root is None:
        raise NotUnderstood(otherwise)
    if b"<!DOCTYPE" in body[: root.start()]:
        raise NotUnderstood("xml-with-dtd")
    cut = breaks_off(markup, root[1], names)
    declaration = _DECLARATION.match(body)
    before = (declaration[0].lstrip() if declaration else b"") + root[0]
    pieces = list(pieces_of(body, markup, names, MOST_ITEMS))
    items = (_parsed(before + piece + b"</" + root[1] + b">")[0] for piece in (pieces[:-1] if cut else pieces))
    return Listed(root[2].decode(), [None if item is None else next(iter(item), None) for item in items], line, cut)


def _parsed(body: bytes) -> tuple[Any, int]:
    """The root with bare ampersands mended, or None and the line of the first fault."""
    line = 0
    for text in (body, _BARE_AMPERSAND.sub(b"&amp;", body)):
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            return etree.fromstring(text, parser), 0
        except etree.XMLSyntaxError as error:
            line = error.lineno or 0
    return None, line
