"""Hostile servers and good sites in one crawl: the good lose nothing, the hostile reach nothing, and each is told in words."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from os import getpid
from pathlib import Path

import pytest

from crawler import Document, Visit
from crawler.run import Politeness, crawl
from tests.crawler import hostile

HERE = Path(__file__).parent
BUDGET, MOST_BYTES, SECONDS = 20, 5_000_000, 2.5
PAGE = HERE.parents[1] / "docs" / "reliability.md"


@dataclass
class Run:
    """What one crawl of everything gave."""

    sites: dict[str, hostile.Site] = field(default_factory=dict)
    documents: dict[str, list[Document]] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    seconds: float = 0.0
    megabytes: int = 0  # of the crawl process at its highest
    touched: int = 0  # connections of the inward listeners


@contextmanager
def inward_listeners() -> Iterator[list[hostile.Site]]:
    """Nobody may reach these: every address that means this computer, on one port, by IPv4 and, if there is any, IPv6."""
    answers = {"*": hostile.says(hostile.SECRET)}
    listeners = [hostile.Site(answers, "0.0.0.0")]
    with suppress(OSError):
        listeners.append(hostile.Site(answers, "::1", listeners[0].port))
    yield listeners
    for listener in listeners:
        listener.close()


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with inward_listeners() as inward:
        port = inward[0].port
        cases = [*hostile.cases(port), *hostile.good_cases()]
        done = Run({case.name: hostile.Site(case.routes) for case in cases})
        politeness = Politeness(
            "Kentongan-Test (+test@example.invalid)",
            delay=0.0,
            timeout=3.0,
            max_bytes=MOST_BYTES,
            budget=BUDGET,
            read_seconds=SECONDS,
            run_limit=100.0,
            ports=(80, 443, port),
            allow_private=True,
        )
        started = time.monotonic()
        for batch in crawl([hostile.source_of(case, done.sites[case.name]) for case in cases], politeness):
            done.megabytes = max(done.megabytes, highest_memory())
            for document in batch.documents:
                done.documents.setdefault(document.source, []).append(document)
            done.visits |= {visit.source: visit for visit in batch.visits}
        done.seconds = time.monotonic() - started
        done.touched = sum(listener.connections for listener in inward)
        for site in done.sites.values():
            site.close()
        socket.create_connection(("127.0.0.1", port)).close()  # they do listen, and they do count
        deadline = time.monotonic() + 5
        while inward[0].connections == done.touched and time.monotonic() < deadline:
            time.sleep(0.01)
        assert inward[0].connections == done.touched + 1
    yield done


def highest_memory() -> int:
    """Megabytes the crawl process held at its highest; 0 once it has ended."""
    found = subprocess.run(
        ["pgrep", "-P", str(getpid()), "-f", "crawler.spider"], capture_output=True, text=True, check=False
    )
    for pid in found.stdout.split():
        with suppress(OSError):
            held = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
            return int(held[1]) // 1024 if held else 0
    return 0


CASES = hostile.cases(0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_hostile_case_ends_as_it_should_and_says_so(run: Run, case: hostile.Case) -> None:
    visit, codes = run.visits[case.name], [note.code for note in run.visits[case.name].notes]
    assert (visit.status, len(run.documents.get(case.name, ()))) == (case.status, case.documents), codes
    assert case.code in codes if case.code else not codes
    assert all(note.message and note.english and "{" not in note.message for note in visit.notes)
    assert bool(visit.wait_until) == case.waits


def test_all_good_items_arrive_once(run: Run) -> None:
    for case in hostile.good_cases():
        documents = run.documents[case.name]
        numbers = sorted(re.findall(r"Nomor (?:/baik/)?(\d)\.", document.text)[0] for document in documents)
        assert numbers == [str(number) for number in range(hostile.GOOD)], case.name
        assert (run.visits[case.name].status, run.visits[case.name].notes) == ("ok", ())
        assert not run.visits[case.name].unfinished


def test_no_inward_address_is_touched(run: Run) -> None:
    assert run.touched == 0
    texts = [f"{one.title} {one.text} {one.url}" for documents in run.documents.values() for one in documents]
    assert not any(hostile.SECRET in text or "root:" in text for text in texts)


def test_nothing_goes_above_the_limits(run: Run) -> None:
    assert run.seconds < 60
    assert 0 < run.megabytes < 250
    assert all(visit.requests <= BUDGET for visit in run.visits.values())
    for name, site in run.sites.items():
        pages = sum(count for path, count in site.asked.items() if path != "/robots.txt")
        assert pages <= BUDGET, name
    for documents in run.documents.values():
        for one in documents:
            assert len(one.title) <= 500 and len(one.text) <= 200_000 and len(one.url) <= 2000
            assert one.published_at is None or one.published_at <= one.fetched_at
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", one.title + one.text + (one.author or ""))


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_asks_us_to_stop_gets_no_further_request(run: Run, status: int) -> None:
    name = f"{status} after three articles"
    assert sum(count for path, count in run.sites[name].asked.items() if path.startswith("/p")) == 4
    visit = run.visits[name]
    assert visit.wait_until is not None and visit.unfinished and not visit.validators
    seconds = (visit.wait_until - visit.finished_at).total_seconds()
    assert (80 if status == 429 else 7000) < seconds <= (90 if status == 429 else 7200)


def test_a_wait_without_end_is_capped_at_a_day(run: Run) -> None:
    visit = run.visits["429 for eleven digits of seconds"]
    assert visit.wait_until is not None
    assert 86_000 < (visit.wait_until - visit.finished_at).total_seconds() <= 86_400


def test_quotes_survive_a_charset_that_was_not_the_one_declared(run: Run) -> None:
    for name in ("says UTF-8 and is Windows-1252", "says Latin-1 and is UTF-8"):
        assert "“Sudah tiga hari,” kata warga – air" in run.documents[name][0].text


def test_the_page_of_figures_tells_every_case_and_every_limit() -> None:
    text = PAGE.read_text("utf-8")
    rows = set(re.findall(r"^\| (.+?) \| (\w+) \| (?:`([\w-]+)`)? ?\| (\d+) \|$", text, re.MULTILINE))
    assert rows == {(case.name, case.status, case.code, str(case.documents)) for case in CASES}
    limits = dict(re.findall(r"^\| `(\w+)` \| `(.+?)` \|", text, re.MULTILINE))
    plain = ("user_agent", "obey_robots", "allow_private")  # no limits
    assert limits == {one.name: str(one.default) for one in fields(Politeness) if one.name not in plain}
