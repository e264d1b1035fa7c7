"""One row per publication, whatever the way to it; an edit is kept beside what was there, and nothing else moves."""

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crawler import Document, Source, Visit, document_key
from crawler.identity import identity
from intake import drops, inbox, jobs, revisions, sources, trends
from intake.database import Sessions
from intake.models import Candidate, Mention, MentionAlias, MentionBand, Revision
from intake.revisions import Change, changes, shortened
from nlp import Span
from tests.intake.made import NOW, OUTAGE, analysis, document, told

LATER = NOW + timedelta(hours=2)
FIXED = OUTAGE.replace("Duri", "Duri Barat") + ". PLN: sudah menyala sejak siang."


def edited(one: Document, text: str = FIXED, **more: object) -> Document:
    given: dict[str, object] = {"text": text, "fetched_at": LATER, "stamp": "b" * 16, "evidence": "e" * 64}
    return replace(one, **(given | more))  # type: ignore[arg-type]


def analysed(session: Session, **more: object) -> Candidate | None:
    """Record an analysis of the one mention that waits."""
    (mention,) = inbox.pending(session)
    candidate = inbox.record(session, mention, analysis(mention, **more), 0.5)
    session.flush()
    return candidate


def only(session: Session) -> Mention:
    return session.scalars(select(Mention)).one()


def key(path: str) -> str:
    return document_key(identity(f"https://koran.example{path}"))


# ---- one row per publication ---------------------------------------------------------------------------------------


def test_a_document_met_at_another_address_is_the_same_row(factory: Sessions) -> None:
    own = replace(document(1), key=key("/1/a-b-c"), aliases=(key("/lite/1"),))
    with factory.begin() as session:
        assert inbox.store(session, [own], b"key") == 1
        for again in (own, replace(own, aliases=(key("/mobil/1"),)), replace(own, key=key("/lite/1"), aliases=())):
            assert inbox.store(session, [again], b"key") == 0
        assert set(session.scalars(select(MentionAlias.key))) == {key("/lite/1"), key("/mobil/1")}
        assert only(session).key == own.key


def test_a_page_that_claims_to_be_another_article_is_its_own(factory: Sessions) -> None:
    other = document(2, "Air bersih di Dumai keruh sepekan, pipa induk bocor dan menunggu anggaran.", title="Air Keruh")
    claims = replace(other, key=document(1).key, aliases=(other.key,))
    with factory.begin() as session:
        assert inbox.store(session, [document(1, title="Listrik Padam")], b"key") == 1
        assert [inbox.store(session, [claims], b"key") for _ in range(2)] == [1, 0]
        assert set(session.scalars(select(Mention.key))) == {document(1).key, other.key}
        assert session.scalars(select(MentionAlias)).all() == []


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_a_claim_that_only_a_text_can_prove_takes_nothing(factory: Sessions, order: tuple[int, ...]) -> None:
    """An article, another one whose page names it by mistake, and a second address of the first; in any order, each a visit."""
    other = document(2, "Air bersih di Dumai keruh sepekan, pipa induk bocor dan menunggu anggaran.", title="Air Keruh")
    own = document(1, title="Listrik Padam")
    told = (own, replace(other, claim=own.key), replace(own, key=key("/ringkas/a"), claim=own.key))
    with factory.begin() as session:
        assert sum(inbox.store(session, [told[number]], b"key") for number in order * 2) == 2
        assert len(set(session.scalars(select(Mention.text)))) == 2
        assert [inbox.find(session, one.key) is inbox.find(session, own.key) for one in told] == [True, False, True]


def test_the_issues_of_a_daily_series_that_claim_one_address_stay_apart(factory: Sessions) -> None:
    series, frame = "https://koran.example/jadwal-pemadaman-", "PLN mengumumkan jadwal pemadaman listrik hari ini di "
    told = ["Tampan, Panam, Delima, Garuda Sakti dan Kubang", "Rumbai, Palas, Umban Sari serta Limbungan Baru"]
    issues = [
        replace(
            document(day, frame + places, title="Jadwal pemadaman", kind="article"),
            key=document_key(identity(f"{series}{day}-11-2026")),
            url=f"{series}{day}-11-2026",
            claim=key("/jadwal-pemadaman-hari-ini"),
        )
        for day, places in enumerate(told, 20)
    ]
    mobile = replace(issues[0], key=key("/baca/7001"), url="https://koran.example/baca/7001")
    with factory.begin() as session:
        assert [inbox.store(session, [issue], b"key") for issue in (*issues, mobile)] == [1, 1, 0]
        assert set(session.scalars(select(Mention.text))) == {frame + places for places in told}


