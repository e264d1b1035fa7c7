"""What adapters of APIs share: JSON answers, items that may be broken, tokens by name, and the API's own words of refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from crawler.adapters import Draft, Found, NotUnderstood, Response
from crawler.dates import WIB, believable, parse_date
from crawler.document import document_key
from crawler.notes import note
from crawler.source import Source

BROKEN = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
LONGEST_NUMBER = 40  # digits; ids have 20
RESETS = ("x-rate-limit-reset", "ratelimit-reset", "x-ratelimit-reset")  # of X, Bluesky, Mastodon: Unix time, or a date
_WORD = re.compile(r"[\w .:-]{1,60}", re.ASCII)


def said(response: Response) -> Any:
    """The JSON that came; NotUnderstood if it is none. What is no number of this world counts as not told."""
    try:
        return json.loads(response.body, parse_int=_whole, parse_float=_fraction, parse_constant=lambda name: None)
    except RecursionError:
        raise NotUnderstood("too-deep") from None
    except ValueError:
        raise NotUnderstood("not-json") from None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= LONGEST_NUMBER else None


def _fraction(digits: str) -> float | None:
    return number if isfinite(number := float(digits)) else None


def answer(response: Response) -> dict[str, Any]:
    """The JSON object that came; NotUnderstood if it is none."""
    found = said(response)
    if not isinstance(found, dict):
        raise NotUnderstood("api-refuses", reason="-")
    return found


def refusal(response: Response) -> dict[str, Any]:
    """The JSON object of a refusal; empty if it holds none."""
    try:
        return answer(response)
    except NotUnderstood:
        return {}


def items(found: dict[str, Any], name: str) -> list[Any]:
    """The list of that name in an answer; NotUnderstood if there is none."""
    if not isinstance(found.get(name), list):
        raise NotUnderstood("api-refuses", reason="-")
    return list(found[name])


def each(given: Iterable[Any], read: Callable[[Any, int], Iterable[Found]], response: Response) -> Iterator[Found]:
    """What `read` finds in every item, and a Note for one that is broken; the others are read."""
    for place, item in enumerate(given, 1):
        try:
            yield from list(read(item, place))
        except BROKEN as error:
            yield note("item-unreadable", response.url, "left-out", number=place, error=type(error).__name__)


def brings_new(found: Sequence[Found], source: Source) -> bool:
    """Whether a page holds anything that is not settled: then the page behind it is worth asking for."""
    return any(isinstance(one, Draft) and document_key(one.identity) not in source.settled for one in found)


def moment(response: Response, *written: str | None) -> tuple[datetime | None, tuple[str, ...]]:
    """When a post was published, by the first of the dates that can be true; and the code of what is doubtful about it."""
    published_at, doubt = None, None
    for date in written:
        if published_at is None:
            published_at, doubt = believable(parse_date(date, response.fetched_at), response.fetched_at)
    return published_at, (doubt,) if doubt else ()


def token_of(source: Source, adapter: str) -> str:
    """The name of the source's token: the adapter's, or by the option `token` another that begins with it.

    So no source can have the token of one service sent to another.
    """
    name = str(source.options.get("token", adapter))
    if name != adapter and not name.startswith(f"{adapter}-"):
        raise NotUnderstood("token-name", name=adapter)
    return name


def switched(source: Source, option: str, *, default: bool = False) -> bool:
    """An option that is true or false, on a command line as a word; NotUnderstood if it is anything else."""
    value = str(source.options.get(option, default)).lower()
    if value not in ("true", "false"):
        raise NotUnderstood("option-wrong", option=option)
    return value == "true"


def word(value: object) -> str:
    """A reason an API gives, if it is a short plain word; its sentences may quote the token and are never shown."""
    return str(value) if _WORD.fullmatch(str(value)) else "-"


def limit_ends(headers: Mapping[str, str]) -> datetime | None:
    """When more requests are answered, by the headers of APIs that name the moment and send no Retry-After."""
    told = next((headers[name] for name in RESETS if name in headers), "")
    try:
        ends = datetime.fromtimestamp(int(told), UTC) if told.isdecimal() else datetime.fromisoformat(told)
        return ends.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def seconds_left(headers: Mapping[str, str], now: datetime) -> str:
    """What a Retry-After would say, of an API that names the moment instead."""
    ends = limit_ends(headers)
    return str(max(0, round((ends - now).total_seconds()))) if ends else ""


def rate_limited(response: Response) -> NotUnderstood:
    """Too many requests, and until when, where that is told."""
    ends = limit_ends(response.headers)
    if ends is None:
        return NotUnderstood("rate-limited")
    return NotUnderstood("rate-limited-until", until=f"{ends.astimezone(WIB):%H:%M} WIB")
