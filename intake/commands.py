"""The commands that work on the database: sources, import, export, migrate; and what commands share.

Everything heavy is imported by the command that needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, NoReturn

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from crawler import Document, Source, Visit
    from crawler.notes import Note
    from intake.database import Sessions
    from intake.settings import Settings

database_app = typer.Typer()
source_app = typer.Typer(help="The places we listen to.", no_args_is_help=True)

MONTH = 31 * 24 * 60  # minutes
LONGEST_NAME = 120  # characters of a source
CODE_LISTS = ("sectors", "forms", "kinds", "agencies", "regions")  # of a labelled text

Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="SQLAlchemy URL of the database; sqlite:///kentongan.db if none, kentongan-demo.db for run --demo.",
        envvar="KENTONGAN_DATABASE_URL",
    ),
]


@database_app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON lines or CSV of public texts gathered elsewhere.")],
    database: Database = None,
) -> None:
    """Public texts gathered elsewhere -> Mentions, analysed and laid into the queue."""
    import nlp
    from intake import drops, inbox, jobs, sources
    from intake.settings import pseudonym_key
    from intake.start import press_of

    settings = settings_of(context, database)
    text_file(file).close()
    with ExitStack() as stack:
        sessions, password = open_database(stack, settings)
        announce_password(password)
        with sessions.begin() as session:
            demo = press_of(session, settings.database_url) == "demo"
        stored, new, refused, doubtful = 0, 0, 0, 0
        for documents, refusals in drops.read_import(file):
            _unmixed(documents, new, demo=demo)
            for refusal in refusals:
                refused += not refusal.kept
                doubtful += refusal.kept
                typer.echo(f"{file}:{refusal.line}: {refusal.indonesian} / {refusal.message}", err=True)
            with sessions.begin() as session:
                new += inbox.store_imported(session, documents, pseudonym_key(settings))
            stored += len(documents)
        with sessions.begin() as session:
            waiting = sources.waiting(session)
        with progress_bar() as progress:
            task = progress.add_task("Menganalisis / analysing", total=waiting)
            jobs.analyse_pending(
                sessions,
                nlp.load(settings.province).pipe,
                settings.working_threshold,
                told=lambda count: progress.advance(task, count),
            )
    typer.echo(
        f"{stored} teks dibaca, {new} baru, {refused} ditolak, {doubtful} dengan catatan. / "
        f"{stored} texts read, {new} new, {refused} refused, {doubtful} with a remark."
    )
    if refused:
        raise typer.Exit(1)


def _unmixed(documents: Iterable[Document], new: int, *, demo: bool) -> None:
    """Refuse invented texts for a database of real ones, and the reverse."""
    from intake.settings import DEMO_DATABASE
    from intake.start import told_by

    odd = next((document for document in documents if (told_by(document) == "demo") != demo), None)
    if odd is None:
        return
    kept = f"{new} texts before it were kept" if new else "Nothing was stored"
    if demo:
        refuse(
            f"this database belongs to the demo press, and {odd.source!r} is not of it: invented complaints must never be "
            f"taken for real ones. {kept}. Leave out --database (real texts go to kentongan.db), or name another one."
        )
    refuse(
        f"{odd.source!r} is of the demo press, and this database is for real texts: invented complaints must never be "
        f"taken for real ones. {kept}. Import it into the demo's database: --database {DEMO_DATABASE}"
    )


@database_app.command()
def migrate(context: typer.Context, database: Database = None) -> None:
    """Bring the database to the shape this version needs."""
    from intake.migrations import migrate as upgrade

    settings = settings_of(context, database)
    with _plain_refusals(settings.database_url):
        upgrade(settings.database_url)
    typer.echo("Basis data siap. / The database is up to date.")


@database_app.command()
def export(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="candidates|cases|mentions|trends|evidence",
            help="Of the mentions only those that belong to a candidate; the evidence of one candidate, as a ZIP.",
        ),
    ],
    candidate: Annotated[int | None, typer.Argument(help="Number of the candidate whose evidence is wanted.")] = None,
    format: Annotated[
        str,
        typer.Option(
            metavar="csv|xlsx|jsonl|geojson",
            help="In geojson the geometry is null: places are known by their codes, not by coordinates.",
        ),
    ] = "csv",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; standard output if none.")] = None,
    reason: Annotated[str, typer.Option(help="Of evidence: why it is needed; goes to the audit log.")] = "",
    verify: Annotated[Path | None, typer.Option(help="Check a file of evidence; needs no database.")] = None,
    database: Database = None,
) -> None:
    """Write what the database holds; personal data masked, but for evidence, which is raw."""
    from intake.export import FORMATS, TABLES, left_out
    from intake.export import export as write
    from intake.review.errors import Invalid

    if what == "evidence":
        _check_evidence(verify) if verify else _evidence(context, database, candidate, output, reason)
        return
    if what not in TABLES or format not in FORMATS:
        known = ", ".join((*TABLES, "evidence"))
        refuse(f"cannot export {what!r} as {format!r}. What: {known}. Formats: {', '.join(FORMATS)}.")
    if candidate is not None or verify is not None:
        refuse(f"{what} are exported whole: only evidence takes the number of a candidate, or --verify.")
    if format == "xlsx" and output is None:
        refuse("an Excel file is not text for a terminal: name a file with --output FILE.xlsx")
    settings = settings_of(context, database)
    with ExitStack() as stack:
        sessions, password = open_database(stack, settings)
        announce_password(password, err=True)  # standard output is the export's
        session = stack.enter_context(sessions.begin())
        file = stack.enter_context(_writable(output)) if output else sys.stdout.buffer
        try:
            rows = write(session, what, format, file)
        except Invalid:
            refuse("there are more rows than an Excel sheet takes: choose --format csv")
        why = left_out(session, what)
    typer.echo(f"{rows} baris. / {rows} rows.{f' {why}' if why else ''}", err=True)


@database_app.command()
def backtest(
    context: typer.Context,
    events: Annotated[
        Path | None, typer.Option(help="Labelled texts, JSON lines; without one, what people decided in the database.")
    ] = None,
    database: Database = None,
) -> None:
    """How well mentions of one event are found together, and the worst errors."""
    from intake.review import backtest as rule

    if events is None:
        with _database(context, database) as sessions, sessions() as session:
            told = rule.stored(session)
    else:
        text_file(events).close()
        try:
            told = rule.read(events)
        except ValueError as error:
            refuse(f"{events}: {error}. intake/review/events/measured.jsonl shows the form; correct the line.")
    if not told:
        refuse(
            "there is nothing to measure by: nobody has decided about a candidate yet. Give labelled texts with --events."
        )
    typer.echo(rule.in_words(rule.backtest(told)))


def _evidence(
    context: typer.Context, database: str | None, candidate: int | None, output: Path | None, reason: str
) -> None:
    """The evidence of one candidate, complete or not at all."""
    from intake import evidence
    from intake.settings import evidence_folder

    if candidate is None:
        refuse("name the candidate whose evidence is wanted by its number: kentongan export evidence 12 --reason TEXT")
    target = output or Path(f"bukti-{candidate}.zip")
    part = target.with_name(f".{target.name}.part")
    settings = settings_of(context, database)
    with ExitStack() as stack:
        sessions, password = open_database(stack, settings)
        announce_password(password)
        stack.callback(part.unlink, missing_ok=True)
        try:
            with sessions.begin() as session, _private(part) as file:
                packed = evidence.export(session, candidate, evidence_folder(settings), file, reason=reason)
            part.replace(target)
        except ValueError as error:
            refuse(str(error))
        except OSError as error:
            refuse(f"{target} cannot be written: {error.strerror}. Name another file with --output.")
    typer.echo(
        f"{target}: {packed.answers} jawaban mentah, memuat data pribadi. / raw answers, personal data in them.\n"
        f"SHA-256 {packed.sha256}"
    )
    for digest, why in packed.missing.items():
        typer.echo(f"tidak ada / missing: {digest} ({why})", err=True)


def _private(path: Path) -> BinaryIO:
    """A new file for its owner alone, to be written and read."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600), "w+b")


