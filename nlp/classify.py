"""Failure or not, sector, form of maladministration, urgency: a linear reading of words.

A text is a bag of plain words, their dictionary forms, pairs of both, the cues of the taxonomy it holds and the kinds of
body it names. One table of weights gives a score for every code of every axis; scores become probabilities at a temperature
fitted on held-apart texts. Being linear, it also tells what each word added. The table is a component of a spaCy pipeline,
trained by `nlp.train`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from nlp.agencies import Agencies
from nlp.language import Indonesian
from nlp.normalize import LEXICON, lemma, tokenize
from nlp.phrases import Phrases, read

MODEL = Path(__file__).parent / "model"
AXES = ("failure", "sector", "form", "urgency")
READ = 2500  # characters of a text that are classified: the lead tells, the tail repeats
MARK = "§"  # begins what is no word of the text but a finding about it
LEMMA = "~"  # begins the dictionary form of a word


@dataclass(frozen=True, slots=True)
class Scores:
    """Calibrated probabilities of each axis, code -> p; each axis sums to 1."""

    failure: Mapping[str, float]
    sector: Mapping[str, float]
    form: Mapping[str, float]
    urgency: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Words:
    """What the classifier reads of a text."""

    plain: tuple[str, ...]  # words of title and text in plain Indonesian
    spans: tuple[tuple[int, int], ...]  # of each, in the text; negative in the title
    marks: tuple[str, ...]

    def __iter__(self) -> Iterator[str]:
        return chain(self.plain, self.marks)


class Features:
    """Reads a text: plain words, then marks for the cues of the taxonomy and the kinds of body named."""

    def __init__(self, agencies: Agencies) -> None:
        self.agencies = agencies
        rows = (LEXICON / "cues.tsv").read_text(encoding="utf-8").splitlines()[1:]
        self.cues = Phrases((phrase, code) for phrase, code in (row.split("\t") for row in rows))

    def __call__(self, title: str, text: str) -> Words:
        whole = f"{title}\n{text[:READ]}" if title else text[:READ]
        shift = len(title) + 1 if title else 0
        tokens = tokenize(whole)
        return Words(
            tuple(token.norm for token in tokens),
            tuple((token.start - shift, token.end - shift) for token in tokens),
            tuple(MARK + mark for mark in self._marks(whole)),
        )

    def _marks(self, whole: str) -> list[str]:
        reading = read(whole)
        codes = sorted({code for hit in self.cues.longest(reading) for code in hit.value})
        return [*codes, *self.agencies.kinds_named(reading)]


def terms(words: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Every term of a text with the index of its (first) word; marks with that of their own."""
    before = before_lemma = ""
    for index, word in enumerate(words):
        yield index, word
        if word[0] == MARK:
            continue
        basic = LEMMA + lemma(word)
        yield index, basic
        if before:
            yield index - 1, f"{before} {word}"
            yield index - 1, f"{before_lemma} {basic}"
        before, before_lemma = word, basic


class Vocabulary:
    """The terms the weights know, in a fixed order, and what makes a text a vector over them."""

    def __init__(self, known: Sequence[str], rarity: np.ndarray) -> None:
        """`rarity`: inverse document frequency of each term, float32."""
        self.terms, self.rarity = known, rarity
        self._place = {term: place for place, term in enumerate(known)}

    @classmethod
    def of(cls, texts: Iterable[Iterable[str]], least: int) -> Vocabulary:
        """Terms that stand in at least `least` of the texts."""
        seen: Counter[str] = Counter()
        number = 0
        for number, words in enumerate(texts, 1):  # noqa: B007
            seen.update({term for _, term in terms(words)})
        known = sorted(term for term, count in seen.items() if count >= least)
        counts = np.array([seen[term] for term in known])
        return cls(known, (np.log((1 + number) / (1 + counts)) + 1).astype("float32"))

    def vector(self, words: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """Places and values of a text's terms, as a vector of length 1."""
        find = self._place.get
        return self._weighed([place for _, term in terms(words) if (place := find(term)) is not None])[:2]

    def occurrences(self, words: Iterable[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of every occurrence of a known term: index of its word, its place, its share of the value."""
        find = self._place.get
        found = [(index, place) for index, term in terms(words) if (place := find(term)) is not None]
        _, values, back, counts = self._weighed([place for _, place in found])
        indices = np.array([index for index, _ in found], dtype=np.intp)
        return indices, np.array([place for _, place in found], dtype=np.intp), (values / counts)[back]

    def _weighed(self, found: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        places, back, counts = np.unique(np.array(found, dtype=np.intp), return_inverse=True, return_counts=True)
        values = (1 + np.log(counts, dtype="float32")) * self.rarity[places]
        return places, values / max(float(np.linalg.norm(values)), 1e-6), back, counts


class Weights:
    """A score for every code of every axis: `bias + vector @ table`."""

    def __init__(self, vocabulary: Vocabulary, table: np.ndarray, bias: np.ndarray, meta: Mapping[str, Any]) -> None:
        """`table`: float32, terms x codes; `meta`: version, codes of each axis in the table's order, temperatures."""
        self.vocabulary, self.table, self.bias, self.meta = vocabulary, table, bias, meta
        ends = np.cumsum([len(meta["labels"][axis]) for axis in AXES])
        self.columns = {axis: slice(end - len(meta["labels"][axis]), end) for axis, end in zip(AXES, ends, strict=True)}
        no, vague, yes = table[:, self.columns["failure"]].T  # the order of the alphabet
        self._telling = yes - (no + vague) / 2

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

    def cats(self, words: Iterable[str]) -> dict[str, float]:
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

    def told_by(self, words: Words) -> np.ndarray:
        """What each word of a text adds to "a failure is told", against the rest; one number a word."""
        indices, places, values = self.vocabulary.occurrences(words)
        added = values * self._telling[places]
        return np.bincount(indices, added, len(words.plain) + len(words.marks))[: len(words.plain)]

    def __call__(self, doc: Doc) -> Doc:
        """As a component of a spaCy pipeline."""
        doc.cats = self.cats([token.text for token in doc])
        return doc


@Language.factory("kentongan_weights")
def create_weights(nlp: Language, name: str, folder: str) -> Weights:
    """The table of weights as a component; it fills `doc.cats`."""
    return Weights.read(Path(folder))


class Classifier:
    """The shipped model, or one from another folder."""

    def __init__(self, folder: Path = MODEL) -> None:
        self.nlp = Indonesian()
        self.weights: Weights = self.nlp.add_pipe("kentongan_weights", config={"folder": str(folder)})
        self.meta = self.weights.meta

    @property
    def version(self) -> str:
        return str(self.meta["version"])

    def pipe(self, texts: Iterable[Words], batch_size: int = 128) -> Iterator[Scores]:
        """Scores of texts as `Features` reads them, in order."""
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
