"""What of the queue is being worked through: carried from page to page, in addresses and forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Form, Query

from intake.review import queue
from intake.web import present


@dataclass(frozen=True, slots=True)
class Way:
    """What of the queue is being worked through; carried from page to page in addresses and forms."""

    filters: queue.Filters = field(default_factory=queue.Filters)
    on: bool = False  # beyond the day's part
    past: str = ""  # cursor of the candidate that was passed over last

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Way:
        state = given.get("state") or "candidate"
        narrowed = {name: given.get(name, "")[:100] for name in ("region", "sector", "urgency", "agency_id", "text")}
        filters = queue.Filters(
            state if state in present.STATES or state in present.ASIDE else None if state == "all" else "candidate",
            mine=given.get("mine") == "true",
            **narrowed,
        )
        return cls(filters, given.get("on") == "true", given.get("past", "")[:60])

    def query(self, **more: str) -> str:
        """As the query of an address, what is usual left out; with its `?`."""
        found = {name: value for name, value in self.chosen().items() if value} | more
        found |= {"on": "true"} if self.on else {}
        found |= {"past": self.past} if self.past else {}
        if found.get("state") == "candidate":
            del found["state"]
        return f"?{urlencode(found)}" if found else ""

    def chosen(self) -> dict[str, str]:
        """What the form of filters shows as chosen."""
        one = self.filters
        named = {"region": one.region, "sector": one.sector, "urgency": one.urgency, "text": one.text}
        named |= {"agency_id": one.agency_id, "mine": "true" if one.mine else ""}
        return {"state": one.state or "all"} | {name: value or "" for name, value in named.items()}

    @property
    def is_narrowed(self) -> bool:
        return any(value for name, value in self.chosen().items() if (name, value) != ("state", "candidate"))

    def for_today(self, budget: queue.Budget) -> queue.Filters:
        """What is left of the day's part. Who looks for something, or goes on, sees all of it."""
        is_own = replace(self, filters=replace(self.filters, mine=False))
        return self.filters if self.on or is_own.is_narrowed else queue.for_today(self.filters, budget)


def _way(
    state: str = "",
    region: str = "",
    sector: str = "",
    urgency: str = "",
    text: Annotated[str, Query(max_length=100)] = "",
    agency_id: Annotated[str, Query(max_length=60)] = "",
    mine: bool = False,
    on: bool = False,
    past: Annotated[str, Query(max_length=60)] = "",
) -> Way:
    named = {"state": state, "region": region, "sector": sector, "urgency": urgency, "text": text, "past": past}
    flags = {"mine": "true" if mine else "", "on": "true" if on else ""}
    return Way.of(named | {"agency_id": agency_id} | flags)


def _form_way(way: Annotated[str, Form(max_length=1000)] = "") -> Way:
    return Way.of(dict(parse_qsl(way.lstrip("?"))))


OnWay = Annotated[Way, Depends(_way)]
FormWay = Annotated[Way, Depends(_form_way)]