def _check_evidence(path: Path) -> None:
    """Say whether a file of evidence is as it was made. Exit code 1 if it is not."""
    from intake import evidence

    try:
        problems = evidence.verify(path)
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}. Give the path of a file of evidence.")
    for problem in problems:
        typer.echo(f"{path}: {problem.message} / {problem.english}")
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{path}: utuh sejak dibuat. / as it was made, to the last byte.")


def _writable(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}. Name a file in a folder you may write to with --output.")


# ---- sources -------------------------------------------------------------------------------------------------------


@source_app.command("list")
def source_list(context: typer.Context, database: Database = None) -> None:
    """Every source: how it is, when it brought something, when it is visited next; and what needs attention."""
    from intake import bulletin, sources
    from intake.models import now

    with _listening(context, database) as sessions, sessions.begin() as session:
        found = sources.listing(session)
        resting = sources.waits(found, now())
        rows = [
            (
                row.name,
                row.adapter,
                "on" if row.enabled else "off",
                " / ".join(bulletin.word(row, language) for language in bulletin.LANGUAGES),
                _minute(row.success_at),
                _minute(row.new_at),
                _minute(bulletin.next_visit(row, resting.get(sources.host_of(row.url)))) if row.enabled else "",
                row.url,
            )
            for row in found
        ]
        bad = [
            f"{row.name}: "
            + " / ".join(
                bulletin.sentence(row, language, resting.get(sources.host_of(row.url)))
                for language in bulletin.LANGUAGES
            )
            for row in found
            if sources.group_of(row) == "bad"
        ]
    table(("name", "adapter", "", "state", "answered", "new", "next (WIB)", "address"), rows)
    for line in ("Perlu perhatian / needs attention:", *bad) if bad else ():
        typer.echo(line)


