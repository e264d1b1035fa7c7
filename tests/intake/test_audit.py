"""The audit log: append-only in the database, and whatever is done to it all the same is found."""

import ast
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session
from typer.testing import CliRunner

import scheduler
from intake import retention
from intake.database import Sessions, sessions
from intake.models import AuditHead, AuditRow, now
from intake.people import accounts, audit
from intake.people.audit import Broken, Verified
from intake.review.errors import Invalid, NotAllowed
from intake.web.pages.audit import WORDS

INTAKE = Path(__file__).parents[2] / "intake"


@pytest.fixture
def log(factory: Sessions) -> Sessions:
    """Twelve rows, by the program and by a person, with what JSON may hold."""
    with factory.begin() as session:
        for number in range(9):
            person = accounts.named(session, "admin") if number % 2 else None
            audit.write(session, person, "export", f"candidate:{number}", rows=number, p=0.1, word="é\u2028", none=None)
    with factory.begin() as session:
        accounts.add_person(session, "Rina", "officer")
        audit.write(session, None, "sign_in.refused", name="x" * 60)
    return factory


def verified(factory: Sessions, anchors: list[audit.Anchor] | None = None) -> Verified | Broken:
    with factory.begin() as session:
        return audit.verify(session, anchors or [])


def unguarded(engine: Engine) -> None:
    """What an owner of the database can do: take the guard away."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER audit_no_update"))
            connection.execute(text("DROP TRIGGER audit_no_delete"))
        else:
            connection.execute(text("DROP TRIGGER audit_append_only ON audit"))


def test_a_log_that_nobody_touched_is_whole(log: Sessions) -> None:
    found = verified(log)
    assert isinstance(found, Verified)
    with log.begin() as session:
        assert found.place == len(session.scalars(select(AuditRow)).all()) == 12
        assert found.hash == session.scalars(select(AuditHead.hash)).one()


def test_it_is_whole_in_whatever_zone_the_server_tells_the_time(log: Sessions, engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite keeps no zone")
    with log.begin() as session:
        session.execute(text("SET LOCAL TIME ZONE 'Asia/Jakarta'"))
        assert isinstance(audit.verify(session), Verified)


@pytest.mark.parametrize("statement", [update(AuditRow).values(action="x"), delete(AuditRow), text("TRUNCATE audit")])
def test_the_database_refuses_to_change_it(log: Sessions, engine: Engine, statement: object) -> None:
    if engine.dialect.name == "sqlite" and "TRUNCATE" in str(statement):
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(DatabaseError, match="append-only"), log.begin() as session:
        session.execute(statement)  # type: ignore[call-overload]
    assert isinstance(verified(log), Verified)


def test_retention_deletes_none_of_it(log: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    with log.begin() as session:
        monkeypatch.setattr(retention, "now", lambda: now() + timedelta(days=4000))
        retention.run(session, dry_run=False)
    assert isinstance(verified(log), Verified)


def edit(session: Session) -> None:
    session.execute(update(AuditRow).where(AuditRow.place == 5).values(action="sign_in"))


def edit_and_hash(session: Session) -> None:
    before = session.scalars(select(AuditRow.hash).where(AuditRow.place == 4)).one()
    row = session.scalars(select(AuditRow).where(AuditRow.place == 5)).one()
    row.detail = {**row.detail, "rows": 99}
    row.hash = audit.hash_of(before, row)


def lose(session: Session) -> None:
    session.execute(delete(AuditRow).where(AuditRow.place == 5))


def lose_and_close_up(session: Session) -> None:
    lose(session)
    for place in range(6, 13):
        session.execute(update(AuditRow).where(AuditRow.place == place).values(place=place - 1))


def swap(session: Session) -> None:
    for old, new in ((5, 99), (6, 5), (99, 6)):
        session.execute(update(AuditRow).where(AuditRow.place == old).values(place=new))


def slip_in(session: Session) -> None:
    for place in range(12, 4, -1):
        session.execute(update(AuditRow).where(AuditRow.place == place).values(place=place + 1))
    session.add(AuditRow(place=5, at=now(), action="sign_in", subject="", detail={}, hash="0" * 64))


def cut(session: Session) -> None:
    session.execute(delete(AuditRow).where(AuditRow.place > 4))


def append(session: Session) -> None:
    before = session.scalars(select(AuditRow.hash).where(AuditRow.place == 12)).one()
    row = AuditRow(place=13, at=now(), action="sign_in", subject="", detail={})
    row.hash = audit.hash_of(before, row)
    session.add(row)


@pytest.mark.parametrize(
    ("deed", "found"),
    [
        (edit, Broken(5, "changed")),
        (edit_and_hash, Broken(6, "changed")),
        (lose, Broken(5, "missing")),
        (lose_and_close_up, Broken(5, "changed")),
        (swap, Broken(5, "changed")),
        (slip_in, Broken(5, "changed")),
        (cut, Broken(5, "cut")),
        (append, Broken(13, "extra")),
    ],
)
def test_what_is_done_to_it_is_found(
    log: Sessions, engine: Engine, deed: Callable[[Session], None], found: Broken
) -> None:
    unguarded(engine)
    with log.begin() as session:
        deed(session)
    assert verified(log) == found


def cut_with_head(session: Session) -> None:
    cut(session)
    last = session.scalars(select(AuditRow.hash).where(AuditRow.place == 4)).one()
    session.execute(update(AuditHead).values(count=4, hash=last))


def write_anew(session: Session) -> None:
    """The whole chain again, with another story in it."""
    before = ""
    for row in session.scalars(select(AuditRow).order_by(AuditRow.place)):
        row.subject = row.subject.replace("candidate:4", "candidate:40")
        before = row.hash = audit.hash_of(before, row)
    session.execute(update(AuditHead).values(hash=before))


@pytest.mark.parametrize(("deed", "found"), [(cut_with_head, Broken(5, "cut")), (write_anew, Broken(12, "rewritten"))])
def test_an_anchor_outside_finds_what_the_chain_alone_cannot(
    log: Sessions, engine: Engine, tmp_path: Path, deed: Callable[[Session], None], found: Broken
) -> None:
    path = tmp_path / "anchor"
    with log.begin() as session:
        assert audit.anchor(session, path)
        assert audit.anchor(session, path) is None, "nothing new"
    assert path.stat().st_mode & 0o777 == 0o600
    anchors = audit.anchors_of(path)
    assert [(one.place, len(one.hash)) for one in anchors] == [(12, 64)]
    assert verified(log, anchors) == Verified(12, anchors[0].hash, 1)
    unguarded(engine)
    with log.begin() as session:
        deed(session)
    assert isinstance(verified(log), Verified), "the chain alone is whole"
    assert verified(log, anchors) == found


def test_a_line_that_is_no_anchor_is_named(tmp_path: Path) -> None:
    path = tmp_path / "anchor"
    assert audit.anchors_of(path) == []
    path.write_text(f"1 {'a' * 64} 2026-11-24T05:00:00+00:00\n2 {'b' * 60}\n")
    with pytest.raises(ValueError, match=":2 is no anchor"):
        audit.anchors_of(path)


def test_what_is_covered_is_shown_for_a_reason_only(log: Sessions) -> None:
    with log.begin() as session:
        rina = accounts.named(session, "Rina")
        ana = accounts.add_person(session, "Ana", "analyst")[0]
        for reason in ("", "  \0 ", "ya"):
            with pytest.raises(Invalid, match="needs_unmask_reason"):
                audit.unmask(session, rina, "mention:1", reason)
        with pytest.raises(NotAllowed, match="may_not_unmask"):
            audit.unmask(session, ana, "mention:1", "menghubungi korban")
        row = audit.unmask(session, rina, "mention:1", " menghubungi korban ")
        assert (row.action, row.subject, row.detail) == ("pii.unmask", "mention:1", {"reason": "menghubungi korban"})
        assert session.scalars(select(AuditRow.place).where(AuditRow.action == "pii.unmask")).all() == [row.place]


def test_of_many_refusals_at_once_one_is_noted(log: Sessions) -> None:
    together = Barrier(4)

    def refuse(tried: str) -> None:
        with log.begin() as session:
            person = accounts.named(session, "Rina")
            together.wait(10)
            audit.refused(session, person, tried, "/pengguna")

    for tried in ("people.read", "audit.read"):
        threads = [Thread(target=refuse, args=(tried,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    with log.begin() as session:
        noted = select(AuditRow.subject).where(AuditRow.action == "access.refused").order_by(AuditRow.place)
        assert session.scalars(noted).all() == ["people.read", "audit.read"]
    assert isinstance(verified(log), Verified)


def test_the_log_is_read_a_page_at_a_time_and_narrowed(log: Sessions) -> None:
    with log.begin() as session:
        boss = accounts.named(session, "admin")
        places: list[int] = []
        before = None
        while True:
            rows, before = audit.page(session, before=before, limit=5)
            places += [row.place for row in rows]
            if before is None:
                break
        assert places == list(range(12, 0, -1))

        def of(**narrow: object) -> list[int]:
            return [row.place for row in audit.page(session, audit.Filters(**narrow))[0]]  # type: ignore[arg-type]

        assert len(of(person_id=boss.id)) == 4
        assert len(of(person_id=0)) == 8
        assert len(of(action="export", person_id=0)) == 5
        assert of(subject="candidate:3") == [5]
        assert of(since=now() + timedelta(hours=1)) == []
        assert len(of(until=now() + timedelta(hours=1))) == 12


# ---- the command


def kentongan(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(scheduler.app, words)
    return result.exit_code, result.output


def test_the_command_says_what_is_wrong_and_exits_with_1(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KENTONGAN_AUDIT_ANCHOR", str(tmp_path / "anchor"))
    database = ("--database", url)
    assert kentongan("user", "add", "Rina", "--role", "officer", *database)[0] == 0
    assert kentongan("audit", "anchor", *database)[0] == 0
    code, said = kentongan("audit", "verify", *database)
    assert (code, "Utuh: 2 catatan, 1 jangkar cocok." in said) == (0, True)
    from intake.database import open_engine

    engine = open_engine(url)
    unguarded(engine)
    with sessions(engine).begin() as session:
        session.execute(delete(AuditRow).where(AuditRow.place == 2))
        session.execute(update(AuditHead).values(count=1, hash=session.scalars(select(AuditRow.hash)).one()))
    engine.dispose()
    code, said = kentongan("audit", "verify", *database)
    assert code == 1
    assert "Catatan ke-2 / row 2: catatan dari sini sampai akhir dihapus" in said
    (tmp_path / "anchor").write_text("x\n")
    code, said = kentongan("audit", "verify", *database)
    assert (code, "is no anchor" in said) == (2, True)


def test_the_command_gives_another_role_and_keeps_an_administrator(tmp_path: Path) -> None:
    database = ("--database", f"sqlite:///{tmp_path / 'kentongan.db'}")
    assert kentongan("user", "add", "Rina", "--role", "officer", *database)[0] == 0
    for words, why in (
        (("Rina", "king"), "is no role"),
        (("Rina", "focal"), "give its id"),
        (("Rina", "focal", "--agency", "X"), "no agency"),
        (("admin", "officer"), "admin is the last administrator"),
        (("Sari", "officer"), "nobody is named"),
    ):
        code, said = kentongan("user", "role", *words, *database)
        assert (code, why in said) == (2, True), said
    assert kentongan("user", "role", "rina", "focal", "--agency", "VT-PLN-UP3DMI", *database)[0] == 0
    assert "focal" in kentongan("user", "list", *database)[1]
    assert kentongan("user", "role", "Rina", "admin", *database)[0] == 0
    assert kentongan("user", "role", "admin", "officer", *database)[0] == 0


# ---- words


def written() -> Iterator[tuple[str, str]]:
    """Every action that some code writes: (place, action); of a pieced-together one what it begins with, and `*`."""
    for path in INTAKE.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
            if name == "audit.write" or (name == "write" and path == INTAKE / "people/audit.py"):
                for action in actions(call.args[2]):  # type: ignore[attr-defined]
                    yield f"{path.relative_to(INTAKE)}:{call.lineno}", action  # type: ignore[attr-defined]


def actions(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from actions(node.body)
        yield from actions(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)


def test_every_action_that_is_written_has_a_word() -> None:
    found = list(written())
    assert len(found) > 30
    wordless = [
        f"{place}: {action}"
        for place, action in found
        if not any(re.fullmatch(re.escape(action).replace(r"\*", ".+"), known) for known in WORDS)
    ]
    assert not wordless


@pytest.mark.parametrize(
    ("table", "column", "begin"), [("decision", "action", "decision"), ("case_event", "kind", "case")]
)
def test_every_decision_and_every_event_of_a_case_has_a_word(table: str, column: str, begin: str) -> None:
    comment = str(AuditRow.metadata.tables[table].c[column].comment)
    assert {f"{begin}.{action}" for action in comment.split(" | ")} <= set(WORDS)
