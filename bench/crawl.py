"""What does listening cost, against the straightforward ways, in one run on loopback?

    python bench/crawl.py [cpu feeds requests articles memory] [--hosts 15] [--pages 60] [--sources 300]

cpu       CPU of a crawl for each article page, all its processes counted and their start left out, against a bare fetch of
          the same pages (urllib), and against stock Scrapy with a spider that extracts with trafilatura's defaults
feeds     entries read a second, against feedparser alone, and whether title, link and date are the same
requests  requests for each new article of a site with a feed, article pages and robots.txt, over several visits
articles  F1 of the words of the text found, against trafilatura's defaults, on pages whose text is known
memory    the most that a crawl of 300 sources holds: the process that crawls and those that read for it

Exits 1 if a feed is read differently, pages of any make are read worse than by trafilatura, or more than 250 MB are held.
Sites and pages are those of `press.py` and of the demo press. Linux only: sites stand on 127.71.0.1 and so on.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import subprocess
import sys
import time
from calendar import timegm
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.press import FEED_LENGTH, MAKES, PRESS, Press, articles, atom, page, rss  # noqa: E402
from crawler import Source  # noqa: E402
from crawler.adapters import Draft, Request, Response, feed  # noqa: E402
from crawler.demo.server import NAMES, DemoPress  # noqa: E402
from crawler.reading.article import read_article, without_pointers  # noqa: E402
from crawler.reading.plainfeed import plain_entries  # noqa: E402
from crawler.run import Politeness, Robots, crawl  # noqa: E402
from crawler.text import from_html, one_line  # noqa: E402

POLITE = Politeness("Kentongan-Bench (+bench@example.invalid)", delay=0.0, allow_private=True)
VISITS = (20, 5, 5, 0, 5, 5)  # articles that are new at each visit
MOST_MEGABYTES = 250


# -- CPU for each page


def cpu(hosts: int) -> bool:
    """By two crawls of different size: what the second costs more is what its pages cost."""
    for makes, kind in ((PRESS, "with the furniture of the press"), (("small",), "with hardly more than the article")):
        with Press(hosts, FEED_LENGTH, makes) as press:
            size = sum(map(len, press.pages.values())) / len(press.pages)
            print(f"cpu       {(hosts - 1) * FEED_LENGTH} pages of {size / 1000:.0f} kB, {kind}")
            costs: dict[str, float] = {}
            for name, client in CLIENTS.items():
                costs[name], start = cost(name, press, hosts)
                against = ", ".join(
                    f"{costs[name] / costs[other]:5.2f}x {other}" for other in ("bare", "stock") if other in costs
                )
                print(f"          {client.__doc__:44} {costs[name]:6.2f} ms a page, {against}; {start:.1f} s to start")
    return True


def cost(name: str, press: Press, hosts: int) -> tuple[float, float]:
    """Milliseconds a page, and seconds to start."""
    few, many = (ran(name, press, number) for number in (1, hosts))
    pages = many.documents - few.documents
    assert pages == (hosts - 1) * FEED_LENGTH, f"{name}: {few.documents} and {many.documents} documents"
    each = (many.cpu - few.cpu) / pages
    return each * 1000, few.cpu - each * few.documents


@dataclass(frozen=True, slots=True)
class Run:
    """What one client used."""

    documents: int
    cpu: float  # seconds: its own, its children's and theirs
    memory: float  # MB at the most of its children and theirs, what they share counted once
    seconds: float


def ran(name: str, press: Press, hosts: int) -> Run:
    """Let a client of CLIENTS fetch what `hosts` sites have, in a process of its own."""
    started = time.monotonic()
    order = {
        "pages": [press.url(host, path) for host in range(hosts) for path in press.pages],
        "feeds": [press.url(host, "/rss") for host in range(hosts)],
    }
    client = subprocess.Popen(
        [sys.executable, str(ROOT / "bench/crawl.py"), "--client", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert client.stdin and client.stdout
    with Watch(client.pid) as watch:
        client.stdin.write(json.dumps(order).encode())
        client.stdin.close()
        said = client.stdout.read()
        _, status, used = os.wait4(client.pid, 0)
    client.returncode = status
    assert status == 0, f"{name} ended with {status}"
    waited = used.ru_utime + used.ru_stime
    return Run(int(said.split()[-1]), max(waited, watch.cpu), watch.memory, time.monotonic() - started)


class Watch:
    """Looks at a process and all below it, twenty times a second."""

    def __init__(self, pid: int) -> None:
        self.pid, self.over, self.memory = pid, Event(), 0.0
        self.ticks: dict[int, int] = {}
        self.thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    @property
    def cpu(self) -> float:
        """Seconds, those of children that were killed and never asked for included."""
        return sum(self.ticks.values()) / os.sysconf("SC_CLK_TCK")

    def _look(self) -> None:
        while not self.over.wait(0.05):
            family, memory = {self.pid}, 0.0
            parents = dict(processes())
            while more := {pid for pid, (parent, _) in parents.items() if parent in family} - family:
                family |= more
            for pid in family & parents.keys():
                self.ticks[pid] = parents[pid][1]
                memory += proportional(pid) if pid != self.pid else 0.0
            self.memory = max(self.memory, memory)


def processes() -> Iterable[tuple[int, tuple[int, int]]]:
    """Each process with its parent and the ticks of CPU it used."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            row = entry.read_text(errors="replace").rpartition(") ")[2].split()
        except OSError:
            continue
        yield int(entry.parent.name), (int(row[1]), int(row[11]) + int(row[12]))


