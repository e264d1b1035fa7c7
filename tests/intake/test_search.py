"""Search: what it finds, what it never finds, whose it is, and that it stays right and bounded."""

from datetime import timedelta

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, func, select, text
from sqlalchemy.event import listen
from sqlalchemy.orm import Session

from intake import inbox, retention
from intake.database import Sessions, open_engine, sessions
from intake.migrations import _config
from intake.models import Candidate, HeadlineWords, Mention, MentionWords, Person, Remit, now
from intake.people import accounts
from intake.review import decisions, queue, search, undo
from intake.start import first_start
from nlp import Span
from nlp.privacy import personal_data
from tests.intake.made import NOW, analysis, document, told

OUTAGE = "Listrik padam di Duri sejak subuh, kata petugas gardu"
MARKET = "Sampah menumpuk di pasar Bangkinang dan baunya menyengat"


def officer(session: Session, **more: str) -> Person:
    return accounts.add_person(session, f"petugas{len(accounts.people(session))}", "officer", **more)[0]


def found(session: Session, viewer: Person, words: str, state: str | None = None) -> set[int]:
    return {one.id for one in queue.page(session, viewer, queue.Filters(state, text=words), limit=100).items}


def event(session: Session, number: int, words: str, **more: object) -> Candidate:
    """A candidate of its own, with what must be masked in its text."""
    pii = tuple(Span(one.start, one.end, one.label) for one in personal_data(words))
    apart = {"sectors": (), "agencies": (), "kinds": (), "regions": (f"14.{number:02}",)}
    one = told(
        session, document(number, words, published_at=NOW - timedelta(days=20 * number)), pii=pii, **apart, **more
    )
    assert one is not None
    return one


def test_words_phrases_and_beginnings(factory: Sessions) -> None:
    with factory.begin() as session:
        viewer = officer(session)
        one, other = event(session, 1, OUTAGE), event(session, 2, MARKET)
        assert one.id != other.id
        for words in (
            "listrik",
            "DURI listrik",
            "padam subuh",
            '"listrik padam"',
            '"padam di duri"',
            "list",
            "petugas gar",
        ):
            assert found(session, viewer, words) == {one.id}, words
        for words in ("listrik sampah", '"padam listrik"', '"list"', "gard petugas", "istrik", "li", '"petugas gar"'):
            assert found(session, viewer, words) == set(), words
        assert found(session, viewer, "di") == {one.id, other.id}
        assert found(session, viewer, "Sámpah") == {other.id}
        assert queue.count(session, viewer, queue.Filters(text="listrik")) == 1


def test_a_page_with_its_count_searches_once(engine: Engine, factory: Sessions) -> None:
    asked: list[str] = []
    listen(engine, "before_cursor_execute", lambda _conn, _cursor, statement, *_: asked.append(statement))
    searches = []
    with factory.begin() as session:
        viewer = officer(session)
        for number in range(1, 4):
            event(session, number, OUTAGE)
        filters = queue.Filters(text="listrik")
        session.flush()
        for look in (queue.page, queue.counted_page):
            asked.clear()
            look(session, viewer, filters, limit=2)
            searches.append(sum("mention_words" in one or "mention_fts" in one for one in asked))
        first, count = queue.counted_page(session, viewer, filters, limit=2)
        second, same = queue.counted_page(session, viewer, filters, first.next, limit=2)
        assert (len(first.items), len(second.items), count, same) == (2, 1, 3, 3)
        assert count == queue.count(session, viewer, filters)
    assert searches[0] == searches[1] > 0


@pytest.fixture
def searched(factory: Sessions) -> tuple[Sessions, int]:
    with factory.begin() as session:
        event(session, 1, OUTAGE)
        return factory, officer(session).id


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("ab1 \"'*():&|!<>-+^{}[]\\%_@\0\u0301é漢٣ßNEAROT"), max_size=40))
@example("a AND OR NOT NEAR(b)")
@example("words:x*")
@example('"""" ""')
@example("'; DROP TABLE mention; --")
@example("\ud800")
def test_nothing_that_is_typed_is_an_error(searched: tuple[Sessions, int], typed: str) -> None:
    factory, number = searched
    with factory() as session:
        found(session, session.get_one(Person, number), typed)


def test_a_million_letters_are_cut_and_cost_nothing(searched: tuple[Sessions, int]) -> None:
    factory, number = searched
    with factory() as session:
        viewer = session.get_one(Person, number)
        for typed in ("a" * 1_000_000, 'ab "' * 250_000, "listrik " * 100_000):
            found(session, viewer, typed)
    assert len(search.Query.parse("kata " * 100_000).phrases) <= search.MOST_TERMS


