"""Codes and numbers the API speaks of, each with what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from intake.review import queue
from intake.web.api.problems import english
from nlp.jurisdiction import Label, load_taxonomy

Track = Literal["iaps", "rco", "invite", "refer", "watch", "laporan"]
Reason = Literal[
    "not_service",
    "no_failure",
    "settled",
    "too_old",
    "hoax",
    "outside_riau",
    "outside_authority",
    "private_matter",
    "too_vague",
    "no_place",
    "no_agency",
]
State = Literal["candidate", "accepted", "not_relevant", "outside", "insufficient", "duplicate"]
Action = Literal[
    "accept", "not_relevant", "outside", "insufficient", "duplicate", "split", "correct", "snooze", "reopen"
]
Correctable = Literal["agency_id", "kind", "region", "district", "sector", "form", "urgency"]
Role = Literal["admin", "head", "officer", "focal", "analyst", "auditor"]
Number = Annotated[int, Field(ge=1, le=queue.MOST_ID)]
NumberInPath = Annotated[int, InPath(ge=1, le=queue.MOST_ID, description="number of the row")]
Version = Annotated[int, Field(ge=0, le=queue.MOST_ID)]


def listed(words: Mapping[str, str | tuple[str, str]]) -> str:
    """Codes and what they mean, for a field's description."""
    meant = {code: word if isinstance(word, str) else ". ".join(map(english, word)) for code, word in words.items()}
    return "; ".join(f"`{code}`: {english(word)}" for code, word in meant.items())


def _labels(labels: Mapping[str, Label]) -> str:
    return "; ".join(f"`{code}`: {label.name('en')}" for code, label in labels.items())


_taxonomy = load_taxonomy()
SECTORS = f"the service: {_labels(_taxonomy.sectors)}"
FORMS = f"form of maladministration: {_labels(_taxonomy.forms)}"
KINDS = f"kind of agency: {_labels(_taxonomy.kinds)}"
URGENCIES = f"how soon: {_labels(_taxonomy.urgencies)}"
REGION = "code of a regency or city, as `14.71` for Pekanbaru"
DISTRICT = "code of a district, as `14.71.08`"
AGENCY = "id of an agency of `/api/v1/agencies`"


def example(**values: Any) -> dict[str, Any]:
    return {"examples": [values]}


class Given(BaseModel):
    """What a caller gives; a field nobody asked for is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Told(BaseModel):
    """What is told, and nothing else of the row it is taken from."""

    model_config = ConfigDict(from_attributes=True)
