"""Lists come in pages; `next` of one is `after` of the following. A cursor says where one stopped: nothing is counted off."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from intake.web.api.problems import Refused

Row = TypeVar("Row")
Item = TypeVar("Item")
After = Annotated[
    str | None, Query(max_length=200, description="`next` of the page before; without it, the first page is told")
]
Limit = Annotated[int, Query(ge=1, le=100, description="items of one page")]


class ListOut(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item] = Field(description="in the order of the list")
    next: str | None = Field(description="cursor of the next page; null: this was the last")


def cursor(place: Any) -> str:
    """A place in a list as a text that says nothing to anybody else."""
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def place(after: str | None) -> Any:
    """The place a cursor means; None: the beginning. Raises Refused."""
    if after is None:
        return None
    try:
        return json.loads(base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise wrong_cursor() from None


def number(after: str | None, most: int = 2**31 - 1) -> int | None:
    """The place, where it is the number of a row."""
    found = place(after)
    if found is not None and (type(found) is not int or not 0 <= found <= most):
        raise wrong_cursor()
    return found


def wrong_cursor() -> Refused:
    return Refused(422, "wrong_cursor")


def part(
    rows: Iterable[Row], key: Callable[[Row], tuple[Any, ...]], after: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """A page of what is held in memory anyway, in the order of its `key`, which no two rows share."""
    begin = place(after)
    try:
        found = sorted(rows, key=key)
        found = [row for row in found if begin is None or list(key(row)) > begin]
    except TypeError:
        raise wrong_cursor() from None
    shown = found[:limit]
    return shown, cursor(list(key(shown[-1]))) if len(found) > limit else None
