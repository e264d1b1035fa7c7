"""Do two mentions tell of one event? A pure rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

NEAR_COPY = 0.7  # MinHash similarity from which two texts are one wording
WINDOW = timedelta(hours=72)  # an event is talked about for three days
OUTAGE_WINDOW = timedelta(hours=24)  # two outages in one town on different days are two events
OUTAGES = frozenset(
    {"LIS", "AIR", "TIK"}
)  # services whose failure hits an area: who is without power shares little else
SHARED_DISTRICT = 0.25  # overlap of key words that is enough in the same district, or with the same named body
SHARED_REGION = 0.4  # ... and in the same regency or city only
SHARED_OUTAGE = 0.1


@dataclass(frozen=True, slots=True)
class Trace:
    """What of a mention matters for telling events apart."""

    told_at: datetime
    sector: str | None = None
    regions: frozenset[str] = frozenset()
    districts: frozenset[str] = frozenset()
    body: str | None = None  # id of the agency, where it is one office and not a whole government
    words: frozenset[str] = frozenset()  # nlp.fingerprint.key_words
    similarity: float = 0.0  # to the other one, by MinHash; 0 where no band is shared


@dataclass(frozen=True, slots=True)
class Verdict:
    """Joined or not, and the reasons as codes that the console puts into words."""

    joined: bool
    near_copy: bool = False
    score: float = 0.0
    reasons: tuple[str, ...] = field(default=())


def same_event(one: Trace, two: Trace) -> Verdict:
    """Two mentions tell of one event if they are near-copies, or if all of this holds:

    - the same sector, told within 72 hours of each other (24 for an outage of power, water or network);
    - a place in common: a regency or city, and no contradiction in the districts where both name some;
    - enough key words in common: of the words of the shorter one, a quarter if the district or the answerable office is the
      same too, two fifths if only the regency is, a tenth for an outage in the same place. Always at least two words, one
      for an outage.

    Trade-offs: a post that names no place joins only as a near-copy, so some voices of an event stay apart; this errs
    towards two candidates where one would do, since merging is one key and an unnoticed merge hides an event. Two broken
    roads of one district told in the same words do merge. Thresholds set 2026-11 on the demo press and own examples.
    """
    if one.similarity >= NEAR_COPY:
        return Verdict(True, True, one.similarity, ("near_copy",))
    outage = one.sector in OUTAGES
    if one.sector is None or one.sector != two.sector:
        return Verdict(False)
    if abs(one.told_at - two.told_at) > (OUTAGE_WINDOW if outage else WINDOW):
        return Verdict(False)
    if not one.regions & two.regions or (one.districts and two.districts and not one.districts & two.districts):
        return Verdict(False)
    close = bool(one.districts & two.districts) or (one.body is not None and one.body == two.body)
    shared = one.words & two.words
    overlap = len(shared) / max(1, min(len(one.words), len(two.words)))
    needed = SHARED_OUTAGE if outage else SHARED_DISTRICT if close else SHARED_REGION
    if overlap < needed or len(shared) < (1 if outage else 2):
        return Verdict(False, score=overlap)
    reasons = ["sector", "district" if one.districts & two.districts else "region", "time", "words"]
    if one.body is not None and one.body == two.body:
        reasons.append("body")
    return Verdict(True, False, overlap + close, tuple(reasons))
