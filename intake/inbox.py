"""Document + Analysis -> a Mention under a Candidate. Every step can be repeated without effect."""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crawler import Document, Kind, document_key
from crawler.dates import believable, parse_date
from intake import queue
from intake.cluster import WINDOW, Trace, Verdict, same_event
from intake.masking import masked
from intake.models import Agency, Candidate, Mention, MentionBand, now
from nlp import Analysis, Text
from nlp.fingerprint import bands, key_words, signature, similarity

ATTEMPTS = 3  # failed analyses after which a mention is set aside
COMPARED = 400  # mentions at most that a new one is compared with
HEADLINE = 110  # characters
ARTICLES = ("article", "news", "berita", "artikel")
KEY = re.compile(r"[0-9a-f]{32}")
PROFILE = re.compile(
    r"/@[^/]+/|//(?:\w+\.)?(?:x|twitter|facebook|instagram|threads|tiktok)\.(?:com|net)/", re.IGNORECASE
)
WHOLE_GOVERNMENTS = ("PEMDA", "OTHER", "NONE", "KEMENTERIAN")  # kinds too wide to tell events apart


# ---- storing -------------------------------------------------------------------------------------------------------


def store(session: Session, documents: Sequence[Document], pseudonym_key: bytes) -> int:
    """Insert the documents that are not held yet, in one statement per 200. Returns how many were new."""
    new = 0
    rows = iter([_row(document, pseudonym_key) for document in {d.key: d for d in documents}.values()])
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    while chunk := list(islice(rows, 200)):
        statement = insert(Mention).values(chunk).on_conflict_do_nothing(index_elements=["key"]).returning(Mention.id)
        new += len(session.scalars(statement).all())
    return new


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


def storable(text: str) -> str:
    """Without what a database refuses: NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


# ---- analysing -----------------------------------------------------------------------------------------------------


def pending(session: Session, limit: int = 64) -> list[Mention]:
    """The oldest mentions that wait for analysis."""
    return list(session.scalars(select(Mention).where(Mention.analysed_at.is_(None)).order_by(Mention.id).limit(limit)))


def as_text(mention: Mention) -> Text:
    """What nlp reads of a mention; its id is the mention's."""
    return Text(str(mention.id), mention.text, mention.title, mention.published_at, mention.source, mention.home_region)


def set_aside(session: Session, mention: Mention, error: str) -> None:
    """Note a failed analysis; after three the mention is put aside, kept, and counted as analysed."""
    mention.attempts += 1
    mention.error = error[:2000]
    if mention.attempts >= ATTEMPTS:
        mention.analysed_at = now()


def record(session: Session, mention: Mention, analysis: Analysis, threshold: float) -> Candidate | None:
    """Keep what was understood; a failure that is not elsewhere joins its event's candidate, or makes a new one.

    A mention that was recorded before is left as it is. One recorder at a time; the transaction is the caller's.
    """
    if mention.analysed_at is not None:
        return mention.candidate
    _keep(mention, analysis)
    if analysis.p["yes"] < threshold or analysis.place == "other":
        return None
    copy = _sign(session, mention)
    candidate, verdict = _find_event(session, mention, copy)
    if candidate is None:
        candidate = Candidate(
            headline="", p_failure=0.0, first_told_at=mention.told_at, last_told_at=mention.told_at, place="unknown"
        )
        session.add(candidate)
        session.flush()
    mention.candidate_id = candidate.id
    mention.join_reason = json.dumps(verdict.reasons) if verdict else None
    session.flush()
    refresh(session, candidate)
    return candidate


def _keep(mention: Mention, analysis: Analysis) -> None:
    mention.analysis = analysis.to_dict()
    mention.model = analysis.model
    mention.failure = analysis.failure
    mention.p_failure = analysis.p["yes"]
    mention.sector = analysis.sectors[0].code if analysis.sectors else None
    mention.place = analysis.place
    mention.analysed_at = now()
    mention.error = None


