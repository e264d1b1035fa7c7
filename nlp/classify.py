"""Failure or not, which sector, which form of maladministration: a linear reading of words and their parts.

A text is a bag of plain words, word pairs, the parts of each word (2 to 5 letters, so that a misspelt or unseen word still
says something), the cues of the taxonomy it holds and the kinds of body it points at. One table of weights gives a score
for every code of every axis; scores become probabilities at a temperature fitted on held-apart texts. The table is a
component of a spaCy pipeline, trained by `nlp.train`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nlp.agencies import Agencies
from nlp.normalize import LEXICON, tokenize
from nlp.phrases import Phrases, read
from nlp.places import Places

if TYPE_CHECKING:
    from spacy.tokens import Doc

MODEL = Path(__file__).parent / "model"
AXES = ("failure", "sector", "form")
READ = 2500  # characters of a text that are classified: the lead tells, the tail repeats
MARK = "§"  # begins what is no word of the text but a finding about it
PART = "~"  # begins a part of a word
PARTS = (2, 5)  # letters


@dataclass(frozen=True, slots=True)
class Scores:
    """Calibrated probabilities of each axis, code -> p; each axis sums to 1."""

    failure: Mapping[str, float]
    sector: Mapping[str, float]
    form: Mapping[str, float]


class Features:
    """What the classifier reads: plain words, the cues of the taxonomy, and the kinds of body the text points at."""

    def __init__(self, places: Places, agencies: Agencies) -> None:
        self.places, self.agencies = places, agencies
        rows = (LEXICON / "cues.tsv").read_text(encoding="utf-8").splitlines()[1:]
        self.cues = Phrases((phrase, code) for phrase, code in (row.split("\t") for row in rows))

    def __call__(self, title: str, text: str) -> list[str]:
        """Plain words of the title and the beginning of the text, then marks that no word can be mistaken for."""
        whole = f"{title}\n{text[:READ]}" if title else text[:READ]
        return [token.norm for token in tokenize(whole)] + self._marks(whole)

    def _marks(self, whole: str) -> list[str]:
        codes = sorted({code for hit in self.cues.longest(read(whole)) for code in hit.value})
        kinds = self.agencies(whole, "", self.places(whole), ()).kinds
        return [MARK + code for code in codes] + [MARK + kind.code for kind in kinds[:2]]


class Vocabulary:
    """The terms the weights know, in a fixed order, and what makes a text a vector over them."""

    def __init__(self, terms: Sequence[str], rarity: np.ndarray) -> None:
        """`rarity`: inverse document frequency of each term, float32."""
        self.terms, self.rarity = terms, rarity
        self._place = {term: place for place, term in enumerate(terms)}
        self._parts_of = lru_cache(maxsize=65_536)(self._find_parts)

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]], least: int) -> Vocabulary:
        """Terms that stand in at least `least` of the texts."""
        seen: Counter[str] = Counter()
        number = 0
        for number, words in enumerate(texts, 1):  # noqa: B007
            plain = [word for word in words if word[0] != MARK]
            seen.update({*words, *_pairs(plain), *(part for word in set(plain) for part in parts(word))})
        terms = sorted(term for term, count in seen.items() if count >= least)
        counts = np.array([seen[term] for term in terms])
        return cls(terms, (np.log((1 + number) / (1 + counts)) + 1).astype("float32"))

    def vector(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Places and values of a text's terms: two blocks of length 1, whole words and pairs, and parts of words."""
        plain = [word for word in words if word[0] != MARK]
        find = self._place.get
        whole = [place for term in (*words, *_pairs(plain)) if (place := find(term)) is not None]
        pieces = [self._parts_of(word) for word in plain]
        blocks = [np.array(whole, dtype=np.intp), np.concatenate(pieces) if pieces else np.empty(0, np.intp)]
        found = [self._weighed(block) for block in blocks]
        return np.concatenate([places for places, _ in found]), np.concatenate([values for _, values in found])

    def _weighed(self, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        places, counts = np.unique(block, return_counts=True)
        values = (1 + np.log(counts, dtype="float32")) * self.rarity[places]
        return places, values / max(float(np.linalg.norm(values)), 1e-6)

    def _find_parts(self, word: str) -> np.ndarray:
        found = (self._place.get(part) for part in parts(word))
        return np.array([place for place in found if place is not None], dtype=np.intp)


def parts(word: str) -> list[str]:
    """`jalan` -> "~ j", "~ja", ..., its beginning and end marked by a blank."""
    framed = f" {word} "
    return [
        PART + framed[start : start + size]
        for size in range(PARTS[0], PARTS[1] + 1)
        for start in range(len(framed) - size + 1)
    ]


def _pairs(words: Sequence[str]) -> list[str]:
    return [f"{one} {two}" for one, two in pairwise(words)]


class Weights:
    """A score for every code of every axis: `bias + vector @ table`."""

    def __init__(self, vocabulary: Vocabulary, table: np.ndarray, bias: np.ndarray, meta: Mapping[str, Any]) -> None:
        """`table`: float32, terms x codes; `meta`: version, codes of each axis in the table's order, temperatures."""
        self.vocabulary, self.table, self.bias, self.meta = vocabulary, table, bias, meta
        ends = np.cumsum([len(meta["labels"][axis]) for axis in AXES])
        self.columns = {axis: slice(end - len(meta["labels"][axis]), end) for axis, end in zip(AXES, ends, strict=True)}

    @classmethod
    def read(cls, folder: Path) -> Weights:
        meta = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
        with np.load(folder / "weights.npz") as kept:
            terms = kept["terms"].tobytes().decode().split("\n")
            vocabulary = Vocabulary(terms, kept["rarity"])
            return cls(vocabulary, kept["table"].astype("float32"), kept["bias"], meta)

    def write(self, folder: Path) -> None:
        """The same weights give the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            folder / "weights.npz",
            terms=np.frombuffer("\n".join(self.vocabulary.terms).encode(), dtype=np.uint8),
            rarity=self.vocabulary.rarity,
            table=self.table.astype("float16"),
            bias=self.bias,
        )
        figures = json.dumps(self.meta, indent=1, sort_keys=True) + "\n"
        (folder / "figures.json").write_text(figures, encoding="utf-8")

    def cats(self, words: Sequence[str]) -> dict[str, float]:
        """`{"failure:yes": p, ...}`: spaCy's form of categories."""
        places, values = self.vocabulary.vector(words)
        raw = self.bias + values @ self.table[places]
        return {
            f"{axis}:{code}": p
            for axis in AXES
            for code, p in zip(
                self.meta["labels"][axis],
                soften(raw[self.columns[axis]], self.meta["temperature"][axis]).tolist(),
                strict=True,
            )
        }

    def __call__(self, doc: Doc) -> Doc:
        """As a component of a spaCy pipeline."""
        doc.cats = self.cats([token.text for token in doc])
        return doc


class Classifier:
    """The shipped model, or one from another folder."""

    def __init__(self, folder: Path = MODEL) -> None:
        from nlp.language import with_weights

        self.nlp = with_weights(folder)
        self.meta = self.nlp.get_pipe("kentongan_weights").meta  # type: ignore[attr-defined]

    @property
    def version(self) -> str:
        return str(self.meta["version"])

    def pipe(self, texts: Iterable[Sequence[str]], batch_size: int = 128) -> Iterator[Scores]:
        """Scores of texts given as plain words (see `Features`), in order."""
        make = self.nlp.tokenizer.of  # type: ignore[union-attr]
        for doc in self.nlp.pipe((make(list(words)) for words in texts), batch_size=batch_size):
            ps = iter(doc.cats.items())
            yield Scores(
                *(
                    {name.partition(":")[2]: p for name, p in islice(ps, len(self.meta["labels"][axis]))}
                    for axis in AXES
                )
            )


def soften(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities at a temperature: above 1 less sure, below 1 surer."""
    scaled = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    return np.asarray(scaled / scaled.sum(axis=-1, keepdims=True))
