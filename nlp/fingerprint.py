"""Signatures for near-copies, and the key words of an event."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from math import log

import numpy as np
from rensa import RMinHash

from nlp.jurisdiction import District, Place, Region, load_jurisdiction
from nlp.normalize import LEXICON, lemma, tokenize

PERMUTATIONS = 128
BANDS = 16  # of 8 rows: texts of similarity .7 share one with probability .61 a wording, .8 with .95
SHINGLE = 3  # words
SEED = 7
RAREST = 2  # texts a word is taken to be in at least: a word nobody used before is mostly misspelt
RARE = 100  # of the training texts; a word that is in fewer is hardly anything but a name
_LETTERS = re.compile(r"[a-z]{3,}")
_ROAD = re.compile(
    r"\b(?:jalan|jln?|ruas|lintas)\b\.?\s{1,3}(?:(?:hr|kh|sm|jenderal|jend|protokol)\b\.?\s{1,3})?([a-z]{3,30})",
    re.IGNORECASE,
)


def signature(text: str) -> bytes:
    """MinHash of the text's three-word shingles: 128 unsigned 32-bit numbers, 512 bytes."""
    words = [token.norm for token in tokenize(text) if token.norm[0].isalnum()]
    shingles = {" ".join(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))}
    minhash = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    minhash.update(sorted(shingles))
    return np.asarray(minhash.digest(), dtype="<u4").tobytes()


def similarity(one: bytes, two: bytes) -> float:
    """Estimated Jaccard similarity of two signatures, 0 to 1."""
    return float(np.mean(np.frombuffer(one, "<u4") == np.frombuffer(two, "<u4")))


def bands(sign: bytes) -> tuple[int, ...]:
    """16 signed 64-bit numbers; near-copies share at least one, most others none."""
    size = len(sign) // BANDS
    return tuple(
        int.from_bytes(
            hashlib.blake2b(bytes([n]) + sign[n * size : (n + 1) * size], digest_size=8).digest(), "big", signed=True
        )
        for n in range(BANDS)
    )


def key_words(text: str, most: int = 40) -> tuple[str, ...]:
    """What a text is about, most telling first: lemmas of its content words, plain ones as they are.

    Words of a place are marked `@duri`, words that name an office or its people `#rsud`, a road `jalan:paus`.
    """
    counts: Counter[str] = Counter()
    for token in tokenize(text):
        for word in token.norm.lstrip("#").split():
            if len(word) > 2 and word.isalpha():
                counts[_concept(word)] += 1
    told = sorted((word for word in counts if word not in _stop()), key=lambda word: (-weight(word), word))[:most]
    roads = {found[1].lower() for found in _ROAD.finditer(text) if _is_a_name(found[1])}
    return (*map(_marked, told), *(f"jalan:{road}" for road in sorted(roads)))


def weight(word: str) -> float:
    """How much it says that two texts share a word: the rarer in the training texts, the more. 1 to 8; marks do not count."""
    texts, of = _frequencies()
    return log(of / (max(texts.get(word.lstrip("@#"), 0), RAREST) + 1))


@lru_cache(maxsize=1)
def wide_places() -> frozenset[str]:
    """Words of the names of regencies and of the province, be they also a town's: in common, they do not tell where."""
    regions = load_jurisdiction().regions.values()
    aliases = (alias for one in regions for alias in one.aliases if " " not in alias)
    return frozenset(word for name in (*(one.short for one in regions), *aliases) for word in name.lower().split())


def _marked(word: str) -> str:
    return f"@{word}" if word in _places() else f"#{word}" if word in _offices() else word


def _is_a_name(word: str) -> bool:
    return word[0].isupper() or word in _road_names()


@lru_cache(maxsize=65_536)
def _concept(word: str) -> str:
    """Words that say the same of an event count as one: lampu and listrik, padam and mati."""
    concepts = _concepts()
    return concepts.get(word) or concepts.get(lemma(word)) or lemma(word)


@lru_cache(maxsize=1)
def _concepts() -> dict[str, str]:
    rows = (LEXICON / "concepts.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return dict(row.split("\t") for row in rows)


@lru_cache(maxsize=1)
def _stop() -> frozenset[str]:
    return frozenset((LEXICON / "stop.txt").read_text(encoding="utf-8").split())


@lru_cache(maxsize=1)
def _frequencies() -> tuple[Mapping[str, int], int]:
    """In how many of the training texts a word is, and how many those are."""
    first, *rows = (LEXICON / "frequencies.tsv").read_text(encoding="utf-8").splitlines()
    return {word: int(texts) for word, texts in (row.split("\t") for row in rows)}, int(first.split("\t")[1])


def _is_rare(word: str, texts: int) -> bool:
    return _frequencies()[0].get(word, 0) < texts


@lru_cache(maxsize=1)
def _places() -> frozenset[str]:
    """Words of place names: the whole name, or rare; "baru" and "hilir" tell no place."""
    tables = load_jurisdiction()
    named: list[Region | District | Place] = [*tables.regions.values(), *tables.districts.values(), *tables.towns]
    names = [name.lower().split() for place in named for name in (place.name, *place.aliases)]
    return frozenset(word for name in names for word in name if len(name) == 1 or _is_rare(word, RARE)) - _stop()


@lru_cache(maxsize=1)
def _offices() -> frozenset[str]:
    """Words for offices and those who work there, and the proper names of bodies."""
    agencies = load_jurisdiction().agencies.values()
    names = (name.lower() for one in agencies for name in (one.name, *one.aliases))
    words = {_concept(word) for name in names for word in _LETTERS.findall(name)}
    listed = (LEXICON / "offices.txt").read_text(encoding="utf-8").split()
    return frozenset({*listed, *(word for word in words if _is_rare(word, RARE))}) - _places()


@lru_cache(maxsize=1)
def _road_names() -> frozenset[str]:
    """First words of the roads the tables know: who writes in small letters means them too."""
    names = (name for road in load_jurisdiction().roads for name in (road.name, *road.aliases))
    return frozenset(found[1].lower() for name in names if (found := _ROAD.match(name)))
