"""`python -m nlp [FILE|-]`: texts as JSON lines in, Analyses as JSON lines out, same order, streaming."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any

from nlp import Text, load

BATCH = 128


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] != "-":
        with open(sys.argv[1], encoding="utf-8", errors="surrogateescape") as lines:  # noqa: PTH123  # a pipe is welcome too
            for line in stream(lines):
                print(line, flush=True)
    else:
        for line in stream(sys.stdin):
            print(line, flush=True)


def stream(lines: Iterable[str], province: str = "riau") -> Iterator[str]:
    """A line for a line. One that cannot be read gives {"id", "error"} and the others go on."""
    analyser = load(province)
    rows = iter(enumerate((line for line in lines if line.strip()), 1))
    while batch := [_text(number, line) for number, line in islice(rows, BATCH)]:
        analyses = analyser.pipe([text for text in batch if isinstance(text, Text)])
        for text in batch:
            yield next(analyses).to_json() if isinstance(text, Text) else json.dumps(text, ensure_ascii=False)


def _text(number: int, line: str) -> Text | dict[str, Any]:
    """A Text, or why the line is none. Documents of the crawler are read too: their `key` is the id."""
    try:
        row = json.loads(line)
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise ValueError('an object with "id" and "text" is needed')
        identity = row.get("id") or row.get("key")
        if identity is None:
            raise ValueError('"id" is missing')
    except ValueError as error:
        return {
            "id": None,
            "line": number,
            "error": f"line {number} is not a text: {error}. Correct it and analyse it again.",
        }
    moment = None
    with suppress(ValueError, TypeError):
        moment = datetime.fromisoformat(row["published_at"]) if row.get("published_at") else None
    title, source, region = (str(row.get(name) or "") for name in ("title", "source", "region"))
    return Text(str(identity), row["text"], title, moment, source, region or None)


if __name__ == "__main__":
    main()
