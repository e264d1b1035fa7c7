"""Do two mentions tell of one event? A pure rule with two thresholds: joined, and suggested to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from statistics import fmean

from crawler.dates import WIB
from nlp.fingerprint import similarity, weight, wide_places

COPIED = 0.55  # share of the shorter text's wording in the other one, from which they are one voice
SHORT = 160  # characters; a text below is a copy only if the two are alike as a whole
ALIKE = 0.7  # similarity as a whole, of texts of which one is short
WINDOW = timedelta(hours=72)  # an event is talked about for three days
LATER = timedelta(days=21)  # a failure that lasts is told of again: this is suggested, never joined
SAME_HOURS = timedelta(hours=6)  # a failure of power is one as long as no more is between two who tell of it ...
HALF_A_DAY = timedelta(hours=12)  # ... or from noon to noon: whoever tells of it next morning tells of last night
REPORTED = timedelta(hours=48)  # the press tells of it a day or two after
PLANNED = frozenset({"jadwal", "pelihara", "gilir", "besok"})  # of an outage that is told of before
OTHER_LAMPS = frozenset({"jalan", "simpang", "jembatan", "merah", "rumahsakit"})  # lamps whose failure is no outage
HAZARDS = frozenset({"tiang", "kabel", "sengat", "setrum", "nyetrum", "kesetrum", "juntai"})  # of power, and no outage
LOOKING_BACK = frozenset({"ingat", "kenang", "tragedi"})
TELLING = 4.4  # weight of a shared word from which it is more than a common one
NAMED = 4.1  # weight of the name of a place from which it tells where: a district or a town, not a whole city
MUCH = 2.5  # weight of shared words, in tens, that joins where no place is in common
SOME = 0.8  # ... where only the regency is
MOST_TOLD = 3.0  # of the weight of shared words, in tens
MOST_COUNTED = 5  # shared words
MOST_WEIGHED = 6  # mentions of a candidate that have a say beside the likest one
APART = -6.0  # score of two that contradict each other

JOINED = 0.0
SUGGESTED = -1.0
BELOW = JOINED - 0.1  # the most that is said of two with nothing firm in common

# What speaks for one event, and against it, in logits: fitted to pairs of the labelled set, rounded. See docs/decisions.md.
START = -4.9
POINTS = {
    "told": 1.2,  # weight of shared words, in tens
    "share": 1.6,  # ... of those the shorter one has
    "words": 0.7,  # shared words
    "office": 1.5,  # weight of shared words for offices, in tens
    "near": 2.1,  # a district or the name of a place in common
    "nowhere": -1.7,  # no place in common
    "elsewhere": -1.2,  # districts that contradict each other
    "sector": 0.5,  # the likeliest is the same
    "related": 2.0,  # one of the likely ones is
    "days": -0.7,
    "outage": 0.5,  # the same by time and place
    "other_kind": -1.1,  # of office
    "posts": 0.9,  # of the two
    "back": -0.6,  # only one looks back
}


@dataclass(frozen=True, slots=True)
class Trace:
    """What of a mention matters for telling events apart."""

    told_at: datetime
    sectors: tuple[str, ...] = ()  # likeliest first
    regions: frozenset[str] = frozenset()
    districts: frozenset[str] = frozenset()
    kind: str | None = None  # of agency
    body: str | None = None  # id of the agency, where it is one office and not a whole government
    words: frozenset[str] = frozenset()  # nlp.fingerprint.key_words
    post: bool = True
    signature: bytes = b""  # nlp.fingerprint.signature
    length: int = 0  # characters


@dataclass(frozen=True, slots=True)
class Sorted:
    """The words of a Trace by what they name, without their marks."""

    about: frozenset[str]  # what happened
    places: frozenset[str]
    offices: frozenset[str]
    roads: frozenset[str]
    weight: float  # of `about`


@lru_cache(maxsize=8192)
def sort_words(words: frozenset[str]) -> Sorted:
    named = {
        mark: frozenset(w.removeprefix(mark) for w in words if w.startswith(mark)) for mark in ("@", "#", "jalan:")
    }
    about = frozenset(word for word in words if not word.startswith(tuple(named)))
    return Sorted(about, named["@"], named["#"], named["jalan:"], _weigh(about))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Joined, suggested, or neither; and the reasons as codes that the console puts into words."""

    score: float
    joined: bool = False
    near_copy: bool = False
    reasons: tuple[str, ...] = field(default=())

    @property
    def suggested(self) -> bool:
        return not self.joined and self.score >= SUGGESTED


