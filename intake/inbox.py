"""Document + Analysis -> a Mention under a Candidate. Every step can be repeated without effect."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from threading import Lock
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from crawler import Document, Visit
from crawler.document import document_key
from crawler.identity import are_numbered_apart, identity, same_article, same_site, site_of
from intake import revisions
from intake.database import Sessions, alone, insert_for
from intake.masking import masked
from intake.models import DANGER, OPEN_STATES, Agency, Candidate, Mention, MentionAlias, now
from intake.review import mutes, neighbours
from intake.review.cluster import Trace, Verdict, belongs, likeliest, same_event
from intake.review.corrections import corrected
from intake.review.neighbours import first_guess
from nlp import Analysis, Text
from nlp.fingerprint import key_words, signature

log = logging.getLogger(__name__)

ATTEMPTS = 3  # failed analyses after which a mention is set aside
MOST_ALIASES = 20  # other keys that one mention is known by
HEADLINE = 110  # characters
RECORDING = 711_071_959  # any number of our own: of the lock of whoever records
_recording = Lock()  # threads of one process wait here, not in the database


# ---- storing -------------------------------------------------------------------------------------------------------


def store(session: Session, documents: Sequence[Document], pseudonym_key: bytes) -> int:
    """Insert the documents that are not held yet, in one statement per 200. Returns how many were new.

    One that is held under any of its keys is the same publication: where its text is another one by now, that waits for
    analysis beside the old one. A page's claim to be the same as another one is believed only if the texts are alike.
    """
    new = 0
    rest = iter({document.key: document for document in documents}.values())
    while chunk := list(islice(rest, 200)):
        held, fresh = _held(session, (key for one in chunk for key in (*_keys(one), one.claim, _claim_on(one.key)))), []
        for document in chunk:
            mention = _same(document, held)
            if mention is None:
                claimed = document.key in held
                fresh.append(replace(document, key=document.aliases[0], aliases=()) if claimed else document)
            else:
                _met_again(session, mention, document, _row(document, pseudonym_key), held)
        new += _insert(session, fresh, pseudonym_key) if fresh else 0
    return new


def store_imported(session: Session, documents: Sequence[Document], pseudonym_key: bytes) -> int:
    """Store texts gathered elsewhere, none of which is an edit. Returns how many were new.

    Numbers of rows come again in the next table: what has the key of another text is known by its alias, made of both.
    """
    held = _held(session, (key for one in documents for key in (one.key, *one.aliases)))
    first: dict[str, Document | Mention] = dict(held)
    apart = []
    for document in documents:
        own, other = next(iter(document.aliases), document.key), first.setdefault(document.key, document)
        if own in held or not _same_import(document, other):
            document = replace(document, key=own, aliases=())
        elif document.key in held:
            document = replace(document, aliases=())
        apart.append(document)
    return store(session, apart, pseudonym_key)


def _same_import(document: Document, other: Document | Mention) -> bool:
    """The same words, or the same article at its address, cut out differently."""
    texts = [(storable(one.title), storable(one.text)) for one in (document, other)]
    if revisions.hash_of(*texts[0]) == revisions.hash_of(*texts[1]):
        return True
    return document.kind == "article" and bool(document.url) and same_article(*texts)


def find(session: Session, *keys: str) -> Mention | None:
    """The mention that is known by the first of these keys, its own or another one, that is known at all."""
    held = _held(session, keys)
    return next((held[key] for key in keys if key in held), None)


def _held(session: Session, keys: Iterable[str]) -> dict[str, Mention]:
    """The mentions known by these keys, their own or another one."""
    wanted = set(keys)
    held = {one.key: one for one in session.scalars(select(Mention).where(Mention.key.in_(wanted)))}
    others = select(MentionAlias.key, Mention).join(Mention, Mention.id == MentionAlias.mention_id)
    for key, mention in session.execute(others.where(MentionAlias.key.in_(wanted))):
        held.setdefault(key, mention)
    return held


def _same(document: Document, held: Mapping[str, Mention]) -> Mention | None:
    """The mention of the same publication: known by an address the document was read at, or by the page's claim."""
    read_at = next((held[key] for key in document.aliases or (document.key,) if key in held), None)
    if read_at:
        return read_at
    claims = (document.key, document.claim, _claim_on(document.claim), _claim_on(document.key))
    others = (held[key] for key in claims if key in held)
    return next((one for one in others if _is_same(document, one)), None)


