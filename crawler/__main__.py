"""`python -m crawler SOURCES.toml` or `python -m crawler --adapter feed --url URL`: Documents as JSON lines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from crawler.run import Politeness, crawl
from crawler.source import Source, load_sources


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m crawler", description=__doc__)
    parser.add_argument("sources", nargs="?", type=Path, help="a TOML file of [[source]] tables")
    parser.add_argument("--adapter", default="feed")
    parser.add_argument("--url")
    parser.add_argument("--contact", default="kentongan@example.invalid", help="stands in the user agent")
    parser.add_argument("--delay", type=float, default=5.0, help="seconds between two requests to one host")
    arguments = parser.parse_args()
    if not arguments.url and not arguments.sources:
        parser.error("name a file of sources, or an address with --url")
    try:
        sources = (
            [Source(arguments.url, arguments.adapter, arguments.url)]
            if arguments.url
            else load_sources(arguments.sources)
        )
    except (OSError, ValueError) as error:
        parser.error(str(error))
    for batch in crawl(sources, Politeness(f"Kentongan (+{arguments.contact})", arguments.delay)):
        for document in batch.documents:
            print(document.to_json(), flush=True)
        for visit in batch.visits:
            print(f"{visit.source}: {visit.status}, {visit.documents} documents", file=sys.stderr)
            for note in visit.notes:
                print(f"  {note.code}: {note.message} / {note.english} {note.url}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
