"""Train the classifiers from labelled texts: `python -m nlp.train`. The same texts give the same bytes on one machine."""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nlp.agencies import Agencies
from nlp.classify import AXES, MODEL, Features, Vocabulary, Weights, Words, soften
from nlp.jurisdiction import load_jurisdiction

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CORPUS = Path(__file__).parent / "corpus"
VERSION = "2026.11.3"
LEAST = 3  # texts a term must stand in
# Inverse of the regularisation. Failure is held closer than held-apart texts ask for: real ones are further away.
STRENGTH = {"failure": 0.36, "sector": 12.0, "form": 12.0, "urgency": 4.0}
SECOND = 0.4  # weight of a text's second and third code
SEED = 137
FOLDS = 5
# Real texts are further from the corpus than its held-apart parts are: surer than this no axis speaks. Error of the failure's
# calibration on 450 real texts (2026-11): .067 at the fitted .65, .050 at .8.
SUREST = 0.8

Row = dict[str, Any]


def main(files: Sequence[Path] | None = None, out: Path | None = None) -> None:
    """Train on `files` (the corpus if none) and write the model to `out` (the shipped one if none)."""
    files = sorted(files or CORPUS.glob("*.jsonl"))
    rows = read_rows(files)
    print(f"{len(rows)} texts from {len(files)} files; {FOLDS} folds for calibration, then all of them", flush=True)
    figures = train(rows, out or MODEL)
    for name, value in figures["held_apart"].items():
        print(f"{name:24} {value:.3f}")


def read_rows(files: Iterable[Path]) -> list[Row]:
    """Labelled texts of JSON lines files. ValueError names file and line of what is wrong."""
    rows = []
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
                rows.append({name: row[name] for name in ("text", "failure", "sectors", "forms")} | row)
            except (ValueError, KeyError) as error:
                raise ValueError(f"{path}:{number}: {type(error).__name__}: {error}") from None
    return rows


def train(rows: Sequence[Row], out: Path) -> dict[str, Any]:
    """Fit, calibrate on folds, write `out`; returns what `out/figures.json` holds."""
    words = read_all(rows)
    vocabulary = Vocabulary.of(words, LEAST)
    vectors = as_matrix(vocabulary, words)
    fitted: dict[str, Fitted] = {}
    held_apart: dict[str, float] = {}
    for axis in AXES:
        gold = {number: codes for number, row in enumerate(rows) if (codes := targets(row, axis))}
        labels = sorted({code for codes in gold.values() for code in codes})
        told, scores = held_apart_scores(vectors, gold, labels, STRENGTH[axis])
        temperature = max(SUREST, best_temperature(scores, told))
        held_apart |= measures(axis, labels, soften(scores, temperature), told)
        fitted[axis] = Fitted(labels, temperature, *fit(vectors, gold, labels, STRENGTH[axis]))
    meta = {
        "version": VERSION,
        "corpus": digest(rows),
        "texts": len(rows),
        "labels": {axis: one.labels for axis, one in fitted.items()},
        "temperature": {axis: one.temperature for axis, one in fitted.items()},
        "held_apart": held_apart,
    }
    table = np.concatenate([one.table for one in fitted.values()], axis=1)
    bias = np.concatenate([one.bias for one in fitted.values()])
    Weights(vocabulary, table, bias, meta).write(out)
    return meta


class Fitted(NamedTuple):
    """One axis: its codes, its temperature, its columns of the table."""

    labels: list[str]
    temperature: float
    table: np.ndarray
    bias: np.ndarray


def read_all(rows: Sequence[Row]) -> list[Words]:
    """The features of every row."""
    features = Features(Agencies(load_jurisdiction()))
    return [features(row.get("title", ""), row["text"]) for row in rows]


def as_matrix(vocabulary: Vocabulary, words: Sequence[Words]) -> csr_matrix:
    """Texts x terms."""
    from scipy.sparse import csr_matrix

    vectors = [vocabulary.vector(one) for one in words]
    ends = np.cumsum([0, *(len(places) for places, _ in vectors)])
    places = np.concatenate([places for places, _ in vectors])
    values = np.concatenate([values for _, values in vectors])
    return csr_matrix((values, places, ends), shape=(len(vectors), len(vocabulary.terms)))