def _is_same(document: Document, one: Mention) -> bool:
    """Whether the texts are of one article; more is asked for where the addresses are those of two issues of a series."""
    try:
        numbered_apart = are_numbered_apart(identity(document.url), identity(one.url))
    except ValueError:  # an address that was imported
        numbered_apart = False
    texts = ((document.title, document.text), (one.title, one.text))
    return same_article(*texts, numbered_apart=numbered_apart)


def _keys(document: Document) -> tuple[str, ...]:
    """What it is known by: the addresses it was met at, and the claim to one that only its text can prove."""
    return (document.key, *document.aliases, *([_claim_on(document.claim)] if document.claim else ()))


def _claim_on(key: str) -> str:
    """The key by which the mention is known that claims an address without having it; no address has it."""
    return document_key(f"claim {key}")


def _met_again(
    session: Session, mention: Mention, document: Document, row: Mapping[str, Any], held: Mapping[str, Mention]
) -> None:
    """Learn its other keys. Its text is looked at where a list called for it, at an address that was known before."""
    read_before = any(held.get(key) is mention for key in document.aliases or (document.key,))
    if document.stamp and mention.stamps.get(row["source"]) != document.stamp:
        mention.stamps = mention.stamps | {row["source"]: document.stamp}
    if document.stamp and read_before and (not mention.url or same_site(document.url, mention.url)):
        revisions.note_edit(mention, row)
    _add_aliases(session, {key: mention.id for key in _keys(document) if key not in held})


def _insert(session: Session, documents: Sequence[Document], pseudonym_key: bytes) -> int:
    """How many were new. One that the database refuses costs only itself."""
    try:
        with session.begin_nested():
            return _insert_all(session, [_row(document, pseudonym_key) for document in documents], documents)
    except (DataError, OverflowError) as error:
        if len(documents) == 1:
            log.error("%s cannot be stored (%s); it is left out", documents[0].url, type(error).__name__)
            return 0
        return sum(_insert(session, [document], pseudonym_key) for document in documents)


def _insert_all(session: Session, rows: Sequence[Mapping[str, Any]], documents: Sequence[Document]) -> int:
    statement = insert_for(session)(Mention).values(rows).on_conflict_do_nothing(index_elements=["key"])
    ids = {key: number for number, key in session.execute(statement.returning(Mention.id, Mention.key))}
    _add_aliases(session, {key: ids[one.key] for one in documents if one.key in ids for key in _keys(one)[1:]})
    return len(ids)


def _add_aliases(session: Session, aliases: Mapping[str, int]) -> None:
    """Other keys of mentions, until one has MOST_ALIASES: no article stands at so many addresses."""
    if not aliases:
        return
    of = MentionAlias.mention_id
    counted = select(of, func.count()).where(of.in_(set(aliases.values()))).group_by(of)
    held = Counter[int]()
    for number, count in session.execute(counted):
        held[number] = count
    rows = []
    for key, number in aliases.items():
        held[number] += 1
        if held[number] <= MOST_ALIASES:
            rows.append({"key": key, "mention_id": number})
        elif held[number] == MOST_ALIASES + 1:
            log.info("mention %d is known at %d addresses; no more are kept", number, MOST_ALIASES)
    if rows:
        session.execute(insert_for(session)(MentionAlias).values(rows).on_conflict_do_nothing())


def learn(session: Session, visit: Visit) -> None:
    """What a visit told of documents that are held: other keys of theirs, and the state their list shows them in."""
    held = _held(session, (*visit.aliases.values(), *visit.stamps))
    _add_aliases(session, {key: held[of].id for key, of in visit.aliases.items() if of in held})
    for key, stamp in visit.stamps.items():
        if key in held:
            held[key].stamps = held[key].stamps | {visit.source: stamp}


def _row(document: Document, pseudonym_key: bytes) -> dict[str, Any]:
    return {
        "key": document.key,
        "source": storable(document.source)[:120],
        "url": storable(document.url),
        "title": storable(document.title),
        "text": storable(document.text),
        "kind": document.kind,
        "author": _author(document, pseudonym_key),
        "home_region": document.region,
        "reactions": document.reactions,
        "notes": list(document.notes),
        "site": document.told_by or _site(document.url),
        "stamps": {storable(document.source)[:120]: document.stamp} if document.stamp else {},
        "evidence": document.evidence,
        "published_at": document.published_at,
        "fetched_at": document.fetched_at,
        "told_at": document.published_at or document.fetched_at,
        "attempts": 0,
        "words": [],
    }


