"""Signatures for near-copies, and the key words of an event."""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import lru_cache

import numpy as np
from rensa import RMinHash

from nlp.jurisdiction import District, Place, Region, load_jurisdiction
from nlp.normalize import LEXICON, lemma, tokenize

PERMUTATIONS = 128
BANDS = 16  # of 8 rows: texts of similarity .7 share one with probability .61 a wording, .8 with .95
SHINGLE = 3  # words
SEED = 7


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


def key_words(text: str, most: int = 24) -> tuple[str, ...]:
    """What a text is about: lemmas of its content words, most frequent first, place and stop words left out."""
    counts: Counter[str] = Counter()
    for token in tokenize(text):
        for word in token.norm.lstrip("#").split():
            if len(word) > 2 and word.isalpha() and word not in _stop():
                counts[_concept(word)] += 1
    for word in _stop():
        counts.pop(word, None)
    return tuple(word for word, _ in counts.most_common(most))


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
    tables = load_jurisdiction()
    named: list[Region | District | Place] = [*tables.regions.values(), *tables.districts.values(), *tables.towns]
    names = [name for place in named for name in (place.name, *place.aliases)]
    places = {word for name in names for word in name.lower().split()}
    return frozenset((LEXICON / "stop.txt").read_text(encoding="utf-8").split()) | places
