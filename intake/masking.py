"""What a person is shown of a text: personal data covered, evidence marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nlp.privacy import personal_data

COVER = {
    "nik": "[NIK]",
    "kk": "[No. KK]",
    "phone": "[telepon]",
    "email": "[surel]",
    "plate": "[pelat]",
    "account": "[rekening]",
    "handle": "[akun]",
    "name": "[nama]",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of shown text, and what it is evidence of (None: nothing)."""

    text: str
    evidence: str | None = None


def masked(text: str, pii: Iterable[Mapping[str, Any]]) -> str:
    """`text` with every span of personal data ({start, end, type}) replaced by what it was, in brackets."""
    return "".join(piece.text for piece in pieces(text, pii, ()))


def covered(text: str) -> str:
    """`text` that nobody analysed, what a look at it now finds to be personal data covered."""
    return masked(text, personal(text))


def personal(text: str) -> list[Mapping[str, Any]]:
    """What a look at it now finds to be personal data."""
    return [{"start": s.start, "end": s.end, "type": s.label} for s in personal_data(text)]


def pieces(text: str, pii: Iterable[Mapping[str, Any]], evidence: Iterable[Mapping[str, Any]]) -> list[Piece]:
    """`text` cut into stretches: masked first, then marked where evidence ({start, end, for}) stands.

    Spans are offsets of the original text; where they overlap, the one that starts first and is longest wins, and personal
    data always wins over evidence.
    """
    covers = list(_apart(pii, len(text)))
    marks = list(_apart(evidence, len(text)))
    shown: list[Piece] = []
    position = 0
    for cover in [*covers, {"start": len(text), "end": len(text), "type": ""}]:
        shown.extend(_marked(text, position, cover["start"], marks))
        if cover["type"]:
            shown.append(Piece(COVER.get(cover["type"], "[…]")))
        position = max(position, cover["end"])
    return [piece for piece in shown if piece.text]


def _marked(text: str, start: int, end: int, marks: list[Mapping[str, Any]]) -> Iterator[Piece]:
    for mark in marks:
        first, last = max(start, mark["start"]), min(end, mark["end"])
        if first >= last:
            continue
        yield Piece(text[start:first])
        yield Piece(text[first:last], mark["for"])
        start = last
    yield Piece(text[start:end])


def _apart(spans: Iterable[Mapping[str, Any]], length: int) -> Iterator[Mapping[str, Any]]:
    position = 0
    for span in sorted(spans, key=lambda span: (span["start"], -span["end"])):
        start, end = max(span["start"], position), min(span["end"], length)
        if start < end:
            yield {**span, "start": start, "end": end}
            position = end
