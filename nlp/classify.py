"""Failure or not, which sector, which form of maladministration: spaCy text classifiers over plain words.

Three bag-of-n-grams classifiers (`textcat`, exclusive classes) share one pipeline. Their scores are calibrated by a
temperature each, fitted on held-apart folds of the corpus.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nlp.agencies import Agencies
from nlp.normalize import LEXICON, tokenize
from nlp.phrases import Phrases, read
from nlp.places import Places

if TYPE_CHECKING:
    from spacy.language import Language

MODEL = Path(__file__).parent / "model"
AXES = ("failure", "sector", "form")
READ = 2500  # characters of a text that are classified: the lead tells, the tail repeats


@dataclass(frozen=True, slots=True)
class Scores:
    """Calibrated probabilities of each axis, code -> p; each axis sums to 1."""

    failure: Mapping[str, float]
    sector: Mapping[str, float]
    form: Mapping[str, float]


class Classifier:
    """The shipped model, or one from another folder."""

    def __init__(self, folder: Path = MODEL) -> None:
        from nlp.language import Indonesian

        self.meta: dict[str, Any] = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
        self.nlp = Indonesian()
        add_classifiers(self.nlp, self.meta["labels"], self.meta["length"])
        for axis in AXES:
            self.nlp.get_pipe(axis).model.from_bytes((folder / f"{axis}.bin").read_bytes())  # type: ignore[attr-defined]

    @property
    def version(self) -> str:
        return str(self.meta["version"])

    def pipe(self, texts: Iterable[Sequence[str]], batch_size: int = 128) -> Iterator[Scores]:
        """Scores of texts given as plain words (see `features`), in order."""
        make = self.nlp.tokenizer.of  # type: ignore[union-attr]
        docs = self.nlp.pipe((make(list(words)) for words in texts), batch_size=batch_size)
        for doc in docs:
            yield Scores(*(self._calibrated(axis, doc.cats) for axis in AXES))

    def _calibrated(self, axis: str, cats: Mapping[str, float]) -> dict[str, float]:
        labels = self.meta["labels"][axis]
        p = soften(np.array([cats[label] for label in labels]), self.meta["temperature"][axis])
        return dict(zip(labels, p.tolist(), strict=True))


class Features:
    """What the classifiers read: plain words, the cues of the taxonomy, and the kinds of body the text points at."""

    def __init__(self, places: Places, agencies: Agencies) -> None:
        self.places, self.agencies = places, agencies
        rows = (LEXICON / "cues.tsv").read_text(encoding="utf-8").splitlines()[1:]
        self.cues = Phrases((phrase, code) for phrase, code in (row.split("\t") for row in rows))

    def __call__(self, title: str, text: str) -> list[str]:
        """Plain words of the title and the beginning of the text, then marks that no word can be mistaken for."""
        whole = f"{title}\n{text[:READ]}" if title else text[:READ]
        return [token.norm for token in tokenize(whole)] + self._marks(whole)

    def _marks(self, whole: str) -> list[str]:
        reading = read(whole)
        codes = Counter(code for hit in self.cues.longest(reading) for code in hit.value)
        kinds = self.agencies(whole, "", self.places(whole), ()).kinds
        return [f"§{code}" for code, count in codes.items() for _ in range(min(count, 3))] + [
            f"§{kind.code}" for kind in kinds[:2]
        ]


def soften(p: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities at a temperature: above 1 less sure, below 1 surer."""
    logits = np.log(np.maximum(p, 1e-9)) / temperature
    scaled = np.exp(logits - logits.max())
    return np.asarray(scaled / scaled.sum())


def add_classifiers(nlp: Language, labels: Mapping[str, Sequence[str]], length: int) -> None:
    """One bag-of-n-grams `textcat` per axis; `length` is the size of the hash table of weights."""
    for axis in AXES:
        model = {
            "@architectures": "spacy.TextCatBOW.v3",
            "exclusive_classes": True,
            "ngram_size": 2,
            "no_output_layer": False,
            "length": length,
        }
        textcat = nlp.add_pipe("textcat", name=axis, config={"model": model, "threshold": 0.0})
        for label in labels[axis]:
            textcat.add_label(label)  # type: ignore[attr-defined]
