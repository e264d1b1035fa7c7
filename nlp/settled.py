"""Does a text tell that the trouble is over, or that somebody is at work on it? Precision first: in doubt it does not.

"Sudah diperbaiki" tells it; "belum diperbaiki", "akan normal kembali", "katanya sudah beres", "ditargetkan rampung", "meski
sudah diaspal", "sudah menyala, tapi ..." and whatever is followed by "rusak lagi" or "masih padam" do not. The words are in
lexicon/settled.tsv.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from nlp.normalize import LEXICON
from nlp.phrases import Hit, Phrases, Reading, read

LONGEST = 20_000  # characters that are looked at
_NEAR, _FAR, _REPAIR, _AFTER = 3, 12, 6, 4  # words between what is told and what casts doubt on it, or bears it out
Kind = Literal["over", "under_way"]
_PHRASES = ("over", "done", "finished", "under_way", "acted")  # kinds of the lexicon that hold phrases
_SENTENCE = re.compile(r"[^\n]+?(?:[.!?;]+(?=\s)|\n|$)")


@dataclass(frozen=True, slots=True)
class Sign:
    """Characters [start, end) say that it is over, or that it is being dealt with."""

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Sentence:
    """Words [first, end) of a reading."""

    first: int
    end: int
    asks: bool


@lru_cache(maxsize=256)
def signs(text: str) -> tuple[Sign, ...]:
    """What of a text says so, from left to right. Nothing, where what comes later says that the trouble is back."""
    reading = read(text[:LONGEST])
    raw = [text[start:end].lower() for start, end in reading.spans]
    sentences = _sentences(reading)
    back = max(_back(reading), default=-1)
    found = []
    for hit in _phrases().longest(reading):
        sentence = sentences[bisect(sentences, hit.first, key=lambda one: one.first) - 1]
        told = _told(reading, sentence, hit)
        if told and hit.last > back and not _is_doubtful(raw, reading, sentence, told[0], hit):
            found.append(Sign(reading.spans[told[0]][0], reading.spans[hit.last][1], told[1]))
    return tuple(found)


def is_back(text: str) -> bool:
    """Whether a text says that the trouble goes on, or has come back."""
    return any(True for _ in _back(read(text[:LONGEST])))


def statement(text: str, names: Iterable[str]) -> Sign | None:
    """The first sign in a sentence that gives the word to somebody of these names."""
    reading, spoken = read(text[:LONGEST]), signs(text)
    named = [hit.first for hit in Phrases((name, name) for name in names).all(reading)] if spoken else []
    for sentence in _sentences(reading) if named else ():
        words = range(sentence.first, sentence.end)
        if any(place in words for place in named) and any(reading.words[n] in _words("says") for n in words):
            start, end = reading.spans[sentence.first][0], reading.spans[sentence.end - 1][1]
            if sign := next((one for one in spoken if start <= one.start and one.end <= end), None):
                return sign
    return None


def sentence_at(text: str, start: int) -> tuple[int, int]:
    """Characters of the sentence in which `start` stands."""
    found = next((one.span() for one in _SENTENCE.finditer(text[:LONGEST]) if one.start() <= start < one.end()), None)
    return found or (start, len(text))


def _sentences(reading: Reading) -> list[_Sentence]:
    found, first, place = [], 0, 0
    for one in _SENTENCE.finditer(reading.text):
        while place < len(reading.spans) and reading.spans[place][0] < one.end():
            place += 1
        if place > first:
            found.append(_Sentence(first, place, one[0].rstrip(" \n\"'”’)").endswith("?")))
        first = place
    return found


def _told(reading: Reading, sentence: _Sentence, hit: Hit[tuple[str, ...]]) -> tuple[int, Kind] | None:
    """Where what a phrase says begins, and what it says if nothing casts doubt on it."""
    kinds, marked = hit.value, _mark_before(reading, sentence, hit.first)
    if "over" in kinds:
        return hit.first, "over"
    if "under_way" in kinds:
        return hit.first, "under_way"
    if "acted" in kinds and marked is not None:
        return marked, "under_way"
    if "done" in kinds and marked is not None:
        return marked, "over"
    repair = _repair_before(reading, sentence, hit.first) if "finished" in kinds else None
    return (repair, "over") if repair is not None else None


def _mark_before(reading: Reading, sentence: _Sentence, place: int) -> int | None:
    """Where "sudah" or its like stands: right before, or before one or two words that change nothing."""
    for before in range(place - 1, max(place - 4, sentence.first - 1), -1):
        if reading.words[before] in _words("mark"):
            return before
        if reading.words[before] not in _words("between"):
            return None
    return None


def _repair_before(reading: Reading, sentence: _Sentence, place: int) -> int | None:
    """Where "perbaikan" or its like stands, as in "perbaikan jembatan rampung"."""
    places = range(max(sentence.first, place - _REPAIR), place)
    return next((n for n in places if reading.words[n] in _words("repair")), None)


def _is_doubtful(
    raw: Sequence[str], reading: Reading, sentence: _Sentence, first: int, hit: Hit[tuple[str, ...]]
) -> bool:
    """Asked, denied, planned, hoped for, heard from others, or followed by a "but"."""

    def holds(kind: str, start: int, end: int) -> bool:
        places = range(max(start, sentence.first), min(end, sentence.end))
        words = _words(kind)
        return any((raw[n] in words or reading.words[n] in words) and not _excused(reading, n) for n in places)

    after = hit.last + 1
    return (
        sentence.asks
        or holds("not", first - _NEAR, hit.first)
        or holds("plan", first - _FAR, hit.first)
        or holds("though", first - _NEAR, first)
        or holds("after", after, after + _AFTER)
        or holds("but", after, sentence.end)
    )


def _excused(reading: Reading, place: int) -> bool:
    """Whether the word means something else beside its neighbour: "mohon maaf", "100 persen"."""
    before, after = (reading.words[n] if 0 <= n < len(reading.words) else "" for n in (place - 1, place + 1))
    return (reading.words[place], after) == ("mohon", "maaf") or (before, reading.words[place]) == ("100", "persen")


def _back(reading: Reading) -> Iterator[int]:
    """Words that tell of trouble which goes on ("masih padam") or has come back ("rusak lagi")."""
    for place, word in enumerate(reading.words):
        if word in _words("bad"):
            before, after = reading.words[max(place - 2, 0) : place], reading.words[place + 1 : place + 3]
            if {"masih", "tetap"} & set(before) or before[-1:] == ("kembali",) or {"lagi", "kembali"} & set(after[:1]):
                yield place


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, tuple[str, ...]]:
    """Kind -> its phrases."""
    found: dict[str, list[str]] = {}
    for row in (LEXICON / "settled.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        kind, phrase = row.split("\t")
        found.setdefault(kind, []).append(phrase)
    return {kind: tuple(phrases) for kind, phrases in found.items()}


@lru_cache(maxsize=16)
def _words(kind: str) -> frozenset[str]:
    return frozenset(_lexicon()[kind])


@lru_cache(maxsize=1)
def _phrases() -> Phrases[str]:
    return Phrases((phrase, kind) for kind in _PHRASES for phrase in _lexicon()[kind])
