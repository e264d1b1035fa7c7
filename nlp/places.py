"""Where does it happen: the regencies, districts and roads a text names, or another province, or nowhere known.

Every name of the tables is looked for at once; the longest wins ("Siak Hulu" is a district of Kampar, not Siak). Names
that are also words, or places elsewhere, count only by the rule of their row:

    (empty)   always
    capital   written with a capital inside a sentence, or after a word such as di, ke, kecamatan, rsud
    marker    after kecamatan, polsek, rsud and the like, or "di" and a capital; or a capital where its regency is named
    village   after kelurahan, desa, lurah in a text about the province; or with a capital where its regency is named
    own       only where its regency is named too, or is the home of the outlet
    riau      in a text about the province
    district  the name of a regency too: the district only after a marker
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from nlp.analysis import PlaceLabel, Span
from nlp.jurisdiction import Jurisdiction
from nlp.phrases import Phrases, Reading, read, words

Level = Literal["province", "region", "district", "village", "town", "road", "elsewhere", "decoy"]

_LOCATIVE = words("di ke dari se kota kabupaten warga wilayah kawasan daerah seputaran area pulau desa kampung")
_MARKER = words("kecamatan camat sekcam kapolsek polsek puskesmas pkm koramil danramil kua ulp uptd upt sekecamatan")
_OFFICES = words(
    "rsud rs pdam pln indihome telkomsel samsat disdukcapil dukcapil capil bpjs sman smkn sdn smpn mtsn sma smk smp sd "
    "polres satlantas pasar terminal pelabuhan simpang lintas orang budak mak kantor dekat kat bupati"
)
_VILLAGE = words("kelurahan lurah desa kades kampung penghulu kepenghuluan dusun rw rt")
_ORIGIN = words("asal kelahiran menuju tujuan jurusan arah alumni")  # of a person, not of an event
_HEAD = words("bupati wabup wabub wako wawako dprd pemkab pemko pemkot sekda gubernur dewan sekdako")
_NOT_A_PLACE = words("kuliner masakan nasi rendang sate soto bubur")  # sate padang, nasi padang
_ENDS_SENTENCE = re.compile(r"[.!?\n:\"“”‘(]")
_DATELINE_END = re.compile(r"\s{0,3}(?:[-–—:|]|\(\s?\w+\s?\)\s?[-–—])")
_AFTER_OUTLET = words("com id co net")  # "Liputan6.com, Jakarta"
_OUTLET_AFTER = re.compile(r"\s?,\s?[\w.]{3,30}\.(?:com|co|id|net)\b", re.IGNORECASE)  # "JAKARTA, KOMPAS.com"
_CITY_AND_DATE = re.compile(r"\s?,\s(?:\w+\s?)?\(?\d{1,2}[/ ]")  # "(Pekanbaru, 24/11)" is how letters are dated

_ORDER: tuple[Level, ...] = ("decoy", "road", "district", "region", "town", "village", "province", "elsewhere")
_DATELINE = 1.4
_WHOLE_PROVINCE = 1.0  # the province is named at all
_ENOUGH = 1.0  # a journey to another province is not yet an event there
_AWAY = 1.25  # so much more must speak for elsewhere than for here
_AT_HOME = 2.0  # the same for an outlet or author whose home is here
_SENT_FROM = "31"  # national news is sent from Jakarta: its dateline alone tells nothing
_REVIEWED = words("reviews review ulasan keluhan aduan pengaduan komplain tweets mentions")
_SECOND = 0.75  # share of the best region's weight that makes a second one count
_PAIRED = 0.5  # the same where the two are named side by side
_WEIGHTS: dict[Level, float] = {
    "province": 1.0,
    "region": 2.0,
    "district": 2.4,
    "village": 2.2,
    "town": 2.2,
    "road": 1.2,
    "elsewhere": 2.0,
    "decoy": 1.6,
}


@dataclass(frozen=True, slots=True)
class Where:
    """Where a text says it happens. A home region that was only hinted at is never in `regions`."""

    place: PlaceLabel
    regions: tuple[str, ...] = ()  # best first
    districts: tuple[str, ...] = ()
    roads: tuple[str, ...] = ()  # names of the road table
    spans: tuple[Span, ...] = ()  # of what was found in the text itself


@dataclass(frozen=True, slots=True)
class Name:
    """What a phrase may mean."""

    level: Level
    regions: tuple[str, ...]  # province code for other provinces; empty where it is no place
    rule: str = ""
    district: str = ""
    road: str = ""
    common: bool = False  # a street name of many towns tells no town


@dataclass(frozen=True, slots=True)
class Around:
    """The words around a name, as far as they matter."""

    before: str
    before2: str
    office: bool  # behind an office, a school or the like, perhaps with its number
    capital: bool  # capital first letter inside a sentence of mixed case
    dateline: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A name at its place: what it means, or, until it is settled, what it may mean."""

    name: Name | None
    may_be: tuple[Name, ...]
    reading: Reading
    first: int  # words first..last of the reading
    last: int
    around: Around
    in_title: bool