def test_hearsay_is_not_counted_for_the_outlet_it_speaks_of(factory: Sessions) -> None:
    hearsay = replace(document(2, kind="article"), notes=("hearsay",), told_by="kumpulan.example")
    with factory.begin() as session:
        inbox.store(session, [document(1, kind="article"), hearsay], b"key")
        assert session.scalars(select(Mention.site).order_by(Mention.id)).all() == ["koran.example", "kumpulan.example"]


def test_addresses_without_end_are_not_kept(factory: Sessions) -> None:
    own = document(1)
    with factory.begin() as session:
        for number in range(9):
            more = tuple(key(f"/{number}/{one}") for one in range(5))
            inbox.store(session, [replace(own, aliases=(own.key, *more))], b"key")
            learnt = Visit("Koran", "ok", NOW, NOW, aliases={key(f"/lain/{number}"): own.key})
            inbox.learn(session, learnt)
        assert session.scalar(select(func.count()).select_from(MentionAlias)) == inbox.MOST_ALIASES


def test_what_a_visit_learnt_is_kept_with_the_mention(factory: Sessions) -> None:
    one = document(1, stamp="a" * 16)
    visit = Visit(
        "Sitemap", "ok", NOW, NOW, aliases={key("/lite/1"): one.key, "f" * 32: "0" * 32}, stamps={one.key: "c" * 16}
    )
    with factory.begin() as session:
        inbox.store(session, [one], b"key")
        for _ in range(2):
            inbox.learn(session, visit)
        mention = only(session)
        assert mention.stamps == {"Koran": "a" * 16, "Sitemap": "c" * 16}
        assert [(one.key, one.mention_id) for one in session.scalars(select(MentionAlias))] == [
            (key("/lite/1"), mention.id)
        ]


def test_sources_of_one_site_share_what_is_known_each_with_its_own_stamps(factory: Sessions) -> None:
    known = replace(document(1, kind="article", stamp="a" * 16), aliases=(key("/lite/1"),))
    elsewhere = replace(document(2), key="2" * 32, url="https://lain.example/2", source="Lain")
    with factory.begin() as session:
        inbox.store(session, [known, elsewhere], b"key")
        for name, url in (
            ("Koran", "https://www.koran.example/feed"),
            ("Sitemap", "https://koran.example/sitemap.xml"),
        ):
            sources.add(session, Source(name, "feed", url))
        session.flush()
        feed, sitemap = (sources.ready(session, row) for row in sources.listing(session))
        assert feed.known == sitemap.known == {known.key, key("/lite/1")}
        assert feed.stamps == dict.fromkeys(feed.known, "a" * 16)
        assert sitemap.stamps == {}
        assert (sitemap.settled, sitemap.since) == (frozenset(), None)  # it has read nothing itself yet


def test_a_feed_on_another_host_knows_what_stands_on_its_site(factory: Sessions) -> None:
    own, other = document(1, kind="article"), document(2, kind="article", source="Daftar")
    with factory.begin() as session:
        inbox.store(session, [own, other], b"key")
        sources.add(session, Source("Koran", "feed", "https://feeds.example/koran"))
        session.flush()
        (row,) = sources.listing(session)
        row.complete_at = NOW
        ready = sources.ready(session, row)
        assert ready.known == ready.settled == {own.key, other.key}
        assert ready.since == own.published_at  # of its own documents alone


