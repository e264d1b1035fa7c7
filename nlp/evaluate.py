"""Measure the analyser against labelled texts: `python -m nlp.evaluate FILE`.

The reasons it shows are measured too: where the clauses shown as evidence are taken out of a text, its score must fall by
more than where as many characters are taken out elsewhere at random (`evidence.faithful`: in this share of the texts).
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from nlp import Analysis, Span, Text, load
from nlp.pipeline import Analyser
from nlp.urgency import LEVELS

DRAWS = 5  # random deletions a text, of which the mean counts
SEED = 137
WORKING = 0.5  # the threshold from which a mention becomes a candidate, unless set otherwise


def evaluate(path: Path) -> dict[str, float | int]:
    """Figures of the analyser on JSON lines with labels; axes below failure are measured on true failures only."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    texts = [Text(str(row["id"]), row["text"], row.get("title", ""), None, row.get("source", "")) for row in rows]
    analyser = load()
    analyses = list(analyser.pipe(texts))
    return measure(rows, analyses) | faithfulness(analyser, texts, analyses)


def measure(rows: Sequence[dict[str, Any]], analyses: Sequence[Analysis]) -> dict[str, float | int]:
    """Gold rows against analyses, in the same order."""
    pairs = list(zip(rows, analyses, strict=True))
    told = [(row, analysis) for row, analysis in pairs if row["failure"] == "yes"]
    scores = [(analysis.p["yes"], row["failure"] == "yes") for row, analysis in pairs]
    out: dict[str, float | int] = {
        "texts": len(rows),
        "failure.f1_yes": _f1([row["failure"] for row in rows], [analysis.failure for analysis in analyses]),
        "failure.average_precision": _average_precision(scores),
        "failure.calibration_error": _calibration_error(scores),
    }
    for name, axis in (("sector", "sectors"), ("form", "forms"), ("kind", "kinds"), ("agency", "agencies")):
        known = [(row[axis], getattr(analysis, axis)) for row, analysis in told if row.get(axis)]
        out[f"{name}.first_in_gold"] = _share([bool(got) and got[0].code in gold for gold, got in known])
    local = [(row["regions"], analysis.regions) for row, analysis in told if row.get("regions")]
    out["region.exact"] = _share([set(gold) == set(got) for gold, got in local])
    levels = [(row["urgency"], analysis.urgency or "U4") for row, analysis in told if row.get("urgency")]
    out["urgency.weighted_kappa"] = _weighted_kappa(levels)
    out["urgency.danger_seen"] = _share([got in LEVELS[:2] for gold, got in levels if gold == "U1"])
    ordinary = [analysis.p["yes"] for row, analysis in pairs if row["failure"] == "no" and row.get("kind") == "news"]
    out["news.false_alarms_per_100"] = 100 * _share([p >= WORKING for p in ordinary])
    return out


def faithfulness(analyser: Analyser, texts: Sequence[Text], analyses: Sequence[Analysis]) -> dict[str, float | int]:
    """The deletion test, on texts found to tell a failure whose evidence is not the whole text."""
    chance = random.Random(SEED)
    told: list[float] = []
    without: list[Text] = []
    for text, analysis in zip(texts, analyses, strict=True):
        spans = [span for span in analysis.evidence if span.label == "failure"]
        if analysis.failure == "yes" and 0 < sum(span.end - span.start for span in spans) <= 0.8 * len(text.text):
            told.append(analysis.p["yes"])
            draws = [_shuffled(spans, len(text.text), chance) for _ in range(DRAWS)]
            without += [replace(text, text=_without(text.text, taken)) for taken in (spans, *draws)]
    left = [analysis.p["yes"] for analysis in analyser.pipe(without)]
    rows = [left[at : at + DRAWS + 1] for at in range(0, len(left), DRAWS + 1)]
    drops = [(before - own, before - fmean(others)) for before, (own, *others) in zip(told, rows, strict=True)]
    return {
        "evidence.texts": len(drops),
        "evidence.faithful": _share([own > other for own, other in drops]),
        "evidence.drop": fmean(own for own, _ in drops) if drops else 0.0,
        "evidence.drop_at_random": fmean(other for _, other in drops) if drops else 0.0,
    }


def _shuffled(spans: Sequence[Span], size: int, chance: random.Random) -> list[Span]:
    """Spans of the same lengths anywhere else or not in a text of `size` characters, apart from each other."""
    lengths = [span.end - span.start for span in spans]
    chance.shuffle(lengths)
    free = size - sum(lengths)
    cuts = sorted(chance.randint(0, free) for _ in lengths)
    starts = [cut + sum(lengths[:number]) for number, cut in enumerate(cuts)]
    return [Span(start, start + length, "random") for start, length in zip(starts, lengths, strict=True)]


def _without(text: str, spans: Sequence[Span]) -> str:
    for span in sorted(spans, key=lambda span: -span.start):
        text = f"{text[: span.start]} {text[span.end :]}"
    return text


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / max(1, len(hits))


def _weighted_kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Cohen's kappa with quadratic weights: 1 agree, 0 as by chance."""
    rank: dict[str, int] = {level: number for number, level in enumerate(LEVELS)}
    ranks = [(rank[one], rank[other]) for one, other in pairs]
    observed = sum((one - other) ** 2 for one, other in ranks) / max(1, len(ranks))
    expected = fmean((one - other) ** 2 for one, _ in ranks for _, other in ranks) if ranks else 0.0
    return 1 - observed / expected if expected else 0.0


def _f1(gold: Sequence[str], got: Sequence[str]) -> float:
    both = sum(a == b == "yes" for a, b in zip(gold, got, strict=True))
    return 2 * both / max(1, gold.count("yes") + got.count("yes"))


def _average_precision(scores: Sequence[tuple[float, bool]]) -> float:
    hits, total = 0, 0.0
    for rank, (_, positive) in enumerate(sorted(scores, key=lambda pair: -pair[0]), 1):
        if positive:
            hits += 1
            total += hits / rank
    return total / max(1, hits)


def _calibration_error(scores: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    error = 0.0
    for number in range(bins):
        inside = [
            (p, hit) for p, hit in scores if number / bins <= p < (number + 1) / bins or (number == bins - 1 and p == 1)
        ]
        if inside:
            error += abs(sum(p for p, _ in inside) - sum(hit for _, hit in inside)) / len(scores)
    return error


def main() -> None:
    for name, value in evaluate(Path(sys.argv[1])).items():
        print(f"{name:28} {value:.3f}" if isinstance(value, float) else f"{name:28} {value}")


if __name__ == "__main__":
    main()
