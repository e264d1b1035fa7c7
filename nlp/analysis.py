"""Text in, Analysis out: the frozen values of the nlp floor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

FailureLabel = Literal["yes", "vague", "no"]
PlaceLabel = Literal["riau", "other", "unknown"]
Urgency = Literal["U1", "U2", "U3", "U4"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text to analyse. `region` is where the outlet or author is at home: a hint, never a finding."""

    id: str
    text: str
    title: str = ""
    published_at: datetime | None = None
    source: str = ""
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """One code with its probability, and the reason in words where a rule found it."""

    code: str
    p: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of the text, and what they are evidence of, or what kind of personal data.

    Labels of evidence: failure agency place urgency. Of personal data: nik kk phone email plate account handle name.
    """

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was understood of one text. Lists are best first; an empty list means "cannot tell"."""

    id: str
    failure: FailureLabel
    p: Mapping[str, float]  # yes, vague, no; sums to 1
    sectors: tuple[Guess, ...] = ()
    forms: tuple[Guess, ...] = ()
    kinds: tuple[Guess, ...] = ()
    agencies: tuple[Guess, ...] = ()  # codes are agency ids
    place: PlaceLabel = "unknown"
    regions: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()
    urgency: Urgency | None = None
    sarcasm: bool = False
    evidence: tuple[Span, ...] = ()
    pii: tuple[Span, ...] = ()
    language: str = "id"
    model: str = ""
    notes: tuple[str, ...] = field(default=())  # "text cut at 100,000 characters"

    def to_dict(self) -> dict[str, Any]:
        """The form that interface documents fix: `kentongan analyse --jsonl` prints it."""
        row = asdict(self)
        row["failure"] = {"label": self.failure, "p": {k: round(v, 4) for k, v in self.p.items()}}
        del row["p"], row["notes"]
        for axis in ("sectors", "forms", "kinds", "agencies"):
            name = "id" if axis == "agencies" else "code"
            row[axis] = [
                {name: g.code, "p": round(g.p, 4)} | ({"reason": g.reason} if g.reason else {})
                for g in getattr(self, axis)
            ]
        row["evidence"] = [{"start": s.start, "end": s.end, "for": s.label} for s in self.evidence]
        row["pii"] = [{"start": s.start, "end": s.end, "type": s.label} for s in self.pii]
        if self.notes:
            row["notes"] = list(self.notes)
        return row

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)