def _minute(at: datetime | None) -> str:
    """A moment in WIB, short."""
    from crawler.dates import WIB

    return f"{at.astimezone(WIB):%d/%m %H:%M}" if at else "-"


@source_app.command("add")
def source_add(
    context: typer.Context,
    adapter: Annotated[
        str, typer.Option(help="Kind of source: feed, wordpress, sitemap ... docs/adapters has them all.")
    ],
    url: Annotated[str, typer.Option(help="Address of the feed, site, list page or server.")],
    name: Annotated[str | None, typer.Option(help="What officers read; the host if none.")] = None,
    region: Annotated[str | None, typer.Option(help="Code of its home region, a hint: 14.71")] = None,
    interval: Annotated[int, typer.Option(min=1, max=MONTH, help="Minutes between visits.")] = 30,
    option: Annotated[
        list[str] | None,
        typer.Option(help="The adapter's own, KEY=VALUE, as often as needed; a wrong one is told those there are."),
    ] = None,
    database: Database = None,
) -> None:
    """Listen to one more place."""
    from intake import sources

    settings = settings_of(context, database)
    try:
        source = _new_source(adapter, url, name, region, interval, option or (), settings.province)
        with _listening(context, database, add=True) as sessions, sessions.begin() as session:
            _asked_once(source, (sources.as_source(row) for row in sources.listing(session)))
            sources.add(session, source)
    except ValueError as error:
        refuse(str(error))
    typer.echo(
        f"{source.name}: ditambahkan; periksa dengan / added; check it with: kentongan source check '{source.name}'"
    )


def _new_source(
    adapter: str, url: str, name: str | None, region: str | None, interval: int, pairs: Sequence[str], province: str
) -> Source:
    """A Source that can be visited as it stands. ValueError says what is wrong with it and what to do."""
    from urllib.parse import urlsplit

    from crawler import Source
    from crawler.adapters import NotUnderstood, adapter_named
    from crawler.options import described, options_of, read_options

    module = adapter_named(adapter)
    known = options_of(module)
    _check_address(url)
    _check_region(region, province)
    called = (name or str(urlsplit(url).hostname)).strip()
    if not called or len(called) > LONGEST_NAME or not called.isprintable():
        raise ValueError(f"a name has 1 to {LONGEST_NAME} letters and no line breaks; give it another --name.")
    try:
        options = read_options(known, pairs)
    except ValueError as error:
        raise ValueError(f"--option of the adapter {adapter}: {error}") from None
    source = Source(called, adapter, url, region, module.KIND, interval, True, options)
    try:
        list(module.requests(source))
    except NotUnderstood as error:
        raise ValueError(
            f"the adapter {adapter} cannot visit this address: {error}. "
            f"Its options, each given with --option KEY=VALUE: {described(known)}."
        ) from None
    return source