def same_event(one: Trace, two: Trace) -> Verdict:
    """How surely two mentions tell of one event.

    They never do if more than three weeks are between them, if their regencies contradict each other, if both name a road
    and not the same one, or if both tell of a power cut and not of the same night (noon to noon, or six hours; where the
    press tells of it, two days).

    Near-copies that contradict nothing are one event: a text of which more than half the wording is in the other one, be
    that shortened or under a new lead; of short texts, the whole wording.

    Otherwise what speaks for one event is added up. Words in common count by how rare they are in the training texts, and
    by their share of the shorter one; words for offices and places count apart, for an office has many troubles and a
    place many events. Joined is only what has a sector known of both, a telling word in common that is neither, or the
    same outage, and a place in common, or many words; and never two districts that contradict each other, nor an old story
    beside one that does not look back. After three days it is only suggested, and only what would be joined before and has a
    road or a narrow place in common.

    Trade-offs: an unnoticed merge hides an event, a missed one costs a key. So the upper threshold is set for 19 of 20
    joined pairs to be right, and what lies between the two is suggested to a person. Points and thresholds set 2026-11.
    """
    if contradicts(one, two):
        return Verdict(APART)
    late = abs(one.told_at - two.told_at) > WINDOW
    if is_copy(one, two):
        return Verdict(BELOW, reasons=("near_copy", "later")) if late else Verdict(10.0, True, True, ("near_copy",))
    found = evidence(one, two)
    score = START + sum(POINTS[name] * value for name, value in found.items())
    firm = _is_firm(one, two, found)
    if late and not (firm and score >= JOINED and (found["near"] or _roads_in_common(one, two))):
        return Verdict(APART)
    firm = firm and not late
    return Verdict(score if firm else min(score, BELOW), firm and score >= JOINED, False, _reasons(one, two, found))


def belongs(mention: Trace, candidate: Sequence[Trace]) -> Verdict:
    """How surely a mention tells of the event that these tell of.

    Half by the one that is likest, half by the mean of the six likest: of a chain of likenesses the ends would be far
    apart. A copy of any of them belongs.
    """
    verdicts = sorted((same_event(mention, other) for other in candidate), key=lambda one: -one.score)
    best = verdicts[0]
    if best.near_copy:
        return best
    score = (best.score + fmean(max(one.score, APART) for one in verdicts[:MOST_WEIGHED])) / 2
    return Verdict(score, best.joined and score >= JOINED, False, best.reasons)


def likeliest(verdicts: Mapping[int, Verdict]) -> int | None:
    """Of candidates by number, the one that is joined: a copy first, then the surest, then the oldest."""
    joined = {number: one for number, one in verdicts.items() if one.joined}
    return min(joined, key=lambda n: (not joined[n].near_copy, -joined[n].score, n), default=None)


def contradicts(one: Trace, two: Trace) -> bool:
    """Whether something says that they cannot be one event."""
    if abs(one.told_at - two.told_at) > LATER:
        return True
    if one.regions and two.regions and not one.regions & two.regions:
        return True
    roads, others = sort_words(one.words).roads, sort_words(two.words).roads
    if roads and others and not (roads & (others | two.words) or others & one.words):
        return True
    if not (_is_outage(one) and _is_outage(two)) or (one.words | two.words) & PLANNED:
        return False
    return not _same_night(one, two)