def _sign(session: Session, mention: Mention) -> tuple[Mention, float] | None:
    """Give the mention its signature, key words and voice. Returns the stored near-copy most like it, if any shares a band."""
    text = f"{mention.title}\n{mention.text}"
    mention.signature = signature(text)
    mention.words = list(key_words(text))
    numbers = set(bands(mention.signature))
    others = session.scalars(
        select(Mention)
        .where(
            Mention.id.in_(select(MentionBand.mention_id).where(MentionBand.band.in_(numbers))),
            Mention.candidate_id.is_not(None),
        )
        .order_by(Mention.id)
        .limit(COMPARED)
    ).all()
    session.execute(insert(MentionBand), [{"band": number, "mention_id": mention.id} for number in numbers])
    scored = [(other, similarity(mention.signature, other.signature)) for other in others if other.signature]
    best = max(scored, key=lambda pair: pair[1], default=None)
    same_wording = best is not None and same_event(_trace(mention, best[1]), _trace(best[0])).near_copy
    mention.voice = best[0].voice if best and same_wording else mention.id
    return best


def _find_event(
    session: Session, mention: Mention, copy: tuple[Mention, float] | None
) -> tuple[Candidate | None, Verdict | None]:
    """The candidate whose mention is most surely about the same event."""
    compared = session.scalars(
        select(Mention)
        .where(
            Mention.sector == mention.sector,
            Mention.told_at.between(mention.told_at - WINDOW, mention.told_at + WINDOW),
            Mention.candidate_id.is_not(None),
        )
        .order_by(Mention.told_at.desc())
        .limit(COMPARED)
    )
    likeness = {copy[0].id: copy[1]} if copy else {}
    others = {other.id: other for other in [*compared, *([copy[0]] if copy else [])] if other.id != mention.id}
    verdicts = [
        (same_event(_trace(mention, likeness.get(other.id, 0.0)), _trace(other)), other) for other in others.values()
    ]
    joined = [(verdict, other) for verdict, other in verdicts if verdict.joined]
    if not joined:
        return None, None
    verdict, other = max(joined, key=lambda pair: (pair[0].near_copy, pair[0].score, -pair[1].id))
    return other.candidate, verdict


def _trace(mention: Mention, likeness: float = 0.0) -> Trace:
    analysis = mention.analysis or {}
    kind, agency = _first(analysis, "kinds", "code"), _first(analysis, "agencies", "id")
    return Trace(
        told_at=mention.told_at,
        sector=mention.sector,
        regions=frozenset(analysis.get("regions", ())),
        districts=frozenset(analysis.get("districts", ())),
        body=agency if kind not in WHOLE_GOVERNMENTS else None,
        words=frozenset(mention.words),
        similarity=likeness,
    )


def refresh(session: Session, candidate: Candidate) -> None:
    """Recompute what a candidate says of itself from its mentions: each independent voice has one vote."""
    mentions = list(session.scalars(select(Mention).where(Mention.candidate_id == candidate.id).order_by(Mention.id)))
    voices = list({mention.voice: mention for mention in reversed(mentions)}.values())
    analyses = [(mention.analysis or {}, mention.p_failure or 0.0) for mention in voices]
    candidate.mention_count, candidate.voice_count = len(mentions), len(voices)
    candidate.source_count = len({mention.source for mention in mentions})
    candidate.first_told_at = min(mention.told_at for mention in mentions)
    candidate.last_told_at = max(mention.told_at for mention in mentions)
    candidate.p_failure = max(mention.p_failure or 0.0 for mention in mentions)
    candidate.sector = _vote((_first(a, "sectors", "code"), p) for a, p in analyses)
    candidate.form = _vote((_first(a, "forms", "code"), p) for a, p in analyses)
    candidate.kind = _vote((_first(a, "kinds", "code"), p) for a, p in analyses)
    candidate.region = _vote((next(iter(a.get("regions", ())), None), p) for a, p in analyses)
    candidate.district = _vote((next(iter(a.get("districts", ())), None), p) for a, p in analyses)
    candidate.place = "riau" if any(a.get("place") == "riau" for a, _ in analyses) else "unknown"
    candidate.urgency = min((a["urgency"] for a, _ in analyses if a.get("urgency")), default=None)
    candidate.headline = _headline(mentions)
    candidate.agency_id, candidate.agency_reason = _agency(session, analyses)
    candidate.rank = queue.rank(candidate.urgency, candidate.p_failure, candidate.voice_count, candidate.last_told_at)


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