def _check_address(url: str) -> None:
    from urllib.parse import urlsplit

    from crawler.adapters import web_address

    if web_address(url) != url or any(sign.isspace() for sign in url):
        raise ValueError(
            f"{url!r} is not an address this can visit: it must start with http:// or https:// and name a host."
        )
    if "@" in urlsplit(url).netloc:
        raise ValueError(
            "the address holds a user name or a password: it would be shown to everybody who looks at the sources. "
            "Only public addresses are visited; give it without the part before the @."
        )


def _check_region(region: str | None, province: str) -> None:
    from nlp.jurisdiction import load_jurisdiction

    tables = load_jurisdiction(province)
    if region is not None and region not in tables.regions and region not in tables.districts:
        known = ", ".join(f"{one.code} {one.short}" for one in tables.regions.values())
        raise ValueError(f"no region has the code {region!r}. There are: {known}; or the code of a district.")


def _asked_once(new: Source, others: Iterable[Source]) -> None:
    """ValueError if another source is the same place asked in the same way: every text would be fetched twice."""
    wanted = _place(new)
    for other in others:
        if _place(other) == wanted:
            again = "" if other.enabled else f" Switch it on with: kentongan source enable '{other.name}'"
            raise ValueError(f"{other.name!r} already asks for {other.url}. Nothing was added.{again}")


def _place(source: Source) -> tuple[str, str, dict[str, Any]]:
    """What tells sources apart: an address alone does not, for all searches of one server share theirs."""
    from crawler.adapters import identity

    options = {name: value for name, value in source.options.items() if name != "probed"}
    return source.adapter, identity(source.url), options


@source_app.command("check")
def source_check(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One source; all if none.")] = None,
    database: Database = None,
) -> None:
    """Ask sources whether they answer: with what, and why not. Exit code 1 if none does.

    A host that asked to be left alone is not asked: its sources are shown as waiting.
    """
    from crawler.run import crawl
    from intake import sources
    from intake.jobs import politeness
    from intake.models import now

    settings = settings_of(context, database)
    with _listening(context, database) as sessions:
        with sessions.begin() as session:
            found = sources.listing(session)
            resting = sources.waits(found, now())
            wanted = [sources.as_source(row) for row in found if name in (None, row.name)]
        chosen = [source for source in wanted if sources.host_of(source.url) not in resting]
        rows = [
            (source.name, "waiting", "", f"sampai / until {_minute(resting[sources.host_of(source.url)])} WIB")
            for source in wanted
            if source not in chosen
        ]
        if not wanted:
            refuse(
                f"no source is named {name!r}; `kentongan source list` shows the names."
                if name
                else "no sources yet: `kentongan run --demo` brings those of the demo press into its database."
            )
        demo = all(source.options.get("demo") for source in wanted)
        with progress_bar() as progress:
            task = progress.add_task("Memeriksa / checking", total=len(chosen))
            for batch in crawl(chosen, politeness(settings, demo=demo), probe=True):
                with sessions.begin() as session:
                    for visit in batch.visits:
                        sources.record_probe(session, visit)
                progress.advance(task, len(batch.visits))
                rows += [(v.source, v.status, str(v.found), _checked(v)) for v in batch.visits]
    table(("name", "answer", "items", "why"), sorted(rows))
    if not any(status in sources.ANSWERED for _, status, *_ in rows):
        typer.echo("Tidak ada yang menjawab. / None of them answers.", err=True)
        raise typer.Exit(1)