def is_copy(one: Trace, two: Trace) -> bool:
    """Whether one is the wording of the other, perhaps shortened; told by signatures and lengths alone."""
    if not (one.signature and two.signature):
        return False
    alike, short, long = similarity(one.signature, two.signature), *sorted((one.length, two.length))
    if short < SHORT:
        return alike >= ALIKE
    return alike * (short + long) / ((1 + alike) * short) >= COPIED


def evidence(one: Trace, two: Trace) -> dict[str, float]:
    """What speaks for and against one event, by the names of POINTS; symmetric."""
    words, others = sort_words(one.words), sort_words(two.words)
    shared = words.about & others.about
    told = _weigh(shared)
    spots = (words.places & others.places) - wide_places()
    near = bool(one.districts & two.districts) or any(weight(name) >= NAMED for name in spots)
    here = bool(one.regions & two.regions)
    return {
        "told": min(told / 10, MOST_TOLD),
        "share": told / (min(words.weight, others.weight) or 1.0),
        "words": min(len(shared), MOST_COUNTED),
        "office": min(_weigh(words.offices & others.offices) / 10, 2.0),
        "near": near,
        "nowhere": not near and not here,
        "elsewhere": bool(not near and one.districts and two.districts),
        "sector": bool(one.sectors and one.sectors[:1] == two.sectors[:1]),
        "related": not set(one.sectors).isdisjoint(two.sectors),
        "days": min(abs(one.told_at - two.told_at), WINDOW) / timedelta(days=1),
        "outage": near and _is_outage(one) and _is_outage(two),
        "other_kind": bool(one.kind and two.kind and one.kind != two.kind),
        "posts": one.post + two.post,
        "back": one.words.isdisjoint(LOOKING_BACK) != two.words.isdisjoint(LOOKING_BACK),
    }


def _is_firm(one: Trace, two: Trace, found: Mapping[str, float]) -> bool:
    """Whether what they have in common may join them without a person."""
    if not (one.sectors and two.sectors) or found["back"] or found["elsewhere"]:
        return False
    narrow = found["near"] or (_roads_in_common(one, two) and not found["nowhere"])
    if not narrow and found["told"] < (MUCH if found["nowhere"] else SOME):
        return False
    shared = sort_words(one.words).about & sort_words(two.words).about
    return bool(found["outage"]) or any(weight(word) >= TELLING for word in shared)


def _weigh(words: frozenset[str]) -> float:
    return sum(map(weight, sorted(words)))


def _is_outage(one: Trace) -> bool:
    if "padam" not in one.words and not one.words.isdisjoint(HAZARDS):
        return False
    return one.sectors[:1] == ("LIS",) or ("listrik" in one.words and one.words.isdisjoint(OTHER_LAMPS))


def _same_night(one: Trace, two: Trace) -> bool:
    noons = {(trace.told_at.astimezone(WIB) - HALF_A_DAY).date() for trace in (one, two)}
    return len(noons) == 1 or abs(one.told_at - two.told_at) <= (SAME_HOURS if one.post and two.post else REPORTED)


def _roads_in_common(one: Trace, two: Trace) -> frozenset[str]:
    return sort_words(one.words).roads & sort_words(two.words).roads


def _reasons(one: Trace, two: Trace, found: Mapping[str, float]) -> tuple[str, ...]:
    said = {
        "sector": found["sector"],
        "road": _roads_in_common(one, two),
        "district": one.districts & two.districts,
        "spot": found["near"] and not one.districts & two.districts,
        "region": not found["near"] and one.regions & two.regions,
        "night": found["outage"],
        "time": not found["outage"] and found["days"] <= 1,
        "later": abs(one.told_at - two.told_at) > WINDOW,
        "words": found["words"],
        "body": one.body is not None and one.body == two.body,
    }
    return tuple(code for code, holds in said.items() if holds)