def proportional(pid: int) -> float:
    """MB of memory, what is shared divided by those who share it."""
    try:
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def bare(order: dict[str, list[str]]) -> int:
    """urllib, which reads nothing"""
    from urllib.request import urlopen

    return sum(len(urlopen(url).read()) > 0 for url in order["pages"])


def stock(order: dict[str, list[str]], read: Callable[[Any], dict[str, Any]] | None = None) -> int:
    """stock Scrapy, trafilatura's defaults"""
    import scrapy
    import trafilatura
    from scrapy.crawler import CrawlerProcess

    got = []

    def extracted(response: Any) -> dict[str, Any]:
        found = trafilatura.bare_extraction(response.text, url=response.url, with_metadata=True)
        return {"title": found.title, "text": found.text, "date": found.date}

    class Spider(scrapy.Spider):
        name = "stock"
        start_urls = order["pages"]

        def parse(self, response: Any) -> Any:
            got.append(response.url)
            yield {"url": response.url, **(read or extracted)(response)}

    process = CrawlerProcess({"LOG_LEVEL": "WARNING", "FEEDS": {os.devnull: {"format": "jsonlines"}}})
    process.crawl(Spider)
    process.start()
    return len(got)


def lazy(order: dict[str, list[str]]) -> int:
    """stock Scrapy, nothing but the title"""
    return stock(order, lambda response: {"title": response.css("title::text").get()})


def ours(order: dict[str, list[str]]) -> int:
    """ours, by the feeds that lead to the pages"""
    batches = crawl([Source(url, "feed", url) for url in order["feeds"]], POLITE)
    return sum(len(batch.documents) for batch in batches)


CLIENTS: dict[str, Callable[[dict[str, list[str]]], int]] = {"bare": bare, "lazy": lazy, "stock": stock, "ours": ours}


# -- feeds


def feeds() -> bool:
    """Each kind of feed by feedparser with its defaults, which gives markup, and by our adapter, which gives text."""
    import feedparser

    shown = articles(100)
    kinds = {"RSS, full text": rss(shown, full=True), "RSS, summaries": rss(shown), "Atom, full text": atom(shown)}
    print(f"feeds     of {len(shown)} entries")
    right = True
    for name, text in kinds.items():
        body = text.replace("{base}", "https://koran.example").encode()
        response = Response("https://koran.example/rss", body, datetime.now(UTC))
        source = Source("koran", "feed", response.url)
        theirs = rate(lambda body=body: feedparser.parse(io.BytesIO(body)), len(shown))
        whole = rate(lambda response=response, source=source: list(feed.parse(response, source)), len(shown))
        only = rate(lambda body=body, now=response.fetched_at: plain_entries(body, now, 500), len(shown))
        found = [found_of(one) for one in feed.parse(response, source)]
        same = found == [judged_of(entry) for entry in feedparser.parse(io.BytesIO(body)).entries]
        right &= same
        print(
            f"          {name:16} feedparser {theirs:6.0f}/s; read {only:6.0f}/s, {only / theirs:.1f}x; "
            f"read and turned into text {whole:6.0f}/s, {whole / theirs:.1f}x; {'the same' if same else 'DIFFERENT'}"
        )
    return right


def found_of(found: Any) -> tuple[str, str, float]:
    draft: Draft = found.page_of if isinstance(found, Request) else found
    return draft.title, draft.url, draft.published_at.timestamp() if draft.published_at else 0.0


def judged_of(entry: Any) -> tuple[str, str, float]:
    return one_line(from_html(entry.title)), entry.link, float(timegm(entry.published_parsed))


def rate(work: Callable[[], object], entries: int) -> float:
    """Entries a second of CPU, the best of five rounds."""
    best = 0.0
    for _ in range(5):
        start = time.process_time()
        work()
        best = max(best, entries / (time.process_time() - start))
    return best