def _checked(visit: Visit) -> str:
    """What there is to say of the answer to a check."""
    said = [in_both(visit.notes[0])] if visit.notes else []
    if visit.moved_to:
        said.insert(0, f"pindah ke / moved to {visit.moved_to}")
    return " ".join(said)


@source_app.command("enable")
def source_enable(context: typer.Context, name: str, database: Database = None) -> None:
    """Listen to it again."""
    _switch(context, database, name, on=True)


@source_app.command("disable")
def source_disable(context: typer.Context, name: str, database: Database = None) -> None:
    """Stop listening to it; what it brought stays."""
    _switch(context, database, name, on=False)


@source_app.command("remove")
def source_remove(context: typer.Context, name: str, database: Database = None) -> None:
    """Forget a source, perhaps to add it again corrected; what it brought stays.

    One of the province's file is only switched off, for the file brings it back.
    """
    from intake import sources

    settings = settings_of(context, database)
    with _listening(context, database) as sessions, sessions.begin() as session:
        try:
            removed = sources.remove(session, name, listed={one.name for one in province_sources(settings)})
        except ValueError as error:
            refuse(str(error))
    typer.echo(
        f"{name}: dihapus; yang dibawanya tetap ada / removed; what it brought stays"
        if removed
        else f"{name}: hanya dinonaktifkan, karena daftar tetap membawanya kembali / "
        "only disabled, for the list it stands in brings it back"
    )


def _switch(context: typer.Context, database: str | None, name: str, *, on: bool) -> None:
    from intake import sources

    with _listening(context, database) as sessions, sessions.begin() as session:
        try:
            sources.enable(session, name, on)
        except ValueError as error:
            refuse(str(error))
    typer.echo(f"{name}: {'aktif / enabled' if on else 'nonaktif / disabled'}")


# ---- shared by the commands ----------------------------------------------------------------------------------------


def settings_of(context: typer.Context, database: str | None, **given: Any) -> Settings:
    """Defaults, then kentongan.toml, then the environment, then what the command line says."""
    from pydantic import ValidationError

    from intake.settings import Settings

    given["database_url"] = database or context.obj
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = "; ".join(_wrong(one["loc"], one["msg"]) for one in error.errors())
        refuse(f"the configuration is not right: {wrong}. docs/configuration.md lists every setting.")
    except (OSError, ValueError) as error:
        refuse(f"kentongan.toml cannot be read: {error}. Correct it, or move it away to go on with the defaults.")


def _wrong(place: Sequence[object], message: str) -> str:
    return f"{'.'.join(map(str, place))}: {message.removeprefix('Value error, ')}"


@contextmanager
def _database(context: typer.Context, database: str | None) -> Iterator[Sessions]:
    with ExitStack() as stack:
        sessions, password = open_database(stack, settings_of(context, database))
        announce_password(password)
        yield sessions


@contextmanager
def _listening(context: typer.Context, database: str | None, *, add: bool = False) -> Iterator[Sessions]:
    """The database with the outlets of the province in it, as `run` would bring them; the demo's as it is."""
    from intake import sources
    from intake.start import press_of

    settings = settings_of(context, database)
    with _database(context, database) as sessions:
        with sessions.begin() as session:
            demo = press_of(session, settings.database_url) == "demo"
            if not demo:
                sources.sync(session, province_sources(settings))
        if demo and add:
            refuse(
                "this database belongs to the demo press: with a real source in it, neither the demo nor the real press "
                "would run on it. Nothing was added. Leave out --database (real sources go to kentongan.db), or name "
                "another one, for example --database sqlite:///real.db"
            )
        yield sessions


def province_sources(settings: Settings) -> list[Source]:
    """The outlets the province is heard through, from its file."""
    from crawler import load_sources

    path = Path(__file__).parents[1] / "crawler" / "sources" / f"{settings.province}.toml"
    try:
        return load_sources(path)
    except (OSError, ValueError) as error:
        refuse(
            f"the outlets of {settings.province} cannot be read from crawler/sources/{path.name}: {error}. Correct it."
        )


