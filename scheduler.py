"""The composition root and the command line: wires the three floors, starts them, stops them. Nobody imports it.

Everything heavy is imported by the command that needs it, so that `kentongan --help` answers at once.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intake.commands import (
    Database,
    announce_password,
    database_app,
    in_both,
    labelled,
    open_database,
    progress_bar,
    province_sources,
    refuse,
    report,
    settings_of,
    source_app,
    text_file,
)
from intake.people.commands import audit_app, user_app
from intake.review.commands import review_app

if TYPE_CHECKING:
    from concurrent.futures import Future
    from multiprocessing.process import BaseProcess

    import uvicorn
    from apscheduler.schedulers.background import BackgroundScheduler

    from crawler import Batch, Source
    from crawler.demo.server import DemoPress
    from intake.database import Sessions
    from intake.settings import Settings
    from nlp import Analysis, Text

app = typer.Typer(
    help="Hears failing public services in the press and in public posts, and lays candidate cases before people.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help answers in half the time
    pretty_exceptions_enable=False,
)
app.add_typer(database_app)
app.add_typer(source_app, name="source")
app.add_typer(user_app, name="user")
app.add_typer(audit_app, name="audit")
app.add_typer(review_app)

Lines = Annotated[bool, typer.Option("--jsonl", help="One JSON object a line (the only form there is).")]


@app.callback()
def everywhere(context: typer.Context, database: Database = None) -> None:
    context.obj = database


# ---- the service ---------------------------------------------------------------------------------------------------


@app.command()
def run(
    context: typer.Context,
    demo: Annotated[bool, typer.Option(help="Listen to a small press of our own; needs no internet.")] = False,
    once: Annotated[bool, typer.Option(help="One round of crawling and analysis, then exit.")] = False,
    host: Annotated[str | None, typer.Option(help="Address the console listens on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the console; 0 picks a free one.")] = None,
    database: Database = None,
) -> None:
    """The service: the web console and the schedule of crawling and analysis."""
    ending = None if once else Ending()  # before anything else: a signal may come at any moment
    settings = _run_settings(context, database, demo=demo, host=host, port=port)
    with ExitStack() as stack:
        listener = None if once else stack.enter_context(_listener(settings))
        press = stack.enter_context(_demo_press(settings)) if demo else None
        sessions, password = open_database(stack, settings)
        announce_password(password)  # at once: whatever refuses or ends the rest, it is never made again
        _sources(sessions, settings, press)
        if listener is None or ending is None:
            _one_round(sessions, settings, demo=demo)
        else:
            _serve(sessions, settings, listener, ending, demo=demo)


def _run_settings(
    context: typer.Context, database: str | None, *, demo: bool, host: str | None, port: int | None
) -> Settings:
    """The settings of this run; the demo has a database of its own unless one is named for it."""
    from intake.settings import DEMO_DATABASE

    named = database or context.obj or (DEMO_DATABASE if demo else None)
    return settings_of(context, named, host=host, port=port)


PATIENCE = 3.0  # seconds jobs may take to finish once the service is asked to stop


class Stopped(BaseException):
    """Raised in a job that waits for something when the service stops: no failure, and none of the job's business."""


class Ending:
    """What SIGTERM and SIGINT do to the service, from the first moment on. One handler all the way: none falls between two.

    A start-up ends at once: it holds nothing that a kill could hurt, and an exception raised wherever a signal happens to
    strike may be swallowed there. A running server is asked to stop.
    """

    def __init__(self) -> None:
        self.asked = Event()
        self.server: uvicorn.Server | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self)

    def __call__(self, *_: object) -> None:
        if self.server is None:
            os._exit(0)
        self.asked.set()
        self.server.should_exit = True


@contextmanager
def _demo_press(settings: Settings) -> Iterator[DemoPress]:
    from crawler.demo.server import DemoPress

    try:
        press = DemoPress(settings.demo_port)
        press.start()
    except OSError as error:
        refuse(
            f"the demo press cannot listen on port {settings.demo_port} ({error.strerror or error}). "
            "Another demo may be running: stop it, or set KENTONGAN_DEMO_PORT to a free port."
        )
    try:
        yield press
    finally:
        press.stop()


