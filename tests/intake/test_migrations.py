"""The tables are what the models say, on both engines; two processes may start at once."""

import multiprocessing

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, Index

import intake.models  # noqa: F401  # registers the tables
from intake.database import Base
from intake.migrations import at_head, migrate


def test_models_and_migrations_agree(engine: Engine) -> None:
    def is_meant(thing: object, name: str | None, *_: object) -> bool:
        """Full text is indexed by each engine in its own way: by tables of FTS5, by GIN."""
        if engine.dialect.name == "sqlite" and isinstance(thing, Index):
            return thing.dialect_kwargs.get("postgresql_using") != "gin"
        return "_fts" not in (name or "")

    with engine.connect() as connection:
        opts = {"compare_type": True, "include_object": is_meant}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(url: str) -> None:
    migrate(url)
    migrate(url)
    assert at_head(url)


def test_two_processes_may_migrate_at_once(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=migrate, args=(url,)) for _ in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0, 0]
    assert at_head(url)
