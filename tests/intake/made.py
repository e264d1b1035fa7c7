"""Documents and analyses made for tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from crawler import Document, document_key
from intake import inbox
from intake.database import Sessions, open_engine, sessions
from intake.migrations import migrate
from intake.models import Candidate, Mention
from intake.people import accounts
from intake.start import first_start
from nlp import Analysis, Guess, Span

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
OUTAGE = "Listrik padam di Duri sejak subuh, pedagang es merugi dan PLN tidak memberi kabar kapan menyala kembali"


PASSWORD = "sandi yang cukup panjang"


@cache
def template(*, started: bool) -> Path:
    """A migrated SQLite database, made once in each process of the tests, to be copied; with what the first start brings, or not."""
    path = Path(tempfile.mkdtemp(prefix="kentongan-")) / "template.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    if not started:
        migrate(f"sqlite:///{path}")
        return path
    start(f"sqlite:///{shutil.copy(template(started=False), path)}")
    return path


def start(url: str) -> None:
    """What the first start brings to a migrated database: agencies, sources, an administrator."""
    engine = open_engine(url)
    with sessions(engine).begin() as session:
        first_start(session, "riau")
    engine.dispose()


@contextmanager
def office(folder: Path, *people: tuple[str, str, str | None]) -> Iterator[Sessions]:
    """A database of its own for pages, with an administrator and these people: name, role and agency."""
    path = shutil.copy(template(started=True), folder / "web.db")
    engine = open_engine(f"sqlite:///{path}")
    made = sessions(engine)
    with made.begin() as session:
        for name, role, agency in people:
            accounts.add_person(session, name, role, PASSWORD, agency)
    yield made
    engine.dispose()


def document(number: int, text: str = OUTAGE, **more: Any) -> Document:
    url = f"https://koran.example/{number}"
    given: dict[str, Any] = {
        "title": "",
        "kind": "post",
        "fetched_at": NOW,
        "published_at": NOW - timedelta(hours=number % 20),
    }
    return Document(key=document_key(url), source=more.pop("source", "Koran"), url=url, text=text, **(given | more))


def analysis(mention: Mention, **more: Any) -> Analysis:
    given: dict[str, Any] = {
        "failure": "yes",
        "p": {"yes": 0.9, "vague": 0.07, "no": 0.03},
        "sectors": (Guess("LIS", 0.9),),
        "forms": (Guess("MA02", 0.8),),
        "kinds": (Guess("PLN", 0.9),),
        "agencies": (Guess("VT-PLN-UP3DMI", 0.9, "disebut: PLN Duri"),),
        "place": "riau",
        "regions": ("14.03",),
        "districts": (),
        "urgency": "U3",
        "evidence": (Span(0, 14, "failure"),),
        "model": "test",
    }
    return Analysis(id=str(mention.id), **(given | more))


def told(session: Session, one: Document, threshold: float = 0.5, **more: Any) -> Candidate | None:
    """Store a document, record its analysis."""
    inbox.store(session, [one], b"key")
    (mention,) = [m for m in inbox.pending(session, 10_000) if m.key == one.key]
    candidate = inbox.record(session, mention, analysis(mention, **more), threshold)
    session.flush()
    return candidate
