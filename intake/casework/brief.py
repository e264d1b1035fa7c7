"""What of a case may be told outside the office: issue, place, time, agency, links to articles, their words masked.

Never an author, an account, or the words of a post: whoever looks for them on the network finds who wrote them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from babel.dates import format_date
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.dates import WIB
from intake.courier import one_line
from intake.masking import covered, masked
from intake.models import Candidate, Case, Mention
from nlp.jurisdiction import load_jurisdiction, load_taxonomy

LINKED = 5  # articles
EXTRACT = 500  # characters


@dataclass(frozen=True, slots=True)
class Article:
    """A press article that tells of the event."""

    outlet: str
    url: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Brief:
    """A case in words, in formal Indonesian."""

    number: str
    subject: str
    service: str
    form: str
    place: str
    day: str  # of the first mention
    agency: str
    voices: int
    articles: Sequence[Article]
    extract: str  # of the first article; empty where only posts tell of the event


def of(session: Session, case: Case) -> Brief:
    candidate, taxonomy = case.candidate, load_taxonomy()
    told = session.scalars(
        select(Mention)
        .where(Mention.candidate_id == candidate.id, Mention.kind == "article", Mention.url != "")
        .order_by(Mention.told_at)
        .limit(LINKED)
    ).all()
    articles = [one for one in told if urlsplit(one.url).scheme in ("http", "https")]
    service = taxonomy.sectors[candidate.sector].id if candidate.sector else "Pelayanan publik"
    agency = case.agency or candidate.agency
    return Brief(
        number=case.number,
        subject=one_line(covered(candidate.headline)) if articles else f"keluhan {service.lower()}",
        service=service,
        form=taxonomy.forms[candidate.form].id if candidate.form else "belum teridentifikasi",
        place=place_of(candidate),
        day=day_in_words(candidate.first_told_at),
        agency=agency.name if agency else "-",
        voices=candidate.voice_count,
        articles=[Article(one.source, one.url, one.told_at) for one in articles],
        extract=_extract(articles[0]) if articles else "",
    )


def place_of(candidate: Candidate) -> str:
    """District and regency, as far as they are known."""
    tables = load_jurisdiction()
    names = [
        table[code].name
        for table, code in ((tables.districts, candidate.district), (tables.regions, candidate.region))
        if code and code in table
    ]
    return ", ".join(names) or "belum diketahui"


def day_in_words(moment: datetime) -> str:
    return format_date(moment.astimezone(WIB), "d MMMM y", locale="id")


def _extract(mention: Mention) -> str:
    """Its first words, masked as it was understood and once more as it stands."""
    words = covered(" ".join(masked(mention.text, (mention.analysis or {}).get("pii", ())).split()))
    return words if len(words) <= EXTRACT else words[:EXTRACT].rsplit(" ", 1)[0] + " …"
