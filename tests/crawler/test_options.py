"""Options as they are typed, and that each adapter names what it reads and its page explains it."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from crawler.adapters import adapter_named, names
from crawler.options import EVERY, options_of, read_options

DOCS = Path(__file__).parents[2] / "docs/adapters"
READS = re.compile(r"(?:options\.get\(|options\[|(?:number|switched)\(source, )\"(\w+)\"")


@pytest.mark.parametrize(
    ("adapter", "pair", "value"),
    [
        ("mastodon", "tags = pekanbaru, #duri,", ["pekanbaru", "#duri"]),
        ("mastodon", "public=TRUE", True),
        ("x", "usernames=false", False),
        ("x", "query=jalan OR listrik = mati", "jalan OR listrik = mati"),
        ("youtube", "videos=50", 50),
        ("feed", "requests=7", 7),
        ("feed", "least_interval=90", 90),
        ("sitemap", "include=/riau/,/daerah/", ["/riau/", "/daerah/"]),
        ("listing", "links=h2 > a", "h2 > a"),
    ],
)
def test_an_option_is_read_as_its_kind(adapter: str, pair: str, value: Any) -> None:
    assert list(read_options(options_of(adapter_named(adapter)), [pair]).values()) == [value]


@pytest.mark.parametrize(
    ("adapter", "pairs", "why"),
    [
        ("mastodon", ["tag=a"], r"no option 'tag'.*tags=A,B \(hashtags\), public=true\|false"),
        ("telegram", ["demo=true"], r"no option 'demo'. There are: requests=1\.\.100"),
        ("feed", ["probed=true"], "no option 'probed'"),
        ("youtube", ["videos=51"], "from 1 to 50"),
        ("youtube", ["videos=0"], "from 1 to 50"),
        ("youtube", ["videos=٥"], "from 1 to 50"),
        ("x", ["usernames=no"], "neither usernames=true"),
        ("page", ["body=a["], "CSS selector"),
        ("page", ["body=a", "body=b"], "given twice"),
        ("page", ["body"], "KEY=VALUE"),
    ],
)
def test_a_wrong_option_is_told_with_those_there_are(adapter: str, pairs: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_options(options_of(adapter_named(adapter)), pairs)


@pytest.mark.parametrize("name", names())
def test_each_adapter_names_the_options_it_reads(name: str) -> None:
    adapter = adapter_named(name)
    read = set(READS.findall(inspect.getsource(adapter)))  # type: ignore[arg-type]
    assert read <= set(options_of(adapter))


@pytest.mark.parametrize("name", names())
def test_each_option_is_explained_on_the_page_of_its_adapter(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text()
    table = re.search(r"^\| option \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)
    rows = table[1].splitlines() if table else []
    explained = {key for row in rows for key in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert explained - set(EVERY) == set(options_of(adapter_named(name))) - set(EVERY)
    assert set(EVERY) <= set(re.findall(r"`(\w+)`", (DOCS / "README.md").read_text()))