def _sources(sessions: Sessions, settings: Settings, press: DemoPress | None) -> None:
    """Put the sources of this run into the database. The demo and the real press never share one."""
    from intake import sources
    from intake.settings import DEMO_DATABASE
    from intake.start import demo_contacts, press_of

    found = _sources_of(press, settings)
    with sessions.begin() as session:
        try:
            if press_of(session, settings.database_url) not in (None, "demo" if press else "real"):
                raise ValueError("invented complaints must never be taken for real ones.")
            sources.sync(session, found)
            if press:
                demo_contacts(session)
        except ValueError as error:
            refuse(
                f"this database already belongs to {'the real press' if press else 'the demo press'}: {error} Nothing was "
                "changed. Give this run a database of its own, for example with --database "
                f"{DEMO_DATABASE if press else 'sqlite:///real.db'}"
            )


def _sources_of(press: DemoPress | None, settings: Settings) -> list[Source]:
    """The demo press's own, or those of the province."""
    from crawler import Source

    if press:
        return [Source(**row) for row in press.sources()]
    return province_sources(settings)


def _one_round(sessions: Sessions, settings: Settings, *, demo: bool) -> None:
    """One crawl + analyse + inbox cycle over the sources that are due, with progress on the terminal."""
    import nlp
    from intake import jobs, sources

    with sessions.begin() as session:
        due = sources.due(session, everything=True)
    with progress_bar() as progress:
        task = progress.add_task("Mendengar / listening", total=len(due))

        def told(batch: Batch) -> None:
            progress.advance(task, len(batch.visits))

        heard = jobs.crawl_and_store(sessions, settings, due, demo=demo, told=told)
        if not demo:
            jobs.import_drops(sessions, settings)
        with sessions.begin() as session:
            waiting = sources.waiting(session)
        task = progress.add_task("Menganalisis / analysing", total=waiting)
        analyser = nlp.load(settings.province)
        threshold = settings.working_threshold
        done = jobs.analyse_pending(
            sessions, analyser.pipe, threshold, told=lambda count: progress.advance(task, count)
        )
    jobs.send_alerts(sessions, settings)
    silent = [visit for visit in heard.visits if visit.status in ("unreachable", "broken", "blocked")]
    typer.echo(
        f"{len(heard.visits)} sumber, {heard.documents} dokumen ({heard.new} baru), {done} dianalisis. / "
        f"{len(heard.visits)} sources, {heard.documents} documents ({heard.new} new), {done} analysed."
    )
    for visit in silent:
        reason = in_both(visit.notes[0]) if visit.notes else ""
        typer.echo(f"  {visit.source}: {visit.status}. {reason}", err=True)


def _serve(sessions: Sessions, settings: Settings, listener: socket.socket, ending: Ending, *, demo: bool) -> None:
    """The console in this thread, the schedule beside it, the analyser in a process of its own; until SIGTERM."""
    from intake import jobs

    with analyser_process(settings, ending.asked) as analyse:
        understand = partial(_until_stopped, jobs.analyse_now, sessions, analyse, settings.working_threshold)
        ending.server = server = _server(sessions, settings, understand)  # from here on a signal asks
        schedule = _schedule(sessions, settings, analyse, ending.asked, demo=demo)
        schedule.start()
        _announce(listener)
        try:
            server.run(sockets=[listener])
        finally:
            ending.asked.set()
            typer.echo(
                "Berhenti; pekerjaan yang sedang berjalan diselesaikan. / Stopping; finishing what is under way."
            )
            finished = _finished(schedule)
    if not finished:
        os._exit(0)  # a job may be ended at any moment, and is repeated at the next start


