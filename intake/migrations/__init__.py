"""Alembic, configured in code."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from intake.database import alone, open_engine

LOCK = 711_071_958  # any number of our own: PostgreSQL's advisory lock of a migration


def migrate(url: str) -> None:
    """Upgrade the database at `url` to the newest revision; two processes at once wait for each other."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            alone(connection, LOCK)
            if not _at_head(connection):
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()


def at_head(url: str) -> bool:
    """Whether the database at `url` has the shape this version needs."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            return _at_head(connection)
    finally:
        engine.dispose()


def _at_head(connection: Connection) -> bool:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
