"""Measure the analyser against labelled texts: `python -m nlp.evaluate FILE`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nlp import Analysis, Text, load


def evaluate(path: Path) -> dict[str, float | int]:
    """Figures of the analyser on JSON lines with labels; axes below failure are measured on true failures only."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    texts = [Text(str(row["id"]), row["text"], row.get("title", ""), None, row.get("source", "")) for row in rows]
    return measure(rows, list(load().pipe(texts)))


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
    return out


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / max(1, len(hits))


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