def _server(sessions: Sessions, settings: Settings, understand: Callable[[int], None]) -> uvicorn.Server:
    from contextlib import nullcontext

    import uvicorn

    from intake.web.app import create_app

    class Server(uvicorn.Server):
        """Leaves the signals to us: see Ending."""

        def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
            return nullcontext()

    return Server(
        uvicorn.Config(
            create_app(sessions, settings, understand),
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
    )


def _finished(schedule: BackgroundScheduler) -> bool:
    """End the schedule; False if a job, a crawl that waits for a slow host, does not finish in time."""
    waiting = Thread(target=schedule.shutdown, daemon=True)
    waiting.start()
    waiting.join(PATIENCE)
    return not waiting.is_alive()


def _schedule(
    sessions: Sessions, settings: Settings, analyse: Callable[..., Any], stop: Event, *, demo: bool
) -> BackgroundScheduler:
    """Every job once at a time, late runs folded into one and none dropped, the first at once."""
    from datetime import UTC, datetime

    from apscheduler.schedulers.background import BackgroundScheduler

    from intake import jobs

    schedule = BackgroundScheduler(
        timezone="Asia/Jakarta",
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
    )

    def every(seconds: int, job: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        now = datetime.now(UTC)
        work = partial(_until_stopped, job, *args, **kwargs)
        schedule.add_job(work, "interval", seconds=seconds, id=job.__name__, next_run_time=now)

    every(settings.crawl_tick, jobs.crawl_due, sessions, settings, demo=demo, stop=stop)
    if settings.drop_folder and not demo:
        every(settings.drop_tick, jobs.import_drops, sessions, settings, stop=stop)
    every(settings.analyse_tick, jobs.analyse_pending, sessions, analyse, settings.working_threshold, stop=stop)
    every(settings.alert_tick, jobs.write_view_alerts, sessions, settings)
    every(settings.alert_tick, jobs.send_alerts, sessions, settings)
    every(24 * 3600, jobs.clean_up, sessions, settings)
    every(24 * 3600, jobs.anchor_audit, sessions, settings)
    return schedule


def _until_stopped(job: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """A job, in a thread of the schedule. The terminal's Ctrl-C is for the service alone: what a job starts, it ends."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # children inherit it
    with suppress(Stopped):
        job(*args, **kwargs)


@contextmanager
def analyser_process(settings: Settings, stop: Event) -> Iterator[Callable[[Sequence[Text]], list[Analysis]]]:
    """Analysis in a process of its own, so that the console never waits for it; a dead one is replaced.

    Once `stop` is set, whoever waits for an analysis gets Stopped, and the process is ended whatever it does.
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import active_children, get_context

    def pool() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, get_context("spawn"), _load_analyser, (settings.province,))

    workers = pool()

    def analyse(texts: Sequence[Text]) -> list[Analysis]:
        nonlocal workers
        try:
            return _result(workers.submit(_analyse, texts), stop)
        except BrokenProcessPool:
            if stop.wait(1):  # ended by the signal that ends us, before it reached us
                raise Stopped from None
            workers.shutdown(wait=False)
            workers = pool()
            raise

    try:
        yield analyse
    finally:
        stop.set()
        for child in active_children():  # it may still be loading, for many seconds
            child.terminate()
        workers.shutdown(wait=True, cancel_futures=True)


def _result(future: Future[list[Analysis]], stop: Event) -> list[Analysis]:
    from concurrent.futures import wait

    while not wait([future], timeout=0.2).done:
        if stop.is_set():
            raise Stopped
    return future.result()


_analyser: Callable[[Iterable[Text]], Iterator[Analysis]] | None = None


def _load_analyser(province: str) -> None:
    """In the worker: load once, ignore the terminal's Ctrl-C, and end when the service ends, however it ends."""
    import multiprocessing

    import nlp

    global _analyser
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent,), daemon=True).start()
    _analyser = nlp.load(province).pipe


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _analyse(texts: Sequence[Text]) -> list[Analysis]:
    assert _analyser is not None, "the pool's initializer loads it"
    return list(_analyser(texts))