def test_what_a_page_covers_cannot_be_found(factory: Sessions) -> None:
    words = (
        "Korban bernama Rafi Pratama (9) dan ibunya menunggu, hubungi 0812-7654-3210 atau @rina_duri, "
        "NIK 1403094505850003, rekening 12 34 56 78 90, surel rina@surat.example, tahun 2026"
    )
    with factory.begin() as session:
        viewer, one = officer(session), event(session, 1, words)
        assert found(session, viewer, "korban ibunya") == {one.id}
        numbers = ["0812", "7654", "3210", "1403094505850003", "140309", "34", "78"]
        covered = ["rafi", "pratama", *numbers, "rina", "rina_duri", "@rina_duri", "duri", "surat"]
        for word in [*covered, "rina@surat.example", "12 34 56", "2026", '"rafi pratama"']:
            assert found(session, viewer, word) == set(), word
        one.headline = "Banjir 2026 di Duri, kata @pemko"
        assert found(session, viewer, "2026 banjir") == {one.id}
        assert found(session, viewer, "@pemko") == {one.id}
        assert found(session, viewer, "korban 2026") == set()


def test_a_text_nobody_read_is_not_searched(factory: Sessions) -> None:
    with factory.begin() as session:
        viewer, one = officer(session), event(session, 1, OUTAGE)
        session.add(
            Mention(key="k", source="Koran", url="", title="Judul saja", text="rahasia", kind="post", fetched_at=NOW,
                    told_at=NOW, candidate_id=one.id)
        )  # fmt: skip
        assert found(session, viewer, "judul") == {one.id}
        assert found(session, viewer, "rahasia") == set()


def test_an_edit_is_found_once_it_was_read(factory: Sessions) -> None:
    with factory.begin() as session:
        viewer, one = officer(session), event(session, 1, OUTAGE)
        mention = session.scalars(select(Mention)).one()
        mention.edit = {"title": "", "text": MARKET, "notes": [], "evidence": None, "seen_at": NOW.isoformat()}
        mention.analysed_at = None
        assert found(session, viewer, "gardu") == {one.id}
        inbox.record(session, mention, analysis(mention), 0.5)
        assert found(session, viewer, "gardu") == set()
        assert found(session, viewer, "menyengat") == {one.id}
        in_order(session)


def test_merge_split_and_undo_move_what_is_found(factory: Sessions) -> None:
    with factory.begin() as session:
        viewer = officer(session)
        one, other = event(session, 1, OUTAGE), event(session, 2, MARKET)
        merged = decisions.decide(session, viewer, other.id, other.version, "duplicate", duplicate_of=one.id)
        assert found(session, viewer, "menyengat", "candidate") == {one.id}
        mention = session.scalars(select(Mention.id).where(Mention.text == MARKET)).one()
        split = decisions.decide(session, viewer, one.id, one.version, "split", mentions=[mention])
        assert found(session, viewer, "menyengat", "candidate") == {split.changes["into"]}
        for decision in (split, merged):
            undo.take_back(session, viewer, decision.id)
        assert found(session, viewer, "menyengat", "candidate") == {other.id}
        in_order(session)


def test_what_was_brought_is_found_until_that_is_undone_and_leaves_with_its_mention(factory: Sessions) -> None:
    with factory.begin() as session:
        viewer = officer(session)
        assert told(session, document(1, MARKET, fetched_at=now() - timedelta(days=90)), failure="no",
                    p={"yes": 0.1, "vague": 0.1, "no": 0.8}) is None  # fmt: skip
        mention = session.scalars(select(Mention)).one()
        assert session.scalar(select(func.count()).select_from(MentionWords)) == 0
        brought = decisions.bring(session, viewer, mention.id, "ini kegagalan layanan")
        assert found(session, viewer, "menyengat") == {brought.candidate_id}
        undo.take_back(session, viewer, brought.id)
        assert retention.run(session, dry_run=False)["mentions"] == 1
        assert session.scalar(select(func.count()).select_from(MentionWords)) == 0
        assert found(session, viewer, "baunya", "candidate") == set()
        in_order(session)


def test_deleting_by_statement_takes_the_words_along(factory: Sessions) -> None:
    with factory.begin() as session:
        viewer, one = officer(session), event(session, 1, OUTAGE)
        mention = session.scalars(select(Mention.id)).one()
        one.headline = "lain"
        session.flush()
        session.execute(delete(Mention), execution_options={"synchronize_session": False})
        assert found(session, viewer, "gardu") == set()
        assert session.get(MentionWords, mention) is None
        in_order(session)