def is_about_one_service(source: str) -> bool:
    """Whether a source is a page of reviews or complaints, so that its name tells what its texts are about."""
    return bool(source) and not _REVIEWED.isdisjoint(read(source).words)


class Places:
    """Finds where a text happens, for one jurisdiction: `places(text, hint, title)`."""

    def __init__(self, jurisdiction: Jurisdiction) -> None:
        self._province = jurisdiction.province
        self._phrases = Phrases(_entries(jurisdiction))

    def __call__(self, text: str, hint: str | None = None, title: str = "", source: str = "") -> Where:
        """`hint`: region code of the outlet's or author's home; it settles doubtful names, nothing more.

        `source`: name of the outlet or page. A page of reviews or complaints is about one place, so its name counts
        where the text names none; the name of a newspaper never does.
        """
        seen = [*self._find(title, in_title=True), *self._find(text, in_title=False)]
        found = self._settle(seen, hint)
        scores = _scores(found)
        if sum(scores.values()) < _ENOUGH and is_about_one_service(source):
            found = self._settle(self._find(source, in_title=True), hint)
            scores = _scores(found)
        inside = {code: score for code, score in scores.items() if self._is_inside(code)}
        outside = {code: score for code, score in scores.items() if code not in inside}
        if not inside and sum(outside.values()) < _ENOUGH:
            return Where("unknown", roads=_roads(found, ()))
        if sum(outside.values()) > sum(inside.values()) * (_AT_HOME if hint and self._is_inside(hint) else _AWAY):
            return Where("other", spans=_spans(found, outside))
        regions = self._happens_in(inside, found)
        return Where("riau", regions, _districts(found, regions), _roads(found, regions), _spans(found, inside))

    def _is_inside(self, code: str) -> bool:
        return code.split(".", 1)[0] == self._province

    def _find(self, part: str, *, in_title: bool) -> list[Found]:
        """Names in one part, each meaning judged from the words around it."""
        if not part:
            return []
        reading = read(part)
        found = []
        for hit in self._phrases.longest(reading):
            around = _around(reading, hit.first, hit.last)
            judged = [(name, _judge(name, around)) for name in hit.value]
            certain = [name for name, verdict in judged if verdict == "yes"]
            may_be = tuple(name for name, verdict in judged if verdict == "ask")
            if certain or may_be:
                found.append(Found(_best(certain), may_be, reading, hit.first, hit.last, around, in_title))
        return found

    def _settle(self, seen: Sequence[Found], hint: str | None) -> list[Found]:
        """Doubtful names are settled by the certain ones, and by the home of the outlet."""
        certain = {code for one in seen if one.name and one.name.level != "road" for code in one.name.regions}
        home = {hint} if hint and self._is_inside(hint) else set()
        about_here = bool(home) or any(self._is_inside(code) for code in certain)
        settled = []
        for one in seen:
            name = one.name or _best([n for n in one.may_be if _fits(n, certain | home, about_here)])
            if name:
                settled.append(replace(one, name=name))
        return settled

    def _happens_in(self, inside: dict[str, float], found: Sequence[Found]) -> tuple[str, ...]:
        """The regencies and cities it happens in; none where the text is about the whole province.

        A second one needs almost the weight of the first: bodies of the provincial capital speak in most articles.
        A dateline alone does not outweigh a text that keeps speaking of the province.
        """
        regions = {code: score for code, score in inside.items() if code != self._province}
        if not regions:
            return ()
        ranked = sorted(regions, key=lambda code: -regions[code])
        best = regions[ranked[0]]
        if best <= _DATELINE and inside.get(self._province, 0) >= _WHOLE_PROVINCE:
            return ()
        if len(ranked) > 3 and regions[ranked[3]] > best * _SECOND:
            return ()  # a survey of many places is about none of them
        paired = _paired(found)
        return tuple(
            code
            for code in ranked
            if code == ranked[0]
            or regions[code] >= best * _SECOND
            or ({code, ranked[0]} in paired and regions[code] >= best * _PAIRED)
        )