@contextmanager
def _listener(settings: Settings) -> Iterator[socket.socket]:
    """The console's socket, bound before anything is started, so that a taken port is one clear sentence."""
    from ipaddress import ip_address

    address = _address(settings.host, settings.port)
    if not settings.behind_tls and not ip_address(address).is_loopback:
        refuse(
            f"the console will not listen on {address} without TLS: passwords would travel in the clear. "
            "Put a TLS proxy in front and set KENTONGAN_BEHIND_TLS=true, or keep the default 127.0.0.1."
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, settings.port))
            listener.listen()  # whoever reads the address may knock at once
        except OSError as error:
            refuse(
                f"the console cannot listen on {address}:{settings.port} ({error.strerror}). "
                "Stop the program that holds the port, or choose another with --port."
            )
        yield listener


def _address(host: str, port: int) -> str:
    """The address of a name, or of an address in digits, of this computer."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        refuse(
            f"the console cannot listen on {host!r}: no such name or address is known here. "
            "Give an address of this computer with --host, or leave it out for the default 127.0.0.1."
        )
    return str(found[0][4][0])


def _announce(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    typer.echo(f"Konsol / console: http://{f'[{host}]' if ':' in host else host}:{port}/")


# ---- the stages alone ----------------------------------------------------------------------------------------------


@app.command()
def crawl(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Names; all enabled ones if none.")
    ] = None,
    jsonl: Lines = True,
    demo: Annotated[bool, typer.Option(help="Crawl the demo press.")] = False,
) -> None:
    """Documents as JSON lines on standard output; needs no database."""
    from crawler.run import crawl as crawl_sources
    from intake.jobs import politeness

    settings = settings_of(context, None)
    with ExitStack() as stack:
        press = stack.enter_context(_demo_press(settings)) if demo else None
        found = _sources_of(press, settings)
        unknown = set(names or ()) - {source.name for source in found}
        if unknown:
            refuse(f"no source is named {', '.join(sorted(unknown))}. Known: {', '.join(s.name for s in found)}")
        chosen = [source for source in found if (source.name in names if names else source.enabled)]
        for batch in crawl_sources(chosen, politeness(settings, demo=demo)):
            for document in batch.documents:
                print(document.to_json(), flush=True)
            for visit in batch.visits:
                report(visit)


@app.command()
def analyse(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE|-", help="Texts as JSON lines.", allow_dash=True)] = Path("-"),
    jsonl: Lines = True,
) -> None:
    """Texts in, Analyses out, one JSON object a line, same order, streaming."""
    from nlp.__main__ import speak_utf8, stream

    settings = settings_of(context, None)
    speak_utf8()
    with ExitStack() as stack:
        if str(file) == "-":
            lines: Iterable[str] = sys.stdin
        else:
            lines = stack.enter_context(text_file(file))
        for line in stream(lines, settings.province):
            print(line, flush=True)


@app.command()
def train(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Labelled texts; the project's own corpus if none.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the model; the shipped one if none.")] = None,
) -> None:
    """Train the classifier from labelled texts; the same texts give the same bytes."""
    from importlib.util import find_spec

    from nlp.train import main as train_main

    if find_spec("sklearn") is None:
        refuse("training needs scikit-learn. Install it, in the folder of the checkout, with: pip install '.[train]'")
    for file in files or ():
        labelled(file, "failure", "sectors", "forms")
    try:
        train_main(files or None, out)
    except (OSError, ValueError) as error:
        refuse(f"no model was made, {error}. Give more texts: every label must stand in several of them.")


@app.command()
def evaluate(file: Annotated[Path, typer.Argument(help="Labelled texts as JSON lines.")]) -> None:
    """Measure the analyser against labelled texts."""
    from nlp.evaluate import evaluate as measure

    labelled(file, "id", "failure")
    for name, value in measure(file).items():
        typer.echo(f"{name:32} {value:.3f}" if isinstance(value, float) else f"{name:32} {value}")


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