def in_order(session: Session) -> None:
    """FTS5 compares its index with what it was made of; every row of the index has its mention."""
    if session.get_bind().dialect.name == "sqlite":
        for fts in ("mention_fts", "headline_fts"):
            session.execute(text(f"INSERT INTO {fts}({fts}, rank) VALUES ('integrity-check', 1)"))


def test_search_finds_nothing_of_another_agency(factory: Sessions) -> None:
    with factory.begin() as session:
        focal, _ = accounts.add_person(session, "narahubung", "focal", agency_id="RI-1471-DISHUB")
        bound, auditor = officer(session), accounts.add_person(session, "pemeriksa", "auditor")[0]
        bound.remits = [Remit(region="14.02", bounds=True)]
        one, other = event(session, 1, OUTAGE), event(session, 2, MARKET)
        one.agency_id = "RI-1471-DISHUB"
        session.flush()
        assert found(session, bound, "di") == found(session, bound, "baunya") == {other.id}
        assert (
            found(session, bound, "listrik")
            == found(session, focal, "listrik")
            == found(session, auditor, "di")
            == set()
        )
        one.state = other.state = "accepted"
        session.flush()
        assert found(session, focal, "di") == {one.id}
        assert queue.count(session, focal, queue.Filters("accepted", text="di")) == 1


def test_no_place_is_used_up_by_what_is_not_asked_for(factory: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST", 3)
    with factory.begin() as session:
        viewer, made = officer(session), fill(session, 20)
        assert found(session, viewer, "padam") == set(made[-3:])
        made_first = session.get_one(Candidate, made[0])
        made_first.state = "accepted"
        session.flush()
        assert found(session, viewer, "padam", "accepted") == {made[0]}


@pytest.mark.parametrize("patience", [0.0, 60.0])
def test_strips_are_read_from_the_newest_back(
    factory: Sessions, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    """A rare word is sought in everything, as long as patience lasts; after that in the newest strip only."""
    monkeypatch.setattr(search, "BUCKET", 2)
    monkeypatch.setattr(search, "PATIENCE", patience)
    with factory.begin() as session:
        viewer, made = officer(session), fill(session, 20)
        assert list(search._strips(8, 3)) == [(8, 8), (5, 7), (2, 4), (0, 1)]
        assert found(session, viewer, "kejadian0") == ({made[0]} if patience else set())
        assert found(session, viewer, "kejadian19") == {made[19]}


def fill(session: Session, count: int) -> list[int]:
    made = [
        Candidate(headline=f"padam kejadian{n}", p_failure=0.9, first_told_at=NOW, last_told_at=NOW)
        for n in range(count)
    ]
    session.add_all(made)
    session.flush()
    return [one.id for one in made]


def config_of(connection: Connection) -> Config:
    config = _config()
    config.attributes["connection"] = connection
    return config


def test_the_texts_that_are_there_are_indexed_by_the_migration(url: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        command.upgrade(config_of(connection), "0005")
    with engine.begin() as connection:
        moment = NOW.strftime("%Y-%m-%d %H:%M:%S+00" if engine.dialect.name == "postgresql" else "%Y-%m-%d %H:%M:%S")
        for statement in (
            "INSERT INTO candidate (id, state, version, rank, headline, agency_reason, place, p_failure, mention_count, "
            "voice_count, source_count, first_told_at, last_told_at, created_at, corrections) VALUES "
            f"(7, 'candidate', 1, 0, 'Banjir', '', 'riau', 0.9, 1, 1, 1, '{moment}', '{moment}', '{moment}', '{{}}')",
            "INSERT INTO mention (id, key, source, url, title, text, kind, notes, fetched_at, told_at, attempts, words, "
            "candidate_id, site, stamps, analysis) VALUES (9, 'k', 'Koran', '', 'Jembatan putus', 'milik Rina', 'article', "
            f"'[]', '{moment}', '{moment}', 0, '[]', 7, '', '{{}}', '{{\"pii\": [{{\"start\": 6, \"end\": 10, \"type\": \"name\"}}]}}')",
        ):
            connection.exec_driver_sql(statement)
        command.upgrade(config_of(connection), "head")
    with sessions(engine).begin() as session:
        first_start(session, "riau")
        viewer = officer(session)
        assert found(session, viewer, "banjir") == found(session, viewer, '"jembatan putus" milik') == {7}
        assert found(session, viewer, "rina") == set()
        assert session.get_one(HeadlineWords, 7)
    engine.dispose()