def _entries(tables: Jurisdiction) -> Iterator[tuple[str, Name]]:
    for region in tables.regions.values():
        level: Level = "province" if region.code == tables.province else "region"
        for alias in region.aliases:
            yield alias, Name(level, (region.code,))
    for district in tables.districts.values():
        for alias in (district.name, *district.aliases):
            yield alias, Name("district", (district.region,), district.rule, district.code)
    for level, places in (("town", tables.towns), ("village", tables.villages)):
        for place in places:
            for alias in (place.name, *place.aliases):
                yield alias, Name(level, (place.region,), place.rule, place.district)
    for road in tables.roads:
        vague = road.common or len(road.regions) > 2
        name = Name("road", road.regions, "riau" if vague else "", road=road.name, common=vague)
        for alias in (road.name, *road.aliases):
            yield from ((phrase, name) for phrase in _road_phrases(alias))
    for decoy in tables.decoys:
        yield decoy.phrase, Name("decoy", (decoy.place,) if decoy.place else ())
    for other in tables.elsewhere:
        yield from ((phrase, Name("elsewhere", (other.code,))) for phrase in other.names)
        yield from ((phrase, Name("elsewhere", (other.code,), "capital")) for phrase in other.doubtful)


def _road_phrases(alias: str) -> tuple[str, ...]:
    """Aliases of the table that begin with "jalan" need it; the others stand alone too."""
    first = alias.lower().split()[0]
    return (alias,) if first in {"jalan", "tol", "jembatan", "akses", "flyover"} else (alias, "jalan " + alias)


def _around(reading: Reading, first: int, last: int) -> Around:
    """Looks at most at a few dozen characters on either side."""
    words, spans, text = reading.words, reading.spans, reading.text
    start, end = spans[first][0], spans[last][1]
    gap = text[spans[first - 1][1] : start] if first else "."
    opens_sentence = bool(_ENDS_SENTENCE.search(gap[:40]))
    shouted = text[start:end].isupper() and first > 0 and text[spans[first - 1][0] : spans[first - 1][1]].isupper()
    after = text[end : end + 40]
    opening = first < 6 and (
        words[first - 1] in _AFTER_OUTLET or bool(_DATELINE_END.match(after) or _OUTLET_AFTER.match(after))
    )
    dateline = opening or bool(_CITY_AND_DATE.match(after))
    before, before2 = words[first - 1] if first else "", words[first - 2] if first > 1 else ""
    return Around(
        before=before,
        before2=before2,
        office=before in _OFFICES or (before.isdigit() and before2 in _OFFICES),
        capital=text[start].isupper() and not opens_sentence and not shouted,
        dateline=dateline,
    )


