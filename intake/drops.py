"""Texts gathered elsewhere: what a file of them holds, and a folder where others leave such files.

    name.csv  ->  working/20261126-081500-3f2a-name.csv  ->  done/ or failed/, and the same name with .txt beside it

The move into `working/` is one step, so a file is taken by one service alone, under a name nobody chose; while it is read
it is locked. A lock ends with its process: what lies there unlocked is taken up again. Reading a file twice adds nothing.
"""

from __future__ import annotations

import csv
import fcntl
import json
import logging
import os
import re
import secrets
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from threading import Event
from typing import Any, TextIO

from sqlalchemy.exc import InterfaceError, OperationalError

from crawler import Document, Kind, document_key
from crawler.adapters import web_address
from crawler.dates import WIB, believable, parse_date
from crawler.identity import identity as identity_of
from intake.models import now
from intake.revisions import hash_of
from intake.start import told_by

log = logging.getLogger(__name__)

SUFFIXES = (".csv", ".json", ".jsonl")
WORKING, DONE, FAILED = "working", "done", "failed"
SETTLED = timedelta(seconds=10)  # unchanged for so long, a file is taken for complete
LARGEST = 20 * 1024 * 1024  # bytes of a file in the folder
KEPT = timedelta(days=30)  # after that what was put away is deleted: it may hold names the database does not keep
TOLD = 1000  # lines of a report
LONGEST = 100  # lines of one row of a table: beyond, a quotation mark was never closed
OURS = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}-[\w.-]{1,80}(?:\.txt)?", re.ASCII)  # names given here
ARTICLES = ("article", "news", "berita", "artikel")
KEY = re.compile(r"[0-9a-f]{32}")
PROFILE = re.compile(
    r"/@[^/]+/|//(?:\w+\.)?(?:x|twitter|facebook|instagram|threads|tiktok)\.(?:com|net)/", re.IGNORECASE
)

# ---- what a file holds ------------------------------------------------------------------------------------------------

