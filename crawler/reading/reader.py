"""What came is read here, in a process of its own that may be killed: nothing a page or a feed holds can hurt the crawl.

    python -m crawler.reading.reader SECONDS MEGABYTES

takes orders from standard input and answers on standard output, one at a time. An order is two lengths, a JSON text and the
bytes of an answer as the network gave them; what is said of it, when it begins, is a length of nothing, and in the end a length
and a JSON text. Unpacking, characters, parsing and cleaning all happen here. An order that takes more than SECONDS of the
processor, or WALL times that by the clock, ends the process by its own alarm, so it never outlives its parent.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from datetime import datetime
from typing import IO, Any

from lxml import etree

from crawler.adapters import Draft, Found, Listen, NotUnderstood, Request, Response, adapter_named, web_address
from crawler.dates import believable
from crawler.identity import same_site
from crawler.notes import Note, note, unexpected
from crawler.reading.article import is_another, read_article, without_pointers
from crawler.reading.charset import as_utf8
from crawler.reading.unpack import UnknownEncoding, Unpacked, unpack
from crawler.source import source_from
from crawler.text import one_line, paired, plain

READABLE = ("text/html", "application/xhtml", "text/plain")
LONGEST_TITLE = 500  # characters
LONGEST_TEXT = 200_000
LONGEST_NAME = 120
LONGEST_ADDRESS = 2000
MOST_REACTIONS = 2**31 - 1  # what a column of the database holds
MOST_FOUND = 5000  # items of one answer
MOST_NOTES = 100  # of one answer; what else went wrong in it is counted
ALWAYS_TOLD = ("feed-cut-short", "rest-later")  # codes of notes a visit goes by
HEAD = 4096  # bytes in which a page says where it sends its reader
WALL = 3  # times its seconds of the processor an order may take by the clock: others are at work too
SOONEST = 5  # seconds: a page that leads on later than this is meant to be read first
NOT_OBEYED = frozenset({"noscript", "template", "svg", "rss", "feed"})  # what stands in them sends nobody anywhere
ORDER, ANSWER = struct.Struct("!II"), struct.Struct("!I")
_DOCTYPE = re.compile(rb"""<!DOCTYPE\s[^\[>]*+(?:\[(?:[^\]"']++|"[^"]*"|'[^']*')*+\]\s*+)?>""")
_LEADS_TO = re.compile(r"""(?i)\s*(\d{1,9})(?:\.\d*)?\s*[;,]\s*url\s*=\s*(?:"([^"]*)|'([^']*)|(.*))""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was understood of one answer."""

    found: tuple[Found, ...] = ()
    failure: Note | None = None  # why nothing was understood
    passing: bool = False  # the failure may be gone the next time
    whole: bool = True  # False: the answer broke off, and what was found is not all
    costly: bool = False  # the reader had to be ended
    leads_to: str | None = None  # the page only sends on to another one
    untold: int = 0  # notes beyond those that are told


class Unreadable(Exception):
    """The answer is no answer: the note says why."""

    def __init__(self, told: Note, *, passing: bool = False) -> None:
        super().__init__(told.code)
        self.note, self.passing = told, passing


def read(order: Mapping[str, Any], body: bytes) -> Reading:
    """Do one order: "list", "page" or "refusal"."""
    whole = True
    try:
        unpacked = _unpacked(order, body)
        response, whole = _response(order, unpacked.body), unpacked.whole
        if order["task"] == "refusal":
            return Reading(_refusal(response, order))
        if leads_to := _leads_to(response):
            return Reading(leads_to=leads_to)
        if order["task"] == "list":
            found, untold = _list(response, order)
        else:
            found, untold = [_page(response, order, whole=whole)], 0
        return Reading(tuple(_storable(one, order["kind"], response) for one in found), whole=whole, untold=untold)
    except NotUnderstood as error:
        told = replace(error.note, url=order["url"])
        return Reading(failure=told if whole else _cut_short(order), passing=not whole)
    except Unreadable as error:
        return Reading(failure=error.note, passing=error.passing)


def _unpacked(order: Mapping[str, Any], body: bytes) -> Unpacked:
    try:
        unpacked = unpack(body, order["headers"].get("content-encoding", ""), order["limit"])
    except UnknownEncoding:
        raise Unreadable(note("encoding-unknown", order["url"], order["then"])) from None
    if len(unpacked.body) > order["limit"]:
        raise Unreadable(note("too-large", order["url"], order["then"]))
    if not unpacked.whole and not unpacked.body:
        raise Unreadable(_cut_short(order), passing=True)
    return unpacked


def _cut_short(order: Mapping[str, Any]) -> Note:
    return note("cut-short", order["url"], "article-again" if order["task"] == "page" else "asked-again")


def _response(order: Mapping[str, Any], body: bytes) -> Response:
    headers, at = order["headers"], datetime.fromisoformat(order["at"])
    text = _without_dtd(as_utf8(body, headers.get("content-type", "")))
    if b"&#" in text:
        text = paired(text.decode("utf-8", "replace")).encode()
    return Response(order["url"], text, at, headers, from_row(order["request"]), order["status"])


def _without_dtd(text: bytes) -> bytes:
    """XML without its document type: nothing is declared there that a feed or a sitemap needs."""
    start = text.find(b"<!DOCTYPE", 0, 4096)
    found = _DOCTYPE.match(text, start) if start >= 0 and b"<?xml" in text[:100] else None
    return text[:start] + text[found.end() :] if found else text


def _leads_to(response: Response) -> str | None:
    """Where a page sends its reader at once, without being asked for anything."""
    head = response.body[:HEAD] if "html" in response.headers.get("content-type", "html") else b""
    if b"refresh" not in head.lower() or head.lstrip().startswith((b"{", b"[")):
        return None
    tree = etree.HTML(head[: head.rfind(b">") + 1], etree.HTMLParser(encoding="utf-8"))
    for tag in tree.iter("meta") if tree is not None else ():
        if tag.get("http-equiv", "").strip().lower() == "refresh" and not _is_within(tag, NOT_OBEYED):
            return _address_of(tag.get("content", ""), response)
    return None


def _is_within(tag: Any, elements: frozenset[str]) -> bool:
    return any(element.tag in elements for element in tag.iterancestors())


def _address_of(refresh: str, response: Response) -> str | None:
    """The other page a `0; url=/there` leads to, unless so late that this one is meant to be read."""
    found = _LEADS_TO.match(refresh)
    if not found or int(found[1]) > SOONEST:
        return None
    address = web_address(found[2] or found[3] or found[4], response.url)
    return address if address and address != response.url and _is_address(address) else None


def _list(response: Response, order: Mapping[str, Any]) -> tuple[list[Found], int]:
    source = source_from(order["source"])
    try:
        return _bounded(adapter_named(source.adapter).parse(response, source), response.url)
    except (NotUnderstood, MemoryError):
        raise
    except RecursionError:
        raise Unreadable(note("too-deep", order["url"], "asked-again")) from None
    except Exception as error:  # whatever a list holds, the other sources go on
        raise Unreadable(unexpected(error, order["url"])) from error


def _bounded(found: Iterable[Found], url: str) -> tuple[list[Found], int]:
    """As much of a list as a visit can use, and how many notes are not among it."""
    kept: list[Found] = []
    items = notes = untold = 0
    for one in found:
        if not isinstance(one, Note):
            if items == MOST_FOUND:
                kept.append(note("list-limit", url))
                break
            items += 1
        elif notes < MOST_NOTES or one.code in ALWAYS_TOLD:
            notes += 1
        else:
            untold += 1
            continue
        kept.append(one)
    return kept, untold


def _page(response: Response, order: Mapping[str, Any], *, whole: bool) -> Draft:
    if not whole:
        raise Unreadable(_cut_short(order), passing=True)
    if not response.headers.get("content-type", "text/html").lower().startswith(READABLE):
        raise Unreadable(note("not-a-page", order["url"], "left-out"))
    draft = from_row(order["request"]).page_of
    try:
        if same_site(order["told_by"], response.url):
            found = read_article(response, draft, order["options"])
        else:
            found = _by_its_own_word(response, draft, order["options"])
        another = is_another(draft.title, found, response)
    except MemoryError:
        raise
    except Exception as error:  # whatever a page holds, the others go on
        told = note("page-unreadable", draft.url, "left-out", error=type(error).__name__)
        raise Unreadable(told) from error
    if another:
        raise Unreadable(note("not-the-article", draft.url, "article-again"), passing=True)
    return found


def _by_its_own_word(response: Response, draft: Draft, options: Mapping[str, Any]) -> Draft:
    """The article of another site: of what the list said of it, only what the page leaves open counts."""
    page = read_article(response, replace(draft, title="", text="", published_at=None, author=None, notes=()), options)
    return replace(page, title=page.title or draft.title, published_at=page.published_at or draft.published_at)


def _refusal(response: Response, order: Mapping[str, Any]) -> tuple[Found, ...]:
    """What the adapter makes of an answer of 400 or more; NotUnderstood ends the visit."""
    source = source_from(order["source"])
    try:
        told: Note | None = adapter_named(source.adapter).refused(response, source)  # type: ignore[attr-defined]
    except (NotUnderstood, MemoryError):
        raise
    except Exception:  # whatever the answer holds: its status tells
        return ()
    return (told,) if told else ()


def _storable(found: Found, kind: str, response: Response) -> Found:
    """What was found in the form it may be kept in: clean, of bounded length, with an address, and not of the future."""
    if isinstance(found, Note):
        return replace(found, message=one_line(found.message), english=one_line(found.english), url=_clean(found.url))
    draft = found.page_of if isinstance(found, Request) else found
    if not _is_address(found.url) or (draft and not _is_address(draft.url)):
        return note("item-odd-address", response.url, "left-out", most=LONGEST_ADDRESS)
    if isinstance(found, Request):
        return replace(found, page_of=_clean_draft(draft, "", response)) if draft else found
    return _clean_draft(found, kind, response)


def _clean_draft(draft: Draft, kind: str, response: Response) -> Draft:
    text = plain(draft.text)
    if kind == "article":
        text = without_pointers(text)
    moment, doubt = believable(draft.published_at, response.fetched_at)
    cut = "text-cut" if len(text) > LONGEST_TEXT else None
    return replace(
        draft,
        title=one_line(draft.title)[:LONGEST_TITLE].rstrip(),
        text=text[:LONGEST_TEXT],
        published_at=moment,
        author=one_line(draft.author)[:LONGEST_NAME].rstrip() or None,
        reactions=None if draft.reactions is None else min(max(draft.reactions, 0), MOST_REACTIONS),
        notes=(*draft.notes, *(code for code in (doubt, cut) if code)),
    )


def _is_address(url: str) -> bool:
    return len(url) <= LONGEST_ADDRESS and url == _clean(url) and " " not in url


def _clean(url: str) -> str:
    return one_line(url)[:LONGEST_ADDRESS]


# ---- rows: what travels between the processes ------------------------------------------------------------------------

KINDS: dict[str, Any] = {kind.__name__: kind for kind in (Draft, Request, Note, Listen, Reading)}


def to_row(value: Any) -> Any:
    """The JSON form of what adapters give and take."""
    kind = type(value)
    if KINDS.get(kind.__name__) is kind:
        given = {one.name: getattr(value, one.name) for one in fields(kind)}
        told = {one.name: to_row(given[one.name]) for one in fields(kind) if _is_told(one, given[one.name])}
        return {kind.__name__: told}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, Mapping):
        return {"dict": dict(value)}
    return [to_row(one) for one in value] if isinstance(value, tuple) else value


def from_row(row: Any) -> Any:
    """The inverse of `to_row`."""
    if isinstance(row, list):
        return tuple(from_row(one) for one in row)
    if not isinstance(row, dict):
        return row
    ((name, value),) = row.items()
    if name == "datetime":
        return datetime.fromisoformat(value)
    return value if name == "dict" else KINDS[name](**{field: from_row(one) for field, one in value.items()})


def _is_told(field: Any, value: Any) -> bool:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return bool(value != default)


# ---- the process -----------------------------------------------------------------------------------------------------


def _orders(given: IO[bytes]) -> Iterator[tuple[dict[str, Any], bytes]]:
    while lengths := given.read(ORDER.size):
        order, body = ORDER.unpack(lengths)
        yield json.loads(given.read(order)), given.read(body)


def _say(out: IO[bytes], said: bytes) -> None:
    out.write(ANSWER.pack(len(said)) + said)
    out.flush()


def main() -> None:
    seconds, megabytes = float(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 1024 * 1024,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    given, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for order, body in _orders(given):
        if order["task"] == "page":
            import trafilatura  # noqa: F401  # its loading is not the page's time
        _alarm(seconds)
        _say(out, b"")
        try:
            said = json.dumps(to_row(read(order, body))).encode()
        except MemoryError:
            os._exit(1)
        _alarm(0)
        _say(out, said)


def _alarm(seconds: float) -> None:
    """Nobody handles these signals: they end the process whatever it does."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, WALL * seconds)


if __name__ == "__main__":
    main()