def labelled(path: Path, *needed: str) -> None:
    """Refuse a file that is not labelled texts: JSON lines of objects with `text` and what else is needed."""
    count = 0
    with text_file(path) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                count += 1
                _labelled_line(path, number, line, needed)
    if not count:
        refuse(f"{path} holds no text. Give labelled texts as JSON lines, as in nlp/gold/gold.jsonl.")


def _labelled_line(path: Path, number: int, line: str, needed: Sequence[str]) -> None:
    try:
        row = json.loads(line.encode("utf-8", "surrogateescape"))
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise ValueError('it is not an object with "text"')
        if missing := [name for name in needed if name not in row]:
            raise ValueError(f"{', '.join(missing)} missing")
        if row["failure"] not in ("yes", "vague", "no"):
            raise ValueError(f'"failure" is {row["failure"]!r}, not yes, vague or no')
        if row.get("urgency") not in (None, "", "U1", "U2", "U3", "U4"):
            raise ValueError(f'"urgency" is {row["urgency"]!r}, not U1 to U4')
        if not isinstance(row.get("title", ""), str):
            raise ValueError('"title" is no text')
        if odd := [name for name in CODE_LISTS if not _is_codes(row.get(name, []))]:
            raise ValueError(f"{', '.join(odd)} must be a list of codes")
    except ValueError as error:
        refuse(
            f"{path}:{number} is not a labelled text: {error}. nlp/gold/gold.jsonl shows the form; correct the line."
        )


def _is_codes(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(code, str) for code in value)


def text_file(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}. Give the path of a file that is there and may be read.")


def report(visit: Visit) -> None:
    typer.echo(f"{visit.source}: {visit.status}, {visit.documents} documents, {visit.requests} requests", err=True)
    for note in visit.notes:
        typer.echo(f"  {in_both(note)} {note.url}", err=True)


def in_both(note: Note) -> str:
    """A note in Indonesian and English."""
    return f"{note.message} / {note.english}" if note.english else note.message


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200).print(table, markup=False)


def progress_bar() -> Any:
    from rich.console import Console
    from rich.progress import Progress

    return Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def refuse(why: str) -> NoReturn:
    typer.echo(f"kentongan: {why}", err=True)
    raise typer.Exit(2)


def open_database(stack: ExitStack, settings: Settings) -> tuple[Sessions, str | None]:
    """The migrated database, filled at first start; and the administrator's password, if one was just made."""
    from intake.database import open_engine, sessions
    from intake.migrations import migrate
    from intake.start import first_start

    with _plain_refusals(settings.database_url):
        migrate(settings.database_url)
        engine = open_engine(settings.database_url)
        stack.callback(engine.dispose)
        factory = sessions(engine)
        with factory.begin() as session:
            password = first_start(session, settings.province)
    return factory, password


@contextmanager
def _plain_refusals(url: str) -> Iterator[None]:
    """A database that cannot be opened is one sentence, not a traceback. A fault of ours in a statement stays loud.

    The address is not shown: it may hold a password.
    """
    import sqlite3

    from alembic.util import CommandError
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

    try:
        _ = make_url(url).port
    except (ArgumentError, ValueError):
        _refuse_database("its address is not of the form sqlite:///FILE or postgresql+psycopg://USER@HOST:PORT/NAME")
    try:
        yield
    except (OperationalError, CommandError, sqlite3.Error, OSError) as error:
        _refuse_database(str(getattr(error, "orig", None) or error))
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # "file is not a database" is of no narrower kind
            raise
        _refuse_database(str(error.orig))


def _refuse_database(why: str) -> NoReturn:
    refuse(
        f"the database cannot be opened: {' '.join(why.split()).rstrip('.')}. Give the address of one that can be read and "
        "written with --database, for example sqlite:///kentongan.db (of PostgreSQL, the server must be running)."
    )


def announce_password(password: str | None, *, err: bool = False) -> None:
    if password:
        typer.echo(
            "Administrator pertama; kata sandi hanya tampil sekali. / First administrator; the password is shown once.",
            err=err,
        )
        typer.echo(f"  admin  {password}", err=err)