SAYS: dict[str, tuple[str, str]] = {
    "not-json": ("Bukan JSON ({error}).", "not JSON ({error})."),
    "not-csv": ("Bukan baris CSV ({error}).", "not a row of CSV ({error})."),
    "unclosed": (
        'Tanda kutip (") dibuka tetapi tidak ditutup dengan benar.',
        'a quotation mark (") is opened and not rightly closed.',
    ),
    "not-object": ("Bukan objek yang setidaknya memuat id dan text.", "not an object with at least id and text."),
    "incomplete": ("text dan id (atau url) harus diisi.", "text and id (or url) are needed."),
    "left-out": ("Baris ini dilewati; yang lain tetap dibaca.", "The line is left out; the others go on."),
    "date-unreadable": (
        "published_at {value} bukan tanggal. Teksnya disimpan tanpa tanggal.",
        "published_at {value} is no date. The text is kept without one.",
    ),
    "date-impossible": (
        "published_at {value} tidak mungkin benar. Teksnya disimpan tanpa tanggal.",
        "published_at {value} cannot be true. The text is kept without a date.",
    ),
    "date-ahead": (
        "published_at {value} mendahului jam kami. Teksnya disimpan dengan waktu sekarang.",
        "published_at {value} is ahead of the clock. The text is kept, dated now.",
    ),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was wrong with a line of an import: all of it (left out), or only a part (the text is kept without that)."""

    line: int  # or the place in a list
    message: str
    kept: bool = False
    indonesian: str = ""


class Unusable(ValueError):
    """A line that holds no text; `code` is one of SAYS."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code, self.values = code, values


def read_import(path: Path, batch: int = 500) -> Iterator[tuple[list[Document], list[Refusal]]]:
    """Batches of what a file holds: see `read_texts`."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        yield from read_texts(file, path.suffix, batch)


def read_texts(file: TextIO, suffix: str, batch: int = 500) -> Iterator[tuple[list[Document], list[Refusal]]]:
    """Batches of {id, text, title?, ...}: of a CSV with a heading, a JSON list (`.json`), or JSON lines."""
    documents: list[Document] = []
    refusals: list[Refusal] = []
    read_rows = {".csv": _csv_rows, ".json": _json_list}.get(suffix.lower(), _json_rows)
    for number, row in read_rows(file):
        try:
            document, doubt = _document(row)
        except Unusable as error:
            refusals.append(_refusal(number, error.code, "left-out", **error.values))
            continue
        documents.append(document)
        if doubt:
            refusals.append(_refusal(number, doubt, value=repr(row.get("published_at", ""))[:42]))
        if len(documents) + len(refusals) >= batch:
            yield documents, refusals
            documents, refusals = [], []
    yield documents, refusals


def _refusal(number: int, *codes: str, **values: object) -> Refusal:
    said = [[sentence.format(**values) for sentence in SAYS[code]] for code in codes]
    indonesian, english = (" ".join(sentences) for sentences in zip(*said, strict=True))
    return Refusal(number, english, "left-out" not in codes, indonesian)


def _csv_rows(file: TextIO) -> Iterator[tuple[int, Any]]:
    """With commas, semicolons (as an Indonesian spreadsheet writes them) or tabs between the columns."""
    heading = file.readline()
    delimiter = max(",;\t", key=heading.count)
    names = next(csv.reader([heading], delimiter=delimiter), [])
    ahead, number = deque[str](), 1
    while True:
        ahead.extend(islice(file, LONGEST - len(ahead)))
        if not ahead:
            return
        cells, lines = _csv_row(ahead, delimiter)
        number += lines
        for _ in range(lines):
            ahead.popleft()
        if cells:
            yield number, cells if isinstance(cells, Unusable) else dict(zip(names, cells, strict=False))


def _csv_row(ahead: Sequence[str], delimiter: str) -> tuple[list[str] | Unusable, int]:
    """The cells of the first row, and how many lines it takes. A quotation mark left open costs only the line it is in."""
    rows = csv.reader(chain(ahead, ["\n"]), delimiter=delimiter)
    try:
        cells = next(rows)
    except csv.Error as error:
        return Unusable("not-csv", error=error) if rows.line_num == 1 else Unusable("unclosed"), 1
    if rows.line_num > 1 and _swallows_others(ahead, cells, delimiter):
        return Unusable("unclosed"), 1
    return cells, rows.line_num


def _swallows_others(ahead: Sequence[str], cells: list[str], delimiter: str) -> bool:
    """Whether a row of several lines holds other rows: it ends nowhere or amid a cell, or its next line counts on."""
    try:
        next(csv.reader(ahead, delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    following, *others = ahead[1].split(delimiter)
    return bool(others) and cells[0].isdecimal() and following.strip() == str(int(cells[0][:18]) + 1)


def _json_list(file: TextIO) -> Iterator[tuple[int, Any]]:
    """What the brackets hold; a file without them holds JSON lines."""
    whole = file.read()
    row = _json(whole)
    if isinstance(row, Unusable) and not whole.lstrip().startswith("["):
        yield from _json_rows(whole.splitlines())
    else:
        yield from enumerate(row if isinstance(row, list) else [row], 1)


def _json_rows(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, _json(line)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return Unusable("not-json", error=error)


def _document(row: Any) -> tuple[Document, str]:
    """The text of a line, and the code of what is doubtful of its date. Unusable: no text, or nothing to know it by."""
    if isinstance(row, Unusable):
        raise row
    if not isinstance(row, dict):
        raise Unusable("not-object")
    given = {name: str(value).strip() for name, value in row.items() if name and value is not None}
    text, identity = given.get("text", ""), given.get("id") or given.get("url") or given.get("key") or ""
    if not text or not identity:
        raise Unusable("incomplete")
    source, url = given.get("source") or "impor", given.get("url", "")
    fetched_at = min(parse_date(given.get("fetched_at"), now()) or now(), now())
    published_at, doubt = _published(given.get("published_at", ""), fetched_at)
    key, held, kind = given.get("key", ""), _codes(row.get("notes")), _kind(given)
    title, is_ours = given.get("title", ""), KEY.fullmatch(key) is not None
    if not is_ours:
        key = _key(url, f"{source}:{identity}", kind)
    document = Document(
        key=key,
        source=source,
        url=url if url.startswith(("http://", "https://")) else "",
        title=title,
        text=text,
        kind=kind,
        fetched_at=fetched_at,
        published_at=published_at,
        author=given.get("author") or None,
        region=given.get("region") or None,
        reactions=int(given["reactions"]) if given.get("reactions", "").isdecimal() else None,
        notes=(*held, *([doubt] if doubt and doubt not in held else ())),
        aliases=() if is_ours else (document_key(f"{key}:{hash_of(title, text)}"),),  # see inbox.store_imported
    )
    return document, doubt


def _key(url: str, otherwise: str, kind: Kind) -> str:
    """The key of an article is that of its address, as if it had been crawled; several posts may stand at one address."""
    return document_key(identity_of(url) if kind == "article" and web_address(url) == url else url or otherwise)


def _codes(notes: Any) -> list[str]:
    """What was doubtful already when the text was crawled."""
    return [str(code)[:40] for code in notes] if isinstance(notes, list) else []


def _kind(given: Mapping[str, str]) -> Kind:
    """What the line says. Where it does not: an article has a title, and neither a handle nor a profile's address.

    A kind of another name (tweet, review, comment) is a post: then whoever wrote it is hidden.
    """
    if given.get("kind"):
        return "article" if given["kind"].lower() in ARTICLES else "post"
    is_post = "@" in given.get("author", "") or PROFILE.search(given.get("url", "")) is not None
    return "article" if given.get("title") and not is_post else "post"


def _published(value: str, fetched_at: datetime) -> tuple[datetime | None, str]:
    """The moment (a naive one is WIB, UTC+7) if it can be true, and the code of what is doubtful."""
    if not value:
        return None, ""
    moment = parse_date(value, fetched_at)
    published_at, code = believable(moment, fetched_at)
    return published_at, "date-unreadable" if moment is None else code or ""


# ---- a folder of such files ------------------------------------------------------------------------------------------

WHOLE: dict[str, tuple[str, str]] = {  # why nothing of a file was read
    "empty": ("Tidak ada teks di dalamnya.", "There is no text in it."),
    "no-file": ("Ini tautan, bukan berkas biasa.", "It is a link, no ordinary file."),
    "unreadable": ("Berkas ini tidak dapat dibuka ({error}).", "It cannot be opened ({error})."),
    "too-large": (
        "Berkas ini lebih besar dari {most} MB; bagilah, atau gunakan kentongan import.",
        "It is larger than {most} MB; divide it, or use kentongan import.",
    ),
    "broken-off": (
        "Pembacaannya terhenti oleh kesalahan yang tidak terduga ({error}); yang sudah terbaca tersimpan.",
        "Something unexpected ended the reading ({error}); what was read until then is kept.",
    ),
}
COUNTED = (
    "{read} teks dibaca, {new} baru, {refused} ditolak, {doubtful} dengan catatan.",
    "{read} texts read, {new} new, {refused} refused, {doubtful} with a remark.",
)
INVENTED = ("{demo} teks rekaan milik koran peragaan dilewati.", "{demo} invented texts of the demo press left out.")
MORE = ("Masih ada {count} catatan lain.", "There are {count} more remarks.")

Keep = Callable[[list[Document]], int]  # stores documents; returns how many were new


@dataclass(slots=True)
class Report:
    """What came of one file."""

    read: int = 0
    new: int = 0
    refused: int = 0
    doubtful: int = 0
    demo: int = 0  # invented texts, left out
    lines: list[Refusal] = field(default_factory=list)  # the first TOLD
    why: tuple[str, str] | None = None  # nothing, or not all, was read

    def written(self, name: str, at: datetime) -> str:
        """Both languages, a line of the file a line."""
        counts = {one: getattr(self, one) for one in ("read", "new", "refused", "doubtful", "demo")}
        said = [self.why] if self.why else []
        for pair in (COUNTED, INVENTED) if self.demo else (COUNTED,):
            said.append((pair[0].format(**counts), pair[1].format(**counts)))
        told = [f"Baris / line {one.line}: {one.indonesian} / {one.message}" for one in self.lines]
        if more := self.refused + self.doubtful - len(self.lines):
            told.append(" / ".join(words.format(count=more) for words in MORE))
        return "\n".join([f"{name}, {at.astimezone(WIB):%d/%m/%Y %H.%M} WIB", *map(" / ".join, said), "", *told, ""])


def take_all(folder: Path, keep: Keep, stop: Event) -> int:
    """Import what lies complete in the folder, and what a killed process left half done. Returns how many files were put away.

    OSError if the folder cannot be worked in.
    """
    for name in (WORKING, DONE, FAILED):
        _make_own(folder / name)
    _forget(folder)
    for path in _waiting(folder):
        with suppress(FileNotFoundError):  # another service was faster
            path.rename(folder / WORKING / _new_name(path.name))
    taken = 0
    for path in sorted((folder / WORKING).iterdir()):
        if stop.is_set():
            break
        taken += OURS.fullmatch(path.name) is not None and _take(path, keep, stop)
    return taken


def _waiting(folder: Path) -> Iterator[Path]:
    """Files and links of the kinds that are read, those first that have lain longest; what is hidden is still being written."""
    found = []
    for path in folder.iterdir():
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            with suppress(FileNotFoundError):
                is_one = path.is_symlink() or path.is_file()
                found += [(path.lstat().st_ctime, path)] if is_one else []
    return (path for changed, path in sorted(found) if _is_settled(changed))


def _take(path: Path, keep: Keep, stop: Event) -> bool:
    """Read one file of `working/` and put it away; False if somebody else has it, or it must be read again later."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:  # another service put it away
        return False
    except OSError as error:
        code = "no-file" if path.is_symlink() else "unreadable"
        _put_away(path, Report(why=_whole(code, error=error.strerror)))
        return True
    with os.fdopen(number, encoding="utf-8-sig", errors="replace", newline="") as file:
        before = os.fstat(number)
        if not _is_settled(before.st_mtime) or not _lock(path, number):
            return False
        report = _read(file, path.suffix, keep, stop)
        after = os.fstat(number)
        if stop.is_set() or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            return False  # whoever wrote it was not done yet
        _put_away(path, report)
        return True


def _read(file: TextIO, suffix: str, keep: Keep, stop: Event) -> Report:
    report = Report()
    if os.fstat(file.fileno()).st_size > LARGEST:
        report.why = _whole("too-large", most=LARGEST // 1024 // 1024)
        return report
    try:
        for documents, refusals in read_texts(file, suffix):
            real = [document for document in documents if told_by(document) == "real"]
            report.new += keep(real)
            report.read, report.demo = report.read + len(real), report.demo + len(documents) - len(real)
            report.refused += sum(not one.kept for one in refusals)
            report.doubtful += sum(one.kept for one in refusals)
            report.lines += refusals[: TOLD - len(report.lines)]
            if stop.is_set():
                return report
    except (OperationalError, InterfaceError):  # the database's affair: the file is read again once that is well
        raise
    except Exception as error:  # whatever a file holds, the others go on
        log.warning("a file in the folder could not be read to its end: %s", type(error).__name__)
        report.why = _whole("broken-off", error=type(error).__name__)
    if not report.read and not report.why:
        report.why = _whole("empty")
    return report


def _put_away(path: Path, report: Report) -> None:
    """The report first: killed in between, the file is read again and its report written anew."""
    folder = path.parents[1] / (FAILED if report.why else DONE)
    told = os.open(folder / f"{path.name}.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o640)
    with os.fdopen(told, "w", encoding="utf-8") as file:
        file.write(report.written(path.name, now()))
    with suppress(FileNotFoundError):  # a link, which nobody can lock
        path.rename(folder / path.name)


def _lock(path: Path, number: int) -> bool:
    """Whether an open file is ours alone: an ordinary one that no process reads, and none has put away meanwhile."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        own, there = os.fstat(number), path.lstat()
    except (BlockingIOError, FileNotFoundError):
        return False
    return stat.S_ISREG(own.st_mode) and own.st_ino == there.st_ino


def _make_own(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir()
    if folder.is_symlink() or not folder.is_dir():
        raise NotADirectoryError(f"{folder} must be a folder of its own")


def _forget(folder: Path) -> None:
    """Delete what was put away long ago."""
    for path in (*(folder / DONE).iterdir(), *(folder / FAILED).iterdir()):
        with suppress(FileNotFoundError):
            if OURS.fullmatch(path.name) and now().timestamp() - path.lstat().st_ctime > KEPT.total_seconds():
                path.unlink()


def _new_name(name: str) -> str:
    """A name that is unique, harmless and still known again."""
    plain = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII)[-60:]
    return f"{now().astimezone(WIB):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}-{plain}"


def _is_settled(changed: float) -> bool:
    """Whether a moment is some seconds ago, or of no clock of ours."""
    return not 0 <= now().timestamp() - changed < SETTLED.total_seconds()


def _whole(code: str, **values: object) -> tuple[str, str]:
    indonesian, english = (words.format(**values) for words in WHOLE[code])
    return indonesian, english