def _author(document: Document, pseudonym_key: bytes) -> str | None:
    """The byline of an article; a handle becomes a pseudonym, the same for the same handle as long as the key is."""
    if not document.author:
        return None
    if document.kind == "article" and "@" not in document.author:
        return storable(document.author)[:120]
    handle = document.author.strip().lstrip("@").lower().encode("utf-8", "replace")
    return "p-" + hmac.digest(pseudonym_key, handle, hashlib.sha256).hex()[:12]


def _site(url: str) -> str:
    try:
        return site_of(url)[:255]
    except ValueError:  # an address that was imported
        return ""


def storable(text: str) -> str:
    """Without what a database refuses: NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


# ---- analysing -----------------------------------------------------------------------------------------------------


def pending(session: Session, limit: int = 64) -> list[Mention]:
    """The oldest mentions that wait for analysis."""
    return list(session.scalars(select(Mention).where(Mention.analysed_at.is_(None)).order_by(Mention.id).limit(limit)))


def as_text(mention: Mention) -> Text:
    """What nlp reads of a mention, or of its edit that waits; its id is the mention's."""
    new = mention.edit or {"title": mention.title, "text": mention.text}
    return Text(str(mention.id), new["text"], new["title"], mention.published_at, mention.source, mention.home_region)


def set_aside(session: Session, mention: Mention, error: str) -> None:
    """Note a failed analysis; after three the mention is put aside, kept, and counted as analysed."""
    mention.attempts += 1
    mention.error = error[:2000]
    if mention.attempts >= ATTEMPTS:
        mention.analysed_at = now()


@contextmanager
def recording(sessions: Sessions) -> Iterator[Session]:
    """A transaction for whoever records, or lays a mention under a candidate: one at a time, whatever process they are in."""
    with _recording, sessions.begin() as session:
        alone(session.connection(), RECORDING)
        yield session


def record(session: Session, mention: Mention, analysis: Analysis, threshold: float) -> Candidate | None:
    """Keep what was understood; a failure that is not elsewhere joins its event's candidate, or makes a new one.

    A mention that was recorded before is left as it is; one that was edited since stays under its candidate, which is
    changed by it only as long as nobody has decided. In a transaction of `recording`.
    """
    if mention.analysed_at is not None:
        return mention.candidate
    revisions.take_over(session, mention)
    _keep(mention, analysis)
    if mention.candidate is not None:
        _mark(mention)  # its voice stays: what was one voice does not become two
        neighbours.sign(session, mention)
        if mention.candidate.state in OPEN_STATES:
            refresh(session, mention.candidate)
        return mention.candidate
    is_enough = analysis.p["yes"] >= threshold or analysis.urgency == DANGER  # a missed danger to life costs most
    if not is_enough or analysis.place == "other":
        return None
    return place(session, mention)


def place(session: Session, mention: Mention) -> Candidate:
    """Lay an analysed mention under the candidate of its event, or under a new one. In a transaction of `recording`."""
    _mark(mention)
    found, copied = _compared(session, mention)
    mention.voice = copied.voice if copied else mention.id
    number = likeliest(found)
    candidate = _as_it_is_now(session, number) if number else None
    if candidate is None:
        candidate = Candidate(
            headline="", p_failure=0.0, first_told_at=mention.told_at, last_told_at=mention.told_at, place="unknown"
        )
        session.add(candidate)
        session.flush()
    verdict = found.pop(number) if number else None
    neighbours.sign(session, mention)
    mention.candidate_id = candidate.id
    mention.join_reason = json.dumps(verdict.reasons) if verdict else None
    session.flush()
    refresh(session, candidate)
    neighbours.suggest(session, candidate, {other: one for other, one in found.items() if one.joined or one.suggested})
    return candidate


def _as_it_is_now(session: Session, number: int) -> Candidate:
    """A candidate, held until the end; where it was merged since it was looked at, the one it was merged into."""
    candidate = session.get_one(Candidate, number, with_for_update=True, populate_existing=True)
    return _as_it_is_now(session, candidate.duplicate_of) if candidate.duplicate_of else candidate


