"""What characters the bytes of a page or a feed stand for.

Its byte order mark is believed first; then what is UTF-8 from end to end is UTF-8, whatever was declared: text in another
charset hardly ever is. Then the declaration of the server and that of the text itself, if every byte fits; then a guess.
A text declared as UTF-8 with strange bytes in it stays UTF-8, and only those bytes are read as Windows-1252.
"""

from __future__ import annotations

import codecs
import re

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
UTF8 = "utf-8"
WEB = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254"}  # as browsers read these names
WIDE = {"utf-16": b"\0", "utf-32": b"\0", "iso2022": b"\x1b"}  # charsets that look like ASCII, and what betrays them
_TEXT = re.compile(
    r"utf-(8|(16|32)(-[bl]e)?)|iso8859-\d+|cp\d+|koi8-\w|gb\w+|big5\w*|euc_\w+|shift_jis\w*|mac-\w+|ascii|iso2022_\w+"
)
_OPENS_XML = re.compile(rb"\s*<(?:\?xml\b|rss\b|feed\b|rdf:RDF\b|urlset\b|sitemapindex\b)", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})""", re.IGNORECASE)
_META = re.compile(rb"""<meta\s[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_XML_ENCODING = re.compile(r"""(<\?xml[^>]{0,200}?)\s+encoding\s*=\s*["'][^"'>]{0,40}["']""", re.IGNORECASE)
HEAD = 2048  # bytes in which a text may declare its charset
SAMPLE = 64 * 1024  # bytes a guess is made on


def decoded(body: bytes, content_type: str = "") -> str:
    """The characters. Never raises; what cannot be read at all becomes U+FFFD."""
    for mark, name in BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    declared = [name for name in (_of_server(content_type), _of_text(body)) if name]
    wide = [name for name in declared if _is_wide(name, body)]
    for name in (*wide, UTF8, *declared):
        try:
            return body.decode(name)
        except UnicodeDecodeError:
            continue
    if UTF8 in declared and _mostly_utf8(body):
        return body.decode(UTF8, "windows-1252-where-needed")
    return body.decode(_guessed(body), "replace")


def as_utf8(body: bytes, content_type: str = "") -> bytes:
    """The same text in UTF-8, and so that every parser knows: as it is where it says so, else with a mark at its start."""
    if b"\0" not in body and b"\x1b" not in body and _reads_as_utf8(body):
        return body
    text = decoded(body, content_type).replace("\0", "")
    return codecs.BOM_UTF8 + _XML_ENCODING.sub(r"\1", text, count=1).encode(UTF8, "replace")


def _reads_as_utf8(body: bytes) -> bool:
    """Whether a text is UTF-8 and a parser that goes by its own declaration will think so."""
    declared = _of_text(body)
    if body.isascii():
        return declared is None or not declared.startswith(tuple(WIDE))
    if declared is None:
        return (bool(_OPENS_XML.match(body)) or body.lstrip()[:1] in (b"{", b"[")) and _is_utf8(body)
    return declared == UTF8 and _is_utf8(body)


def _is_wide(name: str, body: bytes) -> bool:
    return any(name.startswith(start) and mark in body[:SAMPLE] for start, mark in WIDE.items())


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode(UTF8)
    except UnicodeDecodeError:
        return False
    return True


def _of_server(content_type: str) -> str | None:
    _, _, name = content_type.lower().partition("charset=")
    return _known(name.split(";")[0].strip(" \"'"))


def _of_text(body: bytes) -> str | None:
    found = _XML.match(body[:HEAD]) or _META.search(body[:HEAD])
    return _known(found[1].decode("ascii", "replace")) if found else None


def _known(name: str) -> str | None:
    """Python's name of a charset of text; None for one it does not have, and for codecs that are no charset."""
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return WEB.get(known, known) if _TEXT.fullmatch(known) else None


def _mostly_utf8(body: bytes) -> bool:
    """Whether the strange bytes are few beside the characters that are right, or beside the plain letters around them."""
    text = body[:SAMPLE].decode(UTF8, "replace")
    strange = text.count("\ufffd")
    return strange < sum(character > "\x7f" for character in text) / 2 or strange < len(text) / 20


def _guessed(body: bytes) -> str:
    """By charset-normalizer; Windows-1252 where it has no opinion, or where nearly everything is plain letters."""
    sample = body[:SAMPLE]
    if sum(byte > 0x7F for byte in sample) < len(sample) / 20:
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return (_known(best.encoding) if best else None) or "cp1252"


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("windows-1252-where-needed", _windows_1252)