def targets(row: Row, axis: str) -> dict[str, float]:
    """Gold codes of an axis and their weights; where a second reader saw it otherwise, both count half.

    `row["weight"]`: texts of the plainest and commonest kind count more than those that were written to be hard.
    """
    readings = [row, row | row["second"]] if "second" in row else [row]
    weights: defaultdict[str, float] = defaultdict(float)
    for reading in readings:
        for place, code in enumerate(_codes(reading, axis)):
            weights[code] += row.get("weight", 1.0) * (1.0 if place == 0 else SECOND) / len(readings)
    return dict(weights)


def _codes(row: Row, axis: str) -> list[str]:
    """Codes of one reading, best first; all axes but failure only where a service is criticised."""
    if axis == "failure":
        return [row["failure"]]
    if row["failure"] == "no":
        return []
    return [code for code in ([row.get("urgency")] if axis == "urgency" else row.get(f"{axis}s", ())) if code]


def fit(
    vectors: csr_matrix, gold: Mapping[int, Mapping[str, float]], labels: Sequence[str], strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Table (terms x labels) and bias of a logistic regression; a text of several codes counts for each by its weight."""
    from sklearn.linear_model import LogisticRegression

    examples = [(number, code, weight) for number, codes in gold.items() for code, weight in codes.items()]
    numbers, codes, weights = zip(*examples, strict=True)
    model = LogisticRegression(C=strength, tol=1e-4, max_iter=500).fit(
        vectors[list(numbers)], codes, sample_weight=weights
    )
    table = np.zeros((vectors.shape[1], len(labels)), dtype="float32")
    bias = np.full(len(labels), -20.0, dtype="float32")  # a code without an example is never guessed
    columns = [labels.index(code) for code in model.classes_]
    both = len(columns) == 2  # then scikit-learn keeps the second one's score only
    table[:, columns[1:] if both else columns] = model.coef_.T
    bias[columns] = [0.0, model.intercept_[0]] if both else model.intercept_
    return table, bias


def held_apart_scores(
    vectors: csr_matrix, gold: Mapping[int, Mapping[str, float]], labels: Sequence[str], strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Index of the first gold code and raw scores of every text of an axis, each by weights that never saw it."""
    numbers = list(gold)
    random.Random(SEED).shuffle(numbers)
    told = np.array([labels.index(next(iter(gold[number]))) for number in numbers])
    scores = np.zeros((len(numbers), len(labels)))
    for fold in range(FOLDS):
        inside = {number: gold[number] for place, number in enumerate(numbers) if place % FOLDS != fold}
        table, bias = fit(vectors, inside, labels, strength)
        scores[fold::FOLDS] = vectors[numbers[fold::FOLDS]] @ table + bias
    return told, scores


def best_temperature(scores: np.ndarray, told: np.ndarray) -> float:
    """The temperature at which the held-apart scores are least surprised."""

    def surprise(temperature: float) -> float:
        p = soften(scores, temperature)
        return float(-np.mean(np.log(np.maximum(p[np.arange(len(told)), told], 1e-9))))

    return float(min((round(t, 2) for t in np.arange(0.4, 4.0, 0.05)), key=surprise))


def measures(axis: str, labels: Sequence[str], p: np.ndarray, told: np.ndarray) -> dict[str, float]:
    """Accuracy of an axis; of failure also the F1 of yes and the calibration error."""
    guess = p.argmax(axis=1)
    found = {f"{axis}.accuracy": float((guess == told).mean())}
    if axis == "failure":
        yes = list(labels).index("yes")
        hits = float(((guess == yes) & (told == yes)).sum())
        found["failure.f1_yes"] = 2 * hits / float((guess == yes).sum() + (told == yes).sum())
        bins = np.minimum((p[:, yes] * 10).astype(int), 9)
        gaps = [abs(p[bins == b, yes].sum() - (told[bins == b] == yes).sum()) for b in range(10)]
        found["failure.calibration_error"] = float(sum(gaps) / len(told))
    return {name: round(value, 4) for name, value in found.items()}


def digest(rows: Sequence[Row]) -> str:
    """SHA-256 of the labelled texts, whatever files they stand in."""
    lines = sorted(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


if __name__ == "__main__":
    main()
