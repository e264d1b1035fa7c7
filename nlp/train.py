"""Train the classifiers from labelled texts: `python -m nlp.train`. The same texts give the same bytes."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlp.agencies import Agencies
from nlp.classify import AXES, MODEL, Features, add_classifiers, soften
from nlp.jurisdiction import load_jurisdiction
from nlp.places import Places

CORPUS = Path(__file__).parent / "corpus"
VERSION = "2026.11.1"
LENGTH = 2**15
EPOCHS = 12
BATCH = 16
SEED = 137
FOLDS = 5

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
    labels = {axis: sorted({gold for row in rows if (gold := target(row, axis))}) for axis in AXES}
    words = read_all(rows)
    temperature: dict[str, float] = {}
    held_apart: dict[str, float] = {}
    for axis in AXES:
        told, scores = held_apart_scores(rows, words, axis, labels)
        temperature[axis] = best_temperature(scores, told)
        held_apart |= measures(axis, labels[axis], soften_all(scores, temperature[axis]), told)
    figures = {
        "version": VERSION,
        "corpus": digest(rows),
        "texts": len(rows),
        "length": LENGTH,
        "labels": labels,
        "temperature": temperature,
        "held_apart": held_apart,
    }
    out.mkdir(parents=True, exist_ok=True)
    nlp = _untrained(labels)
    for axis in AXES:
        _fit(nlp, axis, _examples(nlp, rows, words, axis, range(len(rows))))
        (out / f"{axis}.bin").write_bytes(nlp.get_pipe(axis).model.to_bytes())
    (out / "figures.json").write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return figures


def read_all(rows: Sequence[Row]) -> list[list[str]]:
    """The features of every row."""
    tables = load_jurisdiction()
    features = Features(Places(tables), Agencies(tables))
    return [features(row.get("title", ""), row["text"]) for row in rows]


def target(row: Row, axis: str) -> str | None:
    """The first gold code of an axis; sector and form only where a service is criticised."""
    if axis == "failure":
        return str(row["failure"])
    codes = row.get({"sector": "sectors", "form": "forms"}[axis]) or ()
    return codes[0] if row["failure"] != "no" and codes else None


def held_apart_scores(
    rows: Sequence[Row], words: Sequence[list[str]], axis: str, labels: dict[str, list[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Gold index and raw scores of every text labelled on this axis, each by a model that never saw it."""
    numbers = [number for number, row in enumerate(rows) if target(row, axis)]
    random.Random(SEED).shuffle(numbers)
    told = [labels[axis].index(str(target(rows[number], axis))) for number in numbers]
    scores = np.zeros((len(numbers), len(labels[axis])))
    for fold in range(FOLDS):
        nlp = _untrained(labels)
        inside = [number for place, number in enumerate(numbers) if place % FOLDS != fold]
        _fit(nlp, axis, _examples(nlp, rows, words, axis, inside))
        for place in range(fold, len(numbers), FOLDS):
            doc = nlp.get_pipe(axis)(nlp.tokenizer.of(words[numbers[place]]))
            scores[place] = [doc.cats[label] for label in labels[axis]]
    return np.array(told), scores


def best_temperature(scores: np.ndarray, told: np.ndarray) -> float:
    """The temperature at which the held-apart scores are least surprised."""

    def surprise(temperature: float) -> float:
        p = soften_all(scores, temperature)
        return float(-np.mean(np.log(np.maximum(p[np.arange(len(told)), told], 1e-9))))

    return float(min((round(t, 2) for t in np.arange(0.5, 8.0, 0.05)), key=surprise))


def soften_all(scores: np.ndarray, temperature: float) -> np.ndarray:
    return np.array([soften(row, temperature) for row in scores])


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


def _untrained(labels: dict[str, list[str]]) -> Any:
    from thinc.api import fix_random_seed

    from nlp.language import Indonesian

    fix_random_seed(SEED)
    nlp = Indonesian()
    add_classifiers(nlp, labels, LENGTH)
    return nlp


def _examples(
    nlp: Any, rows: Sequence[Row], words: Sequence[list[str]], axis: str, numbers: Iterable[int]
) -> list[Any]:
    from spacy.training import Example

    examples = []
    for number in numbers:
        gold = target(rows[number], axis)
        if gold:
            cats = {label: float(label == gold) for label in nlp.get_pipe(axis).labels}
            examples.append(Example.from_dict(nlp.tokenizer.of(words[number]), {"cats": cats}))
    return examples


def _fit(nlp: Any, axis: str, examples: list[Any]) -> None:
    """Some passes over the examples in an order fixed by the seed."""
    chance = random.Random(SEED)
    textcat = nlp.get_pipe(axis)
    textcat.initialize(lambda: examples, nlp=nlp)
    optimizer = nlp.create_optimizer()
    for _ in range(EPOCHS):
        chance.shuffle(examples)
        for start in range(0, len(examples), BATCH):
            textcat.update(examples[start : start + BATCH], sgd=optimizer, drop=0.0)


if __name__ == "__main__":
    main()