# -- requests for each new article


def requests() -> bool:
    """Visits to one site, each with what the one before handed back, as the service does it."""
    robots: Robots = {}
    with Press(1, sum(VISITS)) as press:
        source, documents, press.published = Source("koran", "feed", press.url(0, "/rss")), 0, 0
        print(f"requests  of {len(VISITS)} visits, with {', '.join(map(str, VISITS))} new articles")
        for new in VISITS:
            press.published += new
            for batch in crawl([source], POLITE, robots=robots):
                documents += len(batch.documents)
                known = source.known | {document.key for document in batch.documents}
                source = replace(source, known=known, settled=known)
                for visit in batch.visits:
                    source = replace(source, validators={**source.validators, **visit.validators})
        asked = press.asked
    told = ", ".join(f"{count} {name}" for name, count in sorted(asked.items()))
    print(f"          {documents} articles by {asked.total()} requests ({told}): {asked.total() / documents:.2f} each")
    return documents == sum(VISITS)


# -- the text of articles


def article_texts(pages: int) -> bool:
    """The mean over the pages of each make; ours as the crawl stores it."""
    import trafilatura

    makes: dict[str, list[tuple[float, float]]] = {}
    for make, url, markup, options, title, text in pages_of_known_text(pages):
        response = Response(url, markup.encode(), datetime.now(UTC), {"content-type": "text/html; charset=utf-8"})
        found = read_article(response, Draft(url, url, title), options)
        theirs = trafilatura.extract(markup) or ""
        makes.setdefault(make, []).append((f1(without_pointers(found.text), text), f1(theirs, text)))
    print("articles  F1 of words: ours, trafilatura's defaults")
    every = [pair for pairs in makes.values() for pair in pairs]
    right = True
    for make, pairs in (*makes.items(), ("all", every)):
        mine, theirs = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
        right &= mine >= theirs
        print(f"          {make:16} {mine:.3f} {theirs:.3f}   {len(pairs)} pages{'' if mine >= theirs else '   LOSS'}")
    return right


def pages_of_known_text(pages: int) -> Iterable[tuple[str, str, str, dict[str, Any], str, str]]:
    """Make, address, page, the options of its source, title and text."""
    with DemoPress(port=0) as demo:
        options = {row["name"]: row["options"] for row in demo.sources()}
        paths = {"tepian": "/tepian/", "selais": "/selais/berita/", "gelombang": "/gelombang/", "kuala": "/kuala/baca/"}
        for article in demo.articles[-4 * pages :]:
            url, name = paths[article.outlet] + article.slug, NAMES[article.outlet]
            text = "\n".join(article.paragraphs)
            yield name, demo.base_url + url, demo.answer(url, {}).body, options[name], article.title, text
    among = articles(60)
    for make in MAKES:
        for one in among[:pages]:
            yield make, f"https://koran.example{one.path}", page(one, among, make), {}, one.title, one.text


def f1(found: str, true: str) -> float:
    """Of the words of two texts, each counted as often as it stands there."""
    ours, theirs = (Counter(re.findall(r"\w+", text.lower())) for text in (found, true))
    both = (ours & theirs).total()
    return 2 * both / (ours.total() + theirs.total()) if both else 0.0


# -- memory


def memory(sources: int) -> bool:
    """One crawl of so many sites, four articles each."""
    with Press(sources, 4) as press:
        run = ran("ours", press, sources)
    assert run.documents == 4 * sources, f"{run.documents} documents"
    print(f"memory    {sources} sources, {run.documents} pages: {run.memory:.0f} MB at the most, {run.seconds:.0f} s")
    return run.memory < MOST_MEGABYTES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--hosts", type=int, default=15, help="of 20 pages each, for cpu")
    parser.add_argument("--pages", type=int, default=60, help="of each make, for articles")
    parser.add_argument("--sources", type=int, default=300, help="for memory")
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        print(CLIENTS[arguments.client](json.load(sys.stdin)))
        return 0
    parts: dict[str, Callable[[], bool]] = {
        "cpu": lambda: cpu(arguments.hosts),
        "feeds": feeds,
        "requests": requests,
        "articles": lambda: article_texts(arguments.pages),
        "memory": lambda: memory(arguments.sources),
    }
    if unknown := set(arguments.parts) - parts.keys():
        parser.error(f"there is no part {', '.join(unknown)}; there are: {', '.join(parts)}")
    right = [parts[name]() for name in arguments.parts or parts]
    return int(not all(right))


if __name__ == "__main__":
    sys.exit(main())
