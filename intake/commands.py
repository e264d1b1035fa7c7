"""The commands that work on the database: sources, people, import, export, migrate; and what commands share.

Everything heavy is imported by the command that needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from crawler import Visit
    from intake.database import Sessions
    from intake.settings import Settings

database_app = typer.Typer()
source_app = typer.Typer(help="The places we listen to.", no_args_is_help=True)
user_app = typer.Typer(help="The people with an account.", no_args_is_help=True)

Database = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="SQLAlchemy URL of the database.", envvar="KENTONGAN_DATABASE_URL"),
]


@database_app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON lines or CSV of public texts gathered elsewhere.")],
    database: Database = None,
) -> None:
    """Public texts gathered elsewhere -> Mentions, analysed and laid into the queue."""
    import nlp
    from intake import inbox, jobs, sources
    from intake.settings import pseudonym_key

    settings = settings_of(context, database)
    text_file(file).close()
    with ExitStack() as stack:
        sessions, password = open_database(stack, settings)
        announce_password(password)
        stored, new, refused = 0, 0, 0
        for documents, refusals in inbox.read_import(file):
            for refusal in refusals:
                refused += 1
                typer.echo(f"{file}:{refusal.line}: {refusal.message}", err=True)
            with sessions.begin() as session:
                new += inbox.store(session, documents, pseudonym_key(settings))
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
        f"{stored} teks dibaca, {new} baru, {refused} ditolak. / {stored} texts read, {new} new, {refused} refused."
    )
    if refused:
        raise typer.Exit(1)


@database_app.command()
def migrate(context: typer.Context, database: Database = None) -> None:
    """Bring the database to the shape this version needs."""
    from intake.migrations import migrate as upgrade

    settings = settings_of(context, database)
    upgrade(settings.database_url)
    typer.echo("Basis data siap. / The database is up to date.")


@database_app.command()
def export(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="candidates|cases|mentions|trends")],
    format: Annotated[str, typer.Option(metavar="csv|xlsx|jsonl|geojson")] = "csv",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; standard output if none.")] = None,
    database: Database = None,
) -> None:
    """Write what the database holds; personal data masked."""
    from intake.export import FORMATS, TABLES
    from intake.export import export as write

    if what not in TABLES or format not in FORMATS:
        refuse(f"cannot export {what!r} as {format!r}. What: {', '.join(TABLES)}. Formats: {', '.join(FORMATS)}.")
    if format == "xlsx" and output is None:
        refuse("an Excel file is not text for a terminal: name a file with --output FILE.xlsx")
    settings = settings_of(context, database)
    with ExitStack() as stack:
        sessions, _ = open_database(stack, settings)
        session = stack.enter_context(sessions.begin())
        file = stack.enter_context(output.open("wb")) if output else sys.stdout.buffer
        rows = write(session, what, format, file)
    typer.echo(f"{rows} baris. / {rows} rows.", err=True)


# ---- sources -------------------------------------------------------------------------------------------------------


@source_app.command("list")
def source_list(context: typer.Context, database: Database = None) -> None:
    """Every source and what its last visit told."""
    from intake import sources

    with _database(context, database) as sessions, sessions.begin() as session:
        rows = [
            (row.name, row.adapter, "on" if row.enabled else "off", _state_in_words(row), row.url)
            for row in sources.listing(session)
        ]
    table(("name", "adapter", "", "last visit", "address"), rows)


@source_app.command("add")
def source_add(
    context: typer.Context,
    adapter: Annotated[str, typer.Option(help="Module of crawler.adapters: feed, wordpress, listing, mastodon.")],
    url: Annotated[str, typer.Option(help="Address of the feed, site, list page or server.")],
    name: Annotated[str | None, typer.Option(help="What officers read; the host if none.")] = None,
    region: Annotated[str | None, typer.Option(help="Code of its home region, a hint: 14.71")] = None,
    interval: Annotated[int, typer.Option(min=1, help="Minutes between visits.")] = 30,
    option: Annotated[list[str] | None, typer.Option(help="The adapter's own, KEY=VALUE: links=CSS, tags=a,b")] = None,
    database: Database = None,
) -> None:
    """Listen to one more place."""
    from urllib.parse import urlsplit

    from crawler import Source
    from crawler.adapters import adapter_named
    from intake import sources

    try:
        module = adapter_named(adapter)
    except ValueError as error:
        refuse(str(error))
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        refuse(f"{url!r} is not an address this can visit: it must start with http:// or https:// and name a host.")
    options = dict(pair.partition("=")[::2] for pair in option or ())
    kind = module.KIND
    source = Source(name or str(urlsplit(url).hostname), adapter, url, region, kind, interval, True, options)
    with _database(context, database) as sessions, sessions.begin() as session:
        try:
            sources.add(session, source)
        except ValueError as error:
            refuse(str(error))
    typer.echo(
        f"{source.name}: ditambahkan; periksa dengan / added; check it with: kentongan source check '{source.name}'"
    )


@source_app.command("check")
def source_check(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One source; all if none.")] = None,
    database: Database = None,
) -> None:
    """Ask sources whether they answer: with what, and why not."""
    from crawler.run import crawl
    from intake import sources
    from intake.jobs import politeness

    settings, rows = settings_of(context, database), []
    with _database(context, database) as sessions:
        with sessions.begin() as session:
            chosen = [sources.as_source(row) for row in sources.listing(session) if name in (None, row.name)]
        if not chosen:
            refuse(
                f"no source is named {name!r}; `kentongan source list` shows the names." if name else "no sources yet."
            )
        demo = all(source.options.get("demo") for source in chosen)
        with progress_bar() as progress:
            task = progress.add_task("Memeriksa / checking", total=len(chosen))
            for batch in crawl(chosen, politeness(settings, demo=demo), probe=True):
                with sessions.begin() as session:
                    for visit in batch.visits:
                        sources.record_probe(session, visit)
                progress.advance(task, len(batch.visits))
                rows += [
                    (v.source, v.status, str(v.found), v.notes[0].message if v.notes else "") for v in batch.visits
                ]
    table(("name", "answer", "items", "why"), sorted(rows))


@source_app.command("enable")
def source_enable(context: typer.Context, name: str, database: Database = None) -> None:
    """Listen to it again."""
    _switch(context, database, name, on=True)


@source_app.command("disable")
def source_disable(context: typer.Context, name: str, database: Database = None) -> None:
    """Stop listening to it; what it brought stays."""
    _switch(context, database, name, on=False)


def _switch(context: typer.Context, database: str | None, name: str, *, on: bool) -> None:
    from intake import sources

    with _database(context, database) as sessions, sessions.begin() as session:
        try:
            sources.enable(session, name, on)
        except ValueError as error:
            refuse(str(error))
    typer.echo(f"{name}: {'aktif / enabled' if on else 'nonaktif / disabled'}")


def _state_in_words(row: Any) -> str:
    if row.visited_at is None:
        return "never visited" if row.probed else "never checked"
    return f"{row.status}, {row.visited_at:%Y-%m-%d %H:%M} UTC"


# ---- people --------------------------------------------------------------------------------------------------------


@user_app.command("add")
def user_add(
    context: typer.Context,
    name: str,
    role: Annotated[str, typer.Option(help="admin, head, officer, focal, analyst or auditor.")],
    agency: Annotated[str | None, typer.Option(help="Agency id of a focal point.")] = None,
    database: Database = None,
) -> None:
    """Add somebody; the generated password is shown once."""
    from intake import accounts

    with _accounts(context, database) as session:
        _, password = accounts.add_person(session, name, role, agency_id=agency)
    typer.echo(f"{name}  {password}")


@user_app.command("list")
def user_list(context: typer.Context, database: Database = None) -> None:
    """Everybody with an account."""
    from intake import accounts

    with _accounts(context, database) as session:
        rows = [(p.name, p.role, p.agency_id or "", "disabled" if p.disabled else "") for p in accounts.people(session)]
    table(("name", "role", "agency", ""), rows)


@user_app.command("disable")
def user_disable(context: typer.Context, name: str, database: Database = None) -> None:
    """Close an account; its sessions and tokens end."""
    from intake import accounts

    with _accounts(context, database) as session:
        accounts.disable(session, name)
    typer.echo(f"{name}: nonaktif / disabled")


@user_app.command("password")
def user_password(context: typer.Context, name: str, database: Database = None) -> None:
    """A new generated password, shown once; open sessions end."""
    from intake import accounts

    with _accounts(context, database) as session:
        password = accounts.set_password(session, name)
    typer.echo(f"{name}  {password}")


@user_app.command("token")
def user_token(context: typer.Context, name: str, database: Database = None) -> None:
    """A token for the API, shown once."""
    from intake import accounts

    with _accounts(context, database) as session:
        token = accounts.make_token(session, name)
    typer.echo(token)


@contextmanager
def _accounts(context: typer.Context, database: str | None) -> Iterator[Any]:
    with _database(context, database) as sessions:
        try:
            with sessions.begin() as session:
                yield session
        except ValueError as error:
            refuse(str(error))


# ---- shared by the commands ----------------------------------------------------------------------------------------


def settings_of(context: typer.Context, database: str | None, **given: Any) -> Settings:
    """Defaults, then kentongan.toml, then the environment, then what the command line says."""
    from pydantic import ValidationError

    from intake.settings import Settings

    given["database_url"] = database or context.obj
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        refuse(f"the configuration is not right: {wrong}. docs/configuration.md lists every setting.")


@contextmanager
def _database(context: typer.Context, database: str | None) -> Iterator[Sessions]:
    with ExitStack() as stack:
        sessions, password = open_database(stack, settings_of(context, database))
        announce_password(password)
        yield sessions


def text_file(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}.")


def report(visit: Visit) -> None:
    typer.echo(f"{visit.source}: {visit.status}, {visit.documents} documents, {visit.requests} requests", err=True)
    for note in visit.notes:
        typer.echo(f"  {note.code}: {note.message} {note.url}", err=True)


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

    migrate(settings.database_url)
    engine = open_engine(settings.database_url)
    stack.callback(engine.dispose)
    factory = sessions(engine)
    with factory.begin() as session:
        password = first_start(session, settings.province)
    return factory, password


def announce_password(password: str | None) -> None:
    if password:
        typer.echo(
            "Administrator pertama; kata sandi hanya tampil sekali. / First administrator; the password is shown once."
        )
        typer.echo(f"  admin  {password}")
