"""`python -m nlp [FILE|-]`: texts as JSON lines in, Analyses as JSON lines out, same order, streaming."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from io import TextIOWrapper
from itertools import islice
from typing import Any, TextIO

from nlp import Text, load

BATCH = 128


def main() -> None:
    speak_utf8()
    name = sys.argv[1] if len(sys.argv) > 1 else "-"
    with ExitStack() as stack:
        lines: Iterable[str] = sys.stdin if name == "-" else stack.enter_context(_opened(name))
        for line in stream(lines):
            print(line, flush=True)


def _opened(name: str) -> TextIO:
    try:
        return open(name, encoding="utf-8", errors="surrogateescape")  # noqa: PTH123  # a pipe is welcome too
    except OSError as error:
        print(f"{name} cannot be read: {error.strerror}. Name a file of JSON lines, or - for a pipe.", file=sys.stderr)
        sys.exit(2)


def speak_utf8() -> None:
    """UTF-8 in and out whatever the locale. Broken bytes come in as they are, and go out as JSON's own \\udc.. escapes."""
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "backslashreplace")):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


def stream(lines: Iterable[str], province: str = "riau") -> Iterator[str]:
    """A line for a line. One that cannot be read gives {"id", "line", "error"} and the others go on.

    How many could not be read stands on standard error at the end.
    """
    analyser = load(province)
    rows = ((number, line) for number, line in enumerate(lines, 1) if line.strip("\ufeff \t\r\n"))
    read = wrong = 0
    while batch := [_text(number, line) for number, line in islice(rows, BATCH)]:
        analyses = analyser.pipe([text for text in batch if isinstance(text, Text)])
        for text in batch:
            read += 1
            wrong += not isinstance(text, Text)
            yield next(analyses).to_json() if isinstance(text, Text) else json.dumps(text, ensure_ascii=False)
    if wrong:
        print(f'{wrong} of {read} lines were no texts; the "error" in their place says why.', file=sys.stderr)


def _text(number: int, line: str) -> Text | dict[str, Any]:
    """A Text, or why the line is none. Documents of the crawler are read too: their `key` is the id."""
    identity: str | None = None
    try:
        row = json.loads(line.removeprefix("\ufeff"))  # some editors and Windows begin a file so
        if not isinstance(row, dict):
            raise ValueError('an object with "id" and "text" is needed')
        identity = _identity(row)
        if not isinstance(row.get("text"), str):
            raise ValueError('"text" is missing, or is no text')
        if identity is None:
            raise ValueError('"id" is missing')
    except (ValueError, RecursionError) as error:
        return {
            "id": identity,
            "line": number,
            "error": f"line {number} is not a text: {error}. Correct it and analyse it again.",
        }
    moment = None
    with suppress(ValueError, TypeError):
        moment = datetime.fromisoformat(row["published_at"]) if row.get("published_at") else None
    title, source, region = (str(row.get(name) or "") for name in ("title", "source", "region"))
    return Text(identity, row["text"], title, moment, source, region or None)


def _identity(row: dict[str, Any]) -> str | None:
    given = [row[name] for name in ("id", "key") if row.get(name) not in (None, "")]
    return str(given[0]) if given else None


if __name__ == "__main__":
    main()
