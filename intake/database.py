"""The declarative base and sessions. No engine is made at import."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator


class Base(DeclarativeBase):
    """Every mapped class."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UTCDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out, on SQLite too. A naive datetime is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: time is timezone-aware at the border")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def open_engine(url: str) -> Engine:
    """An engine for `url`; SQLite gets a file for its owner alone, WAL, foreign keys and a patient lock."""
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _keep_private)
        event.listen(engine, "connect", _tune_sqlite)
    return engine


def _keep_private(_dialect: object, _record: object, arguments: list[Any], _named: dict[str, Any]) -> None:
    """Make a new file readable by its owner alone, before SQLite makes it for all; -wal and -shm take after it.

    By hand, because a umask would hold for every thread. One that is there is not touched: closing it would drop the locks
    this process holds on it (sqlite.org/howtocorrupt.html, 2.2). What cannot be made here, SQLite itself will refuse.
    """
    name = str(arguments[0])
    if name and name != ":memory:" and not name.startswith("file:"):
        with suppress(OSError):
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _tune_sqlite(connection: Any, _record: object) -> None:
    for pragma in ("busy_timeout=15000", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    _write_ahead(connection)


def _write_ahead(connection: Any, patience: float = 15.0) -> None:
    """Turn WAL on. SQLite does not wait by itself when another process is just doing the same to a new file."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def is_postgres(of: Session | Connection) -> bool:
    return (of.get_bind() if isinstance(of, Session) else of).dialect.name == "postgresql"


def insert_for(of: Session | Connection) -> Any:
    """The insert of its engine, which can say what becomes of a row that is there already."""
    return postgresql.insert if is_postgres(of) else sqlite.insert


def alone(connection: Connection, number: int) -> None:
    """Wait until no other process holds this number, and hold it until the transaction ends: PostgreSQL's advisory lock of that
    number, or SQLite's own write lock. The first thing a transaction does: what is read after it is as the last one left it.
    """
    if is_postgres(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


Sessions = sessionmaker[Session]


def sessions(engine: Engine) -> Sessions:
    """A factory of sessions; use `with sessions(engine).begin() as session:` for one transaction."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def one_session(url: str) -> Iterator[Session]:
    """One transaction on `url`, for commands: committed at the end, rolled back on an error."""
    engine = open_engine(url)
    try:
        with sessions(engine).begin() as session:
            yield session
    finally:
        engine.dispose()