def _keep(mention: Mention, analysis: Analysis) -> None:
    mention.analysis = analysis.to_dict()
    mention.model = analysis.model
    mention.failure = analysis.failure
    mention.p_failure = analysis.p["yes"]
    mention.sector = analysis.sectors[0].code if analysis.sectors else None
    mention.place = analysis.place
    mention.analysed_at = now()
    mention.error = None


def _mark(mention: Mention) -> None:
    """Give the mention its key words and its signature."""
    text = f"{mention.title}\n{mention.text}"
    mention.words, mention.signature = list(key_words(text)), signature(text)


def _compared(session: Session, mention: Mention) -> tuple[dict[int, Verdict], Mention | None]:
    """How surely it tells of the event of each candidate near it; and the first mention whose wording it has, if any."""
    one = neighbours.trace(mention)
    told: dict[int, list[Trace]] = {}
    copied = None
    for other in neighbours.neighbours(session, mention):
        two = neighbours.trace(other)
        told.setdefault(other.candidate_id or 0, []).append(two)
        if copied is None and same_event(one, two).near_copy:
            copied = other
    return {number: belongs(one, traces) for number, traces in told.items()}, copied


def refresh(session: Session, candidate: Candidate) -> None:
    """Recompute what a candidate says of itself from its mentions: each independent voice has one vote.

    What a person corrected stands above that.
    """
    mentions = list(session.scalars(select(Mention).where(Mention.candidate_id == candidate.id).order_by(Mention.id)))
    voices = list({mention.voice: mention for mention in reversed(mentions)}.values())
    analyses = [(mention.analysis or {}, mention.p_failure or 0.0) for mention in voices]
    candidate.mention_count, candidate.voice_count = len(mentions), len(voices)
    candidate.source_count = len({mention.source for mention in mentions})
    candidate.first_told_at = min(mention.told_at for mention in mentions)
    candidate.last_told_at = max(mention.told_at for mention in mentions)
    candidate.p_failure = max(mention.p_failure or 0.0 for mention in mentions)
    candidate.sector = _vote((first_guess(a, "sectors", "code"), p) for a, p in analyses)
    candidate.form = _vote((first_guess(a, "forms", "code"), p) for a, p in analyses)
    candidate.kind = _vote((first_guess(a, "kinds", "code"), p) for a, p in analyses)
    candidate.region = _vote((next(iter(a.get("regions", ())), None), p) for a, p in analyses)
    candidate.district = _vote((next(iter(a.get("districts", ())), None), p) for a, p in analyses)
    candidate.place = "riau" if any(a.get("place") == "riau" for a, _ in analyses) else "unknown"
    urgencies = ((mention.analysis or {}).get("urgency") for mention in mentions)  # of copies too
    candidate.urgency = min(filter(None, urgencies), default=None)
    candidate.headline = _headline(mentions)
    candidate.agency_id, candidate.agency_reason = _agency(session, analyses)
    corrected(session, candidate)
    candidate.muted_by = mutes.muted_by(session, candidate)


def _headline(mentions: Sequence[Mention]) -> str:
    """The title of the surest article, else the first words of the surest post; personal data covered."""
    best = max(mentions, key=lambda mention: (bool(mention.title), mention.p_failure or 0.0))
    if best.title:
        return best.title
    words = " ".join(masked(best.text, (best.analysis or {}).get("pii", ())).split())
    return words if len(words) <= HEADLINE else words[:HEADLINE].rsplit(" ", 1)[0] + " …"


def _agency(session: Session, analyses: Iterable[tuple[Mapping[str, Any], float]]) -> tuple[str | None, str]:
    guesses = [(guess, p) for analysis, p in analyses for guess in analysis.get("agencies", ())[:1]]
    chosen = _vote((guess["id"], p * guess["p"]) for guess, p in guesses)
    if chosen is None or session.get(Agency, chosen) is None:
        return None, ""
    return chosen, next((guess.get("reason", "") for guess, _ in guesses if guess["id"] == chosen), "")


def _vote(ballots: Iterable[tuple[str | None, float]]) -> str | None:
    votes: Counter[str] = Counter()
    for choice, weight in ballots:
        if choice:
            votes[choice] += weight  # type: ignore[assignment]  # Counter of floats
    return max(votes, key=lambda choice: votes[choice], default=None)
