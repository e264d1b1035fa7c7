"""Many phrases at once: whole words, any case, any punctuation between them, with offsets into the original text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar

from ahocorasick_rs import AhoCorasick

T = TypeVar("T")

# Scraped pages lose spaces ("KabupatenSiak"), hashtags never had them: a capital after small letters opens a word.
_GLUED = re.compile(r"[a-z]{3}[A-Z][a-z]{2}")
_WORDS = re.compile(r"[^\W\d_]+|\d+")
_GLUED_WORDS = re.compile(r"[^\W\d_]+?(?:(?<=[a-z]{3})(?=[A-Z][a-z]{2})|(?![^\W\d_]))|\d+")
_PLAIN = {
    **dict.fromkeys(("jl", "jln", "jlan", "jlnan"), "jalan"),
    **dict.fromkeys(("kab", "kabup"), "kabupaten"),
    **dict.fromkeys(("kec", "kecmatan"), "kecamatan"),
    **dict.fromkeys(("kel", "kelurahn"), "kelurahan"),
    **dict.fromkeys(
        ("ga", "gak", "gk", "nggak", "ngga", "enggak", "engga", "tdk", "tak", "ndak", "dak", "kagak"), "tidak"
    ),
    **dict.fromkeys(("blm", "blom", "blum"), "belum"),
    **dict.fromkeys(("sdh", "udah", "udh", "dah"), "sudah"),
    "sei": "sungai",
    "dgn": "dengan",
    "yg": "yang",
    "prov": "provinsi",
    "walikota": "wali kota",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as words. `folded` joins the plain forms with single spaces; positions lead back to the original."""

    text: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]  # of each word, in `text`
    folded: str
    opens: dict[int, int]  # position in `folded` where a word begins -> index of the word
    closes: dict[int, int]  # position in `folded` where a word ends -> index of the word


class Hit(NamedTuple, Generic[T]):
    """Words first..last (inclusive) of a reading are a known phrase."""

    first: int
    last: int
    value: T


@lru_cache(maxsize=4)
def read(text: str) -> Reading:
    """The words of a text; linear in its length. The last few are kept, as several steps read the same text."""
    pattern = _GLUED_WORDS if _GLUED.search(text) else _WORDS
    spans = tuple(found.span() for found in pattern.finditer(text))
    words = tuple(_plain(text[start:end]) for start, end in spans)
    after = list(accumulate(len(word) + 1 for word in words))  # where in `folded` the next word begins
    opens = dict(zip([0, *after], range(len(words)), strict=False))
    closes = {end - 1: index for index, end in enumerate(after)}
    return Reading(text, words, spans, " ".join(words), opens, closes)


@lru_cache(maxsize=20_000)
def _plain(word: str) -> str:
    word = word.lower()
    if word.endswith("nya") and len(word) > 6:
        word = word[:-3]
    return _PLAIN.get(word, word)


def folded(phrase: str) -> str:
    """A phrase in the form in which it is looked for."""
    return " ".join(_plain(word) for word in _WORDS.findall(phrase))


def words(text: str) -> frozenset[str]:
    """A set of words written in one line."""
    return frozenset(text.split())


class Phrases(Generic[T]):
    """A set of phrases, each with the values filed under it."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        filed: dict[str, list[T]] = {}
        for phrase, value in entries:
            key = folded(phrase)
            if key and value not in filed.setdefault(key, []):
                filed[key].append(value)
        self._values = [tuple(values) for values in filed.values()]
        self._automaton = AhoCorasick(list(filed))

    def __len__(self) -> int:
        return len(self._values)

    def all(self, reading: Reading) -> list[Hit[tuple[T, ...]]]:
        """Every phrase in the text, overlapping ones too."""
        opens, closes, values = reading.opens, reading.closes, self._values
        return [
            Hit(opens[start], closes[end], values[which])
            for which, start, end in self._automaton.find_matches_as_indexes(reading.folded, overlapping=True)
            if start in opens and end in closes
        ]

    def longest(self, reading: Reading) -> list[Hit[tuple[T, ...]]]:
        """Phrases from left to right, the longest first, no word used twice."""
        chosen: list[Hit[tuple[T, ...]]] = []
        for hit in sorted(self.all(reading), key=lambda hit: (hit.first, -hit.last)):
            if not chosen or hit.first > chosen[-1].last:
                chosen.append(hit)
        return chosen