def test_an_import_and_a_crawl_give_an_article_one_key(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text(
        '{"id": 1, "text": "air mati", "title": "Air", "url": "https://www.koran.example/1/?utm_source=x", "kind": "article"}'
    )
    (((one,), _),) = drops.read_import(lines)
    assert one.key == key("/1")


def test_what_was_stored_by_older_rules_is_known_by_the_new_ones(factory: Sessions) -> None:
    know_again = import_module("intake.migrations.versions.0004_revisions_and_evidence").know_again
    rows = {
        "1" * 32: "https://m.koran.example/1/?amp=1",
        "2" * 32: "",
        "3" * 32: "http://[rusak/",
        key("/4"): "https://koran.example/4",
    }
    with factory.begin() as session:
        inbox.store(session, [replace(document(1), key=old, url=url) for old, url in rows.items()], b"key")
        session.execute(update(Mention).values(site=""))
        know_again(session.connection())
        session.expire_all()
        (alias,) = session.scalars(select(MentionAlias))
        assert (alias.key, session.get_one(Mention, alias.mention_id).key) == (key("/1"), "1" * 32)
        assert dict(session.execute(select(Mention.key, Mention.site)).all()) == {
            "1" * 32: "koran.example",
            "2" * 32: "",
            "3" * 32: "",
            key("/4"): "koran.example",
        }


# ---- edits ---------------------------------------------------------------------------------------------------------


def test_an_edit_waits_for_its_analysis_and_then_takes_the_place_of_the_old_text(factory: Sessions) -> None:
    first = document(1, kind="article", title="Listrik Padam", evidence="d" * 64)
    with factory.begin() as session:
        candidate = told(session, first)
        assert candidate is not None
        assert inbox.store(session, [edited(first, title="Listrik Menyala")], b"key") == 0
        mention = only(session)
        assert (mention.text, mention.title, mention.analysed_at) == (OUTAGE, "Listrik Padam", None)
        assert inbox.as_text(mention).text == FIXED
        assert analysed(session, regions=("14.71",)) is candidate
        assert (mention.text, mention.title, mention.edit) == (FIXED, "Listrik Menyala", None)
        assert (mention.edited_at, mention.evidence) == (LATER, "e" * 64)
        assert (mention.fetched_at, mention.told_at) == (first.fetched_at, first.published_at)
        (old,) = mention.revisions
        assert (old.title, old.text, old.seen_at, old.evidence) == ("Listrik Padam", OUTAGE, NOW, "d" * 64)
        assert old.hash == revisions.hash_of("Listrik Padam", OUTAGE)
        assert (candidate.headline, candidate.region) == ("Listrik Menyala", "14.71")


@pytest.mark.parametrize("text", [OUTAGE, f" {OUTAGE}\n", OUTAGE.replace(" ", "  \n")])
def test_white_space_is_no_edit(factory: Sessions, text: str) -> None:
    with factory.begin() as session:
        told(session, document(1))
        inbox.store(session, [edited(document(1), text)], b"key")
        assert inbox.pending(session) == []
        assert only(session).stamps == {"Koran": "b" * 16}  # and the page is not fetched for it again


def test_an_article_that_could_not_be_read_this_time_is_no_edit(factory: Sessions) -> None:
    with factory.begin() as session:
        told(session, document(1))
        inbox.store(session, [edited(document(1), "hanya ringkasan", notes=("summary-only",))], b"key")
        assert inbox.pending(session) == []


def test_an_import_is_no_edit(factory: Sessions) -> None:
    """It has no list that tells of a change; several posts may have been given one address."""
    with factory.begin() as session:
        told(session, document(1))
        inbox.store(session, [edited(document(1), stamp="")], b"key")
        assert inbox.pending(session) == []


def test_another_site_edits_nothing(factory: Sessions) -> None:
    """An address that once led to the article, and answers with a text of its own now."""
    with factory.begin() as session:
        told(session, document(1))
        elsewhere = replace(edited(document(1)), url="https://lain.example/x", aliases=(key("/lite/1"),))
        inbox.store(session, [replace(elsewhere, text=OUTAGE), elsewhere], b"key")
        inbox.store(session, [elsewhere], b"key")
        assert inbox.pending(session) == []


def test_another_form_of_the_page_is_no_edit(factory: Sessions) -> None:
    """The amp page lacks a line: it is another address, not another text."""
    amp = replace(edited(document(1), OUTAGE + " Baca juga: Air mati"), aliases=(key("/lite/1"),))
    with factory.begin() as session:
        told(session, document(1))
        assert inbox.store(session, [amp], b"key") == 0
        assert inbox.pending(session) == []
        assert inbox.store(session, [replace(amp, text=FIXED)], b"key") == 0  # known at that address now: an edit
        assert len(inbox.pending(session)) == 1


def test_a_text_that_is_taken_back_before_its_analysis_leaves_no_trace(factory: Sessions) -> None:
    with factory.begin() as session:
        told(session, document(1))
        for text in (FIXED, OUTAGE):
            inbox.store(session, [edited(document(1), text)], b"key")
        analysed(session)
        assert (only(session).text, session.scalars(select(Revision)).all()) == (OUTAGE, [])


def test_an_edit_is_no_second_voice_mention_or_week(factory: Sessions) -> None:
    with factory.begin() as session:
        candidate = told(session, document(1))
        told(session, document(2, OUTAGE + ".", source="Lain"))
        assert candidate is not None
        before = (candidate.mention_count, candidate.voice_count, candidate.source_count)
        weeks = trends.weekly(session, at=NOW)
        for number in (1, 2):
            inbox.store(
                session,
                [edited(document(number, source="Koran" if number == 1 else "Lain"), f"{FIXED} {number}")],
                b"key",
            )
            analysed(session)
        assert (candidate.mention_count, candidate.voice_count, candidate.source_count) == before == (2, 1, 2)
        assert trends.weekly(session, at=NOW) == weeks
        bands = session.execute(select(MentionBand.mention_id, func.count()).group_by(MentionBand.mention_id)).all()
        assert len({count for _, count in bands}) == 1


@pytest.mark.parametrize("state", ["accepted", "not_relevant", "insufficient", "duplicate"])
def test_a_decided_candidate_is_not_changed_by_an_edit(factory: Sessions, state: str) -> None:
    with factory.begin() as session:
        candidate = told(session, document(1, kind="article", title="Listrik Padam"))
        assert candidate is not None
        candidate.state = state
        session.flush()
        before = {column.key: getattr(candidate, column.key) for column in Candidate.__table__.columns}
        inbox.store(session, [edited(document(1), title="Listrik Menyala")], b"key")
        assert analysed(session, failure="no", p={"yes": 0.0, "vague": 0.1, "no": 0.9}, urgency="U1") is candidate
        assert {column.key: getattr(candidate, column.key) for column in Candidate.__table__.columns} == before
        assert (only(session).title, only(session).failure) == ("Listrik Menyala", "no")


def test_an_edit_that_tells_no_failure_any_more_stays_under_its_candidate(factory: Sessions) -> None:
    with factory.begin() as session:
        candidate = told(session, document(1))
        inbox.store(session, [edited(document(1))], b"key")
        assert analysed(session, failure="no", p={"yes": 0.1, "vague": 0.1, "no": 0.8}) is candidate
        assert candidate is not None
        assert (candidate.mention_count, candidate.p_failure) == (1, 0.1)


def test_an_edit_may_make_a_candidate_of_a_text_that_told_none(factory: Sessions) -> None:
    with factory.begin() as session:
        assert (
            told(session, document(1, "Listrik menyala."), failure="no", p={"yes": 0.1, "vague": 0.1, "no": 0.8})
            is None
        )
        inbox.store(session, [edited(document(1))], b"key")
        candidate = analysed(session)
        assert candidate is not None
        assert candidate.mention_count == 1


def test_of_many_edits_the_first_text_and_the_newest_are_kept(factory: Sessions) -> None:
    with factory.begin() as session:
        told(session, document(1, "langsung 0: listrik padam"))
        for number in range(1, revisions.MOST + 5):
            inbox.store(session, [edited(document(1), f"langsung {number}: listrik padam")], b"key")
            analysed(session)
        texts = [one.text for one in only(session).revisions]
        assert len(texts) == revisions.MOST
        assert [text.split(":")[0] for text in (texts[0], texts[1], texts[-1])] == [
            "langsung 0",
            "langsung 5",
            "langsung 33",
        ]


def test_an_edit_that_comes_while_a_text_is_analysed_is_analysed_itself(factory: Sessions) -> None:
    """What was understood of the older text says nothing of what must be masked in the newer one."""
    texts: list[str] = []

    def analyse(given):  # type: ignore[no-untyped-def]
        texts.extend(one.text for one in given)
        if len(texts) == 1:
            with factory.begin() as session:
                inbox.store(session, [edited(document(1))], b"key")
        with factory.begin() as session:
            return [analysis(session.get_one(Mention, int(one.id))) for one in given]

    with factory.begin() as session:
        inbox.store(session, [document(1)], b"key")
    jobs.analyse_pending(factory, analyse, 0.5)
    assert texts == [OUTAGE, FIXED]
    with factory.begin() as session:
        assert (only(session).text, [one.text for one in only(session).revisions]) == (FIXED, [OUTAGE])


def test_personal_data_is_covered_in_the_old_text_and_the_new_one(factory: Sessions) -> None:
    old, new = "Hubungi 0812 3456 7890 segera, listrik padam", "Listrik padam lagi, hubungi 0812 3456 7890"
    with factory.begin() as session:
        told(session, document(1, old), pii=(Span(8, 22, "phone"),))
        inbox.store(session, [edited(document(1), new)], b"key")
        assert "0812" in only(session).text and only(session).analysis is not None
        analysed(session, pii=(Span(28, 42, "phone"),))
        (edit,) = revisions.edits(only(session), 3)
        shown = "".join(change.text for change in edit.text)
        assert "0812" not in shown and "3456" not in shown
        assert "[telepon]" in shown
        assert (edit.at, edit.title) == (LATER, ())


def test_of_an_old_text_that_was_never_analysed_nothing_is_shown(factory: Sessions) -> None:
    with factory.begin() as session:
        inbox.store(session, [document(1, "Hubungi 0812 3456 7890")], b"key")
        inbox.store(session, [edited(document(1))], b"key")
        analysed(session)
        (edit,) = revisions.edits(only(session), 3)
        assert [(one.kind, one.text.strip()) for one in edit.text] == [("del", "[…]"), ("ins", FIXED)]


# ---- what changed --------------------------------------------------------------------------------------------------


def test_words_that_changed_are_shown_word_by_word() -> None:
    old = "Listrik padam di Duri.\nWarga menunggu dua jam."
    new = "Listrik padam lagi di Duri.\nWarga menunggu tiga jam. "
    assert changes(old, new) == [
        Change("same", "Listrik padam "),
        Change("ins", "lagi "),
        Change("same", "di Duri.\nWarga menunggu "),
        Change("del", "dua "),
        Change("ins", "tiga "),
        Change("same", "jam. "),
    ]
    assert changes("a b", "a  b\n") == [Change("same", "a  b\n")]
    assert changes("", "") == []
    assert changes("", "baru") == [Change("ins", "baru")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("satu dua\ntiga", "satu tiga\ntiga empat"),
        ("a\n\nb\nc d e", "c d\n\na b"),
        ("x " * 900, "y " * 30 + "x " * 900),
        ("ya x " * 2000, "x ya x " * 2000),
    ],
)
def test_no_word_is_lost_or_made_up(old: str, new: str) -> None:
    found = changes(old, new)
    for text, kinds in ((old, ("same", "del")), (new, ("same", "ins"))):
        assert "".join(change.text for change in found if change.kind in kinds).split() == text.split()


def test_what_did_not_change_is_cut_down_to_what_stands_around() -> None:
    words = " ".join(f"kata{number}" for number in range(200))
    found = shortened(changes(f"{words} lama {words}", f"{words} baru {words}"))
    assert [change.kind for change in found] == ["same", "del", "ins", "same"]
    assert all(len(change.text) < 110 and "…" in change.text for change in found if change.kind == "same")
    assert found[0].text.endswith("kata199 ") and found[-1].text.startswith("kata0")
    assert shortened([Change("same", "pendek")]) == [Change("same", "pendek")]