def _judge(name: Name, around: Around) -> Literal["yes", "no", "ask"]:
    """Whether a name is meant as a place here: by the words around it alone, or only with the rest of the text."""
    before = around.before
    marked = before in _MARKER
    if before in _NOT_A_PLACE:
        return "no"
    match name.rule:
        case "":
            return "yes"
        case "district":
            return "yes" if marked else "no"
        case "capital":
            return "yes" if marked or around.capital or before in _LOCATIVE or around.office else "ask"
        case "marker":
            sure = marked or around.office or (around.capital and before in _LOCATIVE)
            return "yes" if sure else "ask" if around.capital else "no"
        case "village":
            return "ask" if around.capital or before in _VILLAGE else "no"
        case _:
            return "yes" if marked and name.level != "road" else "ask"


def _fits(name: Name, named: set[str], about_here: bool) -> bool:
    """Whether the rest of the text makes a doubtful name a place."""
    if name.rule in {"riau", "village"}:
        return about_here and (name.rule == "riau" or not named or bool(named & set(name.regions)))
    return name.level != "elsewhere" and bool(named & set(name.regions))


def _best(names: Sequence[Name]) -> Name | None:
    """Of several meanings the most exact; a regency before its namesake district unless a marker stood before it."""
    return min(names, key=lambda name: _ORDER.index(name.level), default=None)


def _scores(found: Sequence[Found]) -> dict[str, float]:
    """Region or province code -> weight of all that speaks for it; the third and later mentions count little."""
    scores: dict[str, float] = defaultdict(float)
    times: dict[tuple[str, ...], int] = defaultdict(int)
    for one in found:
        name = one.name
        if name is None or not name.regions or name.common:
            continue
        times[name.regions] += 1
        weight = _weight(one, name) * (1.0 if times[name.regions] <= 2 else 0.3)
        for rank, code in enumerate(name.regions):
            scores[code] += weight / (1 + rank)
    if scores.get(_SENT_FROM, 0) <= _DATELINE:
        scores.pop(_SENT_FROM, None)
    return dict(scores)


def _weight(one: Found, name: Name) -> float:
    weight = _WEIGHTS[name.level]
    around = one.around
    if around.dateline:
        return _DATELINE
    if around.before in _ORIGIN or around.before2 in _ORIGIN:
        weight *= 0.4
    elif around.before in _HEAD:
        weight *= 0.6
    elif around.before in {"ke", "dari"}:
        weight *= 0.4 if name.level == "elsewhere" else 0.7
    elif around.before in _LOCATIVE or around.before in _MARKER:
        weight += 1.0
    return weight * (1.5 if one.in_title else 1.0)


def _paired(found: Sequence[Found]) -> set[frozenset[str]]:
    """Regions named side by side: "Siak dan Kampar", "Pekanbaru-Dumai"."""
    pairs = set()
    for one, two in pairwise(found):
        if one.name and two.name and one.reading is two.reading and 0 < two.first - one.last <= 2:
            between = one.reading.words[one.last + 1 : two.first]
            if not between or between[0] in {"dan", "serta", "maupun", "hingga"}:
                pairs |= {frozenset((a, b)) for a in one.name.regions for b in two.name.regions if a != b}
    return pairs


def _districts(found: Sequence[Found], regions: Sequence[str]) -> tuple[str, ...]:
    """Districts of those regions, most often named first."""
    times = Counter(
        one.name.district for one in found if one.name and one.name.district and one.name.regions[0] in regions
    )
    return tuple(code for code, _ in times.most_common(3))


def _roads(found: Sequence[Found], regions: Sequence[str]) -> tuple[str, ...]:
    """Roads of the table that lie in those regions; all where no region is known."""
    names = [
        one.name.road
        for one in found
        if one.name and one.name.road and (not regions or set(regions) & set(one.name.regions))
    ]
    return tuple(dict.fromkeys(names))


def _spans(found: Sequence[Found], codes: Iterable[str]) -> tuple[Span, ...]:
    """Where in the text (not the title) the chosen places are named, at most ten."""
    codes = set(codes)
    spans = [
        Span(one.reading.spans[one.first][0], one.reading.spans[one.last][1], "place")
        for one in found
        if not one.in_title and one.name and codes & set(one.name.regions)
    ]
    return tuple(spans[:10])