def _first(analysis: Mapping[str, Any], axis: str, name: str) -> str | None:
    guesses = analysis.get(axis) or ()
    return guesses[0][name] if guesses else None


# ---- texts gathered elsewhere --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was wrong with a line of an import: all of it (left out), or only a part (the text is kept without that)."""

    line: int
    message: str
    kept: bool = False


def read_import(path: Path, batch: int = 500) -> Iterator[tuple[list[Document], list[Refusal]]]:
    """Batches of what JSON lines (of texts or of Documents) or a CSV with a heading hold: {id, text, title?, ...}."""
    documents: list[Document] = []
    refusals: list[Refusal] = []
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        for number, row in _csv_rows(file) if path.suffix.lower() == ".csv" else _json_rows(file):
            try:
                document, doubt = _document(row)
            except (ValueError, TypeError, KeyError) as error:
                refusals.append(Refusal(number, f"{error} The line is left out; the others go on."))
                continue
            documents.append(document)
            if doubt:
                refusals.append(Refusal(number, doubt, kept=True))
            if len(documents) + len(refusals) >= batch:
                yield documents, refusals
                documents, refusals = [], []
    yield documents, refusals


def _csv_rows(file: Iterable[str]) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(file)
    for row in reader:
        yield reader.line_num, row


def _json_rows(file: Iterable[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                yield number, ValueError(f"not JSON ({error}).")


def _document(row: Any) -> tuple[Document, str]:
    """The text of a line, and what was doubtful of its date. ValueError if there is no text, or nothing to know it by."""
    if isinstance(row, ValueError):
        raise row
    if not isinstance(row, dict):
        raise ValueError("not an object with at least id and text.")
    given = {name: str(value).strip() for name, value in row.items() if name and value is not None}
    text, identity = given.get("text", ""), given.get("id") or given.get("url") or given.get("key") or ""
    if not text or not identity:
        raise ValueError("text and id (or url) are needed.")
    source, url = given.get("source") or "impor", given.get("url", "")
    fetched_at = min(parse_date(given.get("fetched_at"), now()) or now(), now())
    published_at, code, doubt = _published(given.get("published_at", ""), fetched_at)
    key, held = given.get("key", ""), _codes(row.get("notes"))
    document = Document(
        key=key if KEY.fullmatch(key) else document_key(url or f"{source}:{identity}"),
        source=source,
        url=url if url.startswith(("http://", "https://")) else "",
        title=given.get("title", ""),
        text=text,
        kind=_kind(given),
        fetched_at=fetched_at,
        published_at=published_at,
        author=given.get("author") or None,
        region=given.get("region") or None,
        reactions=int(given["reactions"]) if given.get("reactions", "").isdecimal() else None,
        notes=(*held, *([code] if code and code not in held else ())),
    )
    return document, doubt


def _codes(notes: Any) -> list[str]:
    """What was doubtful already when the text was crawled."""
    return [str(code)[:40] for code in notes] if isinstance(notes, list) else []


def _kind(given: Mapping[str, str]) -> Kind:
    """What the line says. Where it does not: an article has a title, and neither a handle nor a profile's address.

    A kind of another name (tweet, review, comment) is a post: then whoever wrote it is hidden.
    """
    if given.get("kind"):
        return "article" if given["kind"].lower() in ARTICLES else "post"
    is_post = "@" in given.get("author", "") or PROFILE.search(given.get("url", "")) is not None
    return "article" if given.get("title") and not is_post else "post"


def _published(value: str, fetched_at: datetime) -> tuple[datetime | None, str, str]:
    """The moment (a naive one is WIB, UTC+7) if it can be true, the code of what is doubtful, and that in words."""
    if not value:
        return None, "", ""
    moment = parse_date(value, fetched_at)
    published_at, code = believable(moment, fetched_at)
    if moment is None:
        return None, "date-unreadable", f"published_at {value[:40]!r} is no date. The text is kept without one."
    if code == "date-impossible":
        return None, code, f"published_at {value[:40]!r} cannot be true. The text is kept without a date."
    if code == "date-ahead":
        return published_at, code, f"published_at {value[:40]!r} is ahead of the clock. The text is kept, dated now."
    return published_at, "", ""
