"""Failures over time: sector x agency x region by week, raw mentions beside independent voices."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.dates import WIB
from intake.models import REASONS, Candidate, Mention, Person, now
from intake.people import access


@dataclass(frozen=True, slots=True)
class Cell:
    """What was told in one ISO week about one service of one agency in one region."""

    week: date  # its Monday, in WIB
    sector: str | None
    agency_id: str | None
    region: str | None
    mentions: int
    voices: int


def weekly(
    session: Session,
    *,
    weeks: int = 12,
    sector: str | None = None,
    region: str | None = None,
    agency_id: str | None = None,
    at: datetime | None = None,
    viewer: Person | None = None,
) -> list[Cell]:
    """Cells of the last `weeks` weeks, this one included, oldest first. Counted are the mentions of candidates that were
    not closed with a reason; a voice counts in the week it was first heard. For a `viewer` with bounds, theirs alone."""
    start = week_of(at or now()) - timedelta(weeks=weeks - 1)
    statement = (
        select(Mention.told_at, Mention.voice, Mention.id, Candidate.sector, Candidate.agency_id, Candidate.region)
        .join(Candidate, Candidate.id == Mention.candidate_id)
        .where(Mention.told_at >= datetime.combine(start, datetime.min.time(), WIB), Candidate.state.not_in(REASONS))
    )
    for column, value in ((Candidate.sector, sector), (Candidate.region, region), (Candidate.agency_id, agency_id)):
        if value:
            statement = statement.where(column == value)
    if viewer is not None:
        statement = access.within(statement, viewer)
    mentions: dict[tuple[date, str | None, str | None, str | None], int] = defaultdict(int)
    voices: dict[tuple[date, str | None, str | None, str | None], int] = defaultdict(int)
    heard: set[int] = set()
    for told_at, voice, mention_id, of_sector, of_agency, of_region in session.execute(
        statement.order_by(Mention.told_at, Mention.id).execution_options(yield_per=2000)
    ):
        key = (week_of(told_at), of_sector, of_agency, of_region)
        mentions[key] += 1
        if (voice or mention_id) not in heard:
            heard.add(voice or mention_id)
            voices[key] += 1
    return [Cell(*key, count, voices[key]) for key, count in sorted(mentions.items(), key=lambda item: str(item[0]))]


def week_of(moment: datetime) -> date:
    """The Monday of a moment's ISO week in WIB."""
    day = moment.astimezone(WIB).date()
    return day - timedelta(days=day.weekday())


def last_weeks(weeks: int, at: datetime | None = None) -> list[date]:
    """The Mondays of the last `weeks` weeks, oldest first."""
    this = week_of(at or now())
    return [this - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]
