"""Full-text search over headlines and what was told, newest first, in work that is bounded however common the words are.

Found is what a page shows: a text is indexed with its personal data covered. Numbers of four digits and more, and accounts,
are left out besides, or a search could spell out an identity number that the analysis overlooked; they are sought in
headlines, which stand in the list. Words lose case and diacritics here, so that both engines see the same.

    listrik padam        both words, in any order
    "listrik padam"      one after the other
    duri list            the last word may be the beginning of one

The rows are read in strips of ids, the newest first, each up to four times as wide as the one before, until MOST are found or
PATIENCE is over: a rare word is sought in everything, a common one in its newest texts.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    FromClause,
    Integer,
    Select,
    cast,
    column,
    event,
    func,
    inspect,
    literal_column,
    select,
    table,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapper, Session

from intake.database import insert_for, is_postgres
from intake.masking import covered, masked
from intake.models import Candidate, HeadlineWords, KnownWord, Mention, MentionWords
from nlp.fingerprint import weight

MOST = 500  # mentions, or headlines, a search finds
PATIENCE = 0.08  # seconds after which no further strip is begun
BUCKET = 10_000  # ids; strips are made of whole ones
WIDEST, WIDEST_OF_PHRASE = 64, 8  # buckets of one strip; every row with all the words of a phrase is looked at
LONGEST_TEXT, LONGEST_WORD = 20_000, 40  # characters; what comes after is not searched
LONGEST_QUERY, MOST_TERMS = 200, 12  # characters, and words and phrases, of one search; more are passed over
SHORTEST_BEGINNING = 3  # letters; less stands for itself
LOOKED_AT, ENDINGS = 400, 24  # words that begin like it, the shortest; and those of them that are sought, the commonest
_PERSONAL = re.compile(r"\d{4}|@")
_ACCOUNT = re.compile(r"@[\w.]+")
_WORD = re.compile(r"[^\W_]+")
_ENDS_IN_A_WORD = re.compile(r"[^\W_]\Z")

Indexed = type[MentionWords] | type[HeadlineWords]
Phrase = tuple[str, ...]
Sought = Sequence[Sequence[Phrase]]  # all of these, and of each any
_FTS: Mapping[Indexed, str] = {MentionWords: "mention_fts", HeadlineWords: "headline_fts"}  # on SQLite


# ---- what is looked for ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Query:
    """Phrases that must all be there; a single word is a phrase of one."""

    phrases: tuple[Phrase, ...]
    beginning: str = ""  # the last word, if it may be the beginning of one
    personal: bool = False  # it has what is sought in headlines only

    @classmethod
    def parse(cls, given: str) -> Query:
        """Every text is a query; one without a word finds nothing."""
        given = given[:LONGEST_QUERY]
        parts = given.split('"')
        phrases = [
            phrase
            for place, part in enumerate(parts)
            for phrase in ([tuple(words_of(part))] if place % 2 else [(word,) for word in words_of(part)])
            if phrase
        ][:MOST_TERMS]
        open_ended = len(parts) % 2 and _ENDS_IN_A_WORD.search(parts[-1]) and phrases
        beginning = phrases[-1][0] if open_ended and len(phrases[-1][0]) >= SHORTEST_BEGINNING else ""
        return cls(tuple(phrases[:-1] if beginning else phrases), beginning, bool(_PERSONAL.search(given)))


def words_of(text: str) -> list[str]:
    """The words of a text as they are indexed: small letters and digits without marks above or below them."""
    plain = unicodedata.normalize("NFKD", text[:LONGEST_TEXT]).casefold()
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [word[:LONGEST_WORD] for word in _WORD.findall(bare)]


def told_words(title: str, text: str, analysis: Mapping[str, Any] | None) -> list[str]:
    """What can be found of a mention: its title, and of its text what is shown; nothing of a text that was never read."""
    shown = masked(text, analysis.get("pii", ())) if analysis else ""
    words = words_of(_ACCOUNT.sub(" ", f"{covered(title)}\n{shown}"))
    return [word for word in words if not _PERSONAL.search(word)]


# ---- searching -------------------------------------------------------------------------------------------------------


def narrowed(session: Session, candidates: Select[Candidate], given: str) -> Select[Candidate]:
    """Of these candidates those that tell of it: those of the newest MOST mentions that do, and where these are fewer, of
    the newest headlines.

    `candidates` names who is asked for, and what they may see: nothing else uses up a place among what is found.
    """
    query = Query.parse(given)
    sought, found, over = _expanded(session, query), list[int](), time.monotonic() + PATIENCE
    if sought and not query.personal:
        found = _found(session, candidates, sought, MentionWords, over)
    if sought and len(found) < MOST:
        found += _found(session, candidates, sought, HeadlineWords, over)
    return candidates.where(Candidate.id.in_(set(found)))


def _expanded(session: Session, query: Query) -> Sought:
    """All of these, and of each any. Empty: nothing has all of them."""
    sought = [[phrase] for phrase in query.phrases]
    if query.beginning:
        sought.append([(word,) for word in _endings(session, query.beginning)])
    return sought if all(sought) else []


def _endings(session: Session, beginning: str) -> list[str]:
    """It, and of the words that were told and begin like it the commonest ENDINGS."""
    like_it = KnownWord.word.between(beginning, f"{beginning}\U0010ffff")
    shortest = select(KnownWord.word).where(like_it).order_by(func.length(KnownWord.word), KnownWord.word)
    words = session.scalars(shortest.limit(LOOKED_AT)).all()
    return [beginning, *sorted(set(words) - {beginning}, key=lambda word: (weight(word), word))[:ENDINGS]]


def _found(session: Session, candidates: Select[Candidate], sought: Sought, indexed: Indexed, over: float) -> list[int]:
    """Ids of the candidates of the newest rows that have what is sought; the first strip is read however late it is."""
    newest, found = session.scalar(select(func.max(indexed.id))), list[int]()
    widest = WIDEST_OF_PHRASE if any(len(phrase) > 1 for one in sought for phrase in one) else WIDEST
    for first, last in _strips(-1 if newest is None else newest // BUCKET, widest):
        hits = (_in_postgres if is_postgres(session) else _in_sqlite)(sought, indexed, first, last)
        of = _of(candidates, hits, indexed).limit(MOST - len(found))
        found += session.scalars(of)
        if len(found) >= MOST or time.monotonic() > over:
            break
    return found


def _strips(newest: int, widest: int) -> Iterator[tuple[int, int]]:
    """First and last bucket of each strip, from the newest bucket to the first one."""
    width = 1
    while newest >= 0:
        yield max(newest - width + 1, 0), newest
        newest, width = newest - width, min(4 * width, widest)


def _of(candidates: Select[Candidate], hits: FromClause, indexed: Indexed) -> Select[int]:
    """Ids of those of the candidates that the hits tell of, newest hit first.

    Asked one by one whether they are among the candidates: an engine that began with these would read all of them.
    """
    number: Any = hits.c.id
    told = select(number)
    if indexed is MentionWords:
        number = Mention.candidate_id
        told = select(number).select_from(hits).join(Mention, Mention.id == hits.c.id)
    among = candidates.with_only_columns(Candidate.id).where(Candidate.id == number).exists()
    return told.where(among).order_by(hits.c.newness.desc())


def _in_sqlite(sought: Sought, indexed: Indexed, first: int, last: int) -> FromClause:
    """Rows of the index in these buckets, as a table of their ids. FTS5 reads them backwards, as far as it is asked to."""
    name, row = _FTS[indexed], column("rowid", Integer)
    meant = " AND ".join(f"({' OR '.join(_quoted(phrase) for phrase in one)})" for one in sought)
    rows = (
        select(row.label("id"), row.label("newness"))
        .select_from(table(name, row))
        .where(literal_column(name).op("MATCH")(meant))
    )
    return rows.where(row.between(first * BUCKET, (last + 1) * BUCKET - 1)).subquery()


def _in_postgres(sought: Sought, indexed: Indexed, first: int, last: int) -> FromClause:
    """The same. A bucket is a word of the index, so that GIN passes over what lies in others. The CTE keeps it to GIN; and
    were it known that its ids are in order, all mentions would be read along with them.
    """
    strip = [(_mark(bucket),) for bucket in range(first, last + 1)]
    meant = " & ".join(f"({' | '.join(_in_a_row(phrase) for phrase in one)})" for one in [*sought, strip])
    has = indexed.words.op("@@")(cast(meant, postgresql.TSQUERY))
    return (
        select(indexed.id, (indexed.id + 0).label("newness")).where(has).cte(nesting=True).prefix_with("MATERIALIZED")
    )


def _quoted(phrase: Phrase) -> str:
    return f'"{" ".join(phrase)}"'


def _in_a_row(phrase: Phrase) -> str:
    return f"({' <-> '.join(map(repr, phrase))})"


# ---- indexing --------------------------------------------------------------------------------------------------------


def index_mentions(connection: Connection, ids: Iterable[int]) -> None:
    """Write down the words of those of these mentions that belong to a candidate, in place of what stood there."""
    texts = select(Mention.id, Mention.title, Mention.text, Mention.analysis).where(
        Mention.id.in_(ids), Mention.candidate_id.is_not(None)
    )
    words = {one.id: told_words(*one[1:]) for one in connection.execute(texts)}
    if known := sorted(set().union(*words.values())):
        added = insert_for(connection)(KnownWord).on_conflict_do_nothing()
        connection.execute(added, [{"word": word} for word in known])
    _write(connection, MentionWords, words)


def index_headlines(connection: Connection, ids: Iterable[int]) -> None:
    """The same of headlines. Their words are those of a mention, and known from there."""
    headlines = connection.execute(select(Candidate.id, Candidate.headline).where(Candidate.id.in_(ids)))
    _write(connection, HeadlineWords, {one.id: words_of(one.headline) for one in headlines})


def _write(connection: Connection, indexed: Indexed, words: Mapping[int, Sequence[str]]) -> None:
    as_column = _as_vector if is_postgres(connection) else _as_text
    added = insert_for(connection)(indexed)
    added = added.on_conflict_do_update(index_elements=["id"], set_={"words": added.excluded.words})
    if rows := [{"id": number, "words": as_column(number, its)} for number, its in words.items()]:
        connection.execute(added, rows)


def _as_text(_: int, words: Iterable[str]) -> str:
    return " ".join(words)


def _as_vector(number: int, words: Iterable[str]) -> str:
    """As PostgreSQL reads a tsvector, whose own parser would cut words otherwise; with the mark of the row's bucket."""
    return " ".join(f"{word!r}:{place}" for place, word in enumerate([_mark(number // BUCKET), *words], start=1))


def _mark(bucket: int) -> str:
    """No word of a text, nor of a query: these are in small letters."""
    return f"B{bucket}"


@event.listens_for(Mention, "after_insert")
@event.listens_for(Mention, "after_update")
def _mention_written(_: Mapper[Mention], connection: Connection, mention: Mention) -> None:
    """Once it comes under a candidate, and when it tells something else; where it moves from one to another, it need not."""
    at = inspect(mention).attrs
    came_under = at.candidate_id.history.has_changes() and not any(at.candidate_id.history.deleted or ())
    if came_under or any(at[name].history.has_changes() for name in ("title", "text", "analysis")):
        index_mentions(connection, [mention.id])


@event.listens_for(Candidate, "after_insert")
@event.listens_for(Candidate, "after_update")
def _headline_written(_: Mapper[Candidate], connection: Connection, candidate: Candidate) -> None:
    if inspect(candidate).attrs.headline.history.has_changes():
        index_headlines(connection, [candidate.id])
