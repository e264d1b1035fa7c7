"""The tables are what the models say, on both engines; two processes may start at once."""

import multiprocessing

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, Index, select

from intake.database import Base, open_engine
from intake.migrations import _config, at_head, migrate
from intake.models import ViewTold


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


def test_what_was_there_before_a_view_knew_what_it_told_of_is_no_news(url: str) -> None:
    engine = open_engine(url)
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        moment = "2026-11-24 05:00:00+00" if engine.dialect.name == "postgresql" else "2026-11-24 05:00:00"
        person = f"1, 'ani', 'officer', '', 'id', false, 30, '[]', '{moment}'"
        candidate = f"'candidate', 1, 0, '', '', 'riau', 0.9, 1, 1, 1, '{moment}', '{moment}', '{moment}', '{{}}'"
        for statement in (
            "INSERT INTO person (id, name, role, password, language, disabled, daily_minutes, recovery, created_at) "
            f"VALUES ({person})",
            "INSERT INTO candidate (id, urgency, state, version, rank, headline, agency_reason, place, p_failure, "
            "mention_count, voice_count, source_count, first_told_at, last_told_at, created_at, corrections) VALUES "
            f"(1, 'U1', {candidate}), (2, NULL, {candidate}), (3, 'U3', {candidate})",
            "INSERT INTO saved_view (id, name, person_id, shared, filters, alerts, alerted_id, created_at) VALUES "
            f"(1, 'memberi tahu', 1, false, '{{}}', true, 2, '{moment}'), (2, 'diam', 1, false, '{{}}', false, 0, '{moment}')",
        ):
            connection.exec_driver_sql(statement)
        command.upgrade(config, "head")
        told = select(ViewTold.view_id, ViewTold.candidate_id, ViewTold.danger).order_by(ViewTold.candidate_id)
        assert [tuple(row) for row in connection.execute(told)] == [(1, 1, True), (1, 2, False)]
    engine.dispose()
