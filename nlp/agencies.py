"""Who is answerable: the kinds of body, and in the own province the very offices, best first and each with a reason.

Three sorts of evidence are gathered and added up like independent chances:

1. bodies named in the text ("Disdukcapil Siak", "kapolsek", "@pln_123"); the place behind the name, or else the place
   of the text, tells which office;
2. rules of competence: a cue ("lampu jalan"), or a road of known status, with a sector and a place;
3. the sector alone.

Bodies that usually speak about failures of others (councils, heads of regions) weigh little. Nothing found
is an answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from nlp.analysis import Guess, Span
from nlp.jurisdiction import AgencyRow, Body, Jurisdiction, Rule
from nlp.phrases import Hit, Phrases, Reading, read, words
from nlp.places import Where, is_about_one_service

_AGAIN = (1.0, 0.4, 0.2)  # worth of the first, second and third mention of one body
_RANKS = (1.0, 0.5, 0.35)  # worth of the first, second and third kind that a rule names
_EXACT = 0.6
_LEAD = 40  # words of a text in which its subject is named
_SKIPPED = words("kota kabupaten kecamatan kelurahan negeri cabang daerah rayon area wilayah se di unit")
_MIXED = frozenset({"OTHER", "KEMENTERIAN"})  # kinds whose bodies have nothing in common
_MOST = 3  # guesses given
_LEAST = 0.2  # chance below which nothing is said
_MOST_SPANS = 6


@dataclass(frozen=True, slots=True)
class Answerable:
    """Kinds of body and, inside the province, agency ids; best first. Empty: cannot tell."""

    kinds: tuple[Guess, ...] = ()
    agencies: tuple[Guess, ...] = ()
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """What a name in the text stands for: one office, or a kind of body whose place must be found."""

    agency: str = ""
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Meant:
    """The offices that one name in the text stands for."""

    kind: str
    ids: tuple[str, ...]
    exact: bool  # named with its place or by its own name, so that later bare mentions mean the same
    local: bool  # there is one in each region
    speaks_only: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason to hold a kind of body answerable."""

    kind: str
    agencies: tuple[str, ...]  # ids, most responsible first
    chance: float
    reason: str
    source: Literal["name", "rule", "sector"]
    span: Span | None = None
    rule: Rule | None = None
    exact: bool = False


class Agencies:
    """Finds who is answerable, for one jurisdiction."""

    def __init__(self, jurisdiction: Jurisdiction) -> None:
        self._tables = jurisdiction
        self._names = Phrases(_names(jurisdiction))
        self._cues = Phrases((cue, rule) for rule in jurisdiction.rules for cue in rule.cues)
        self._places = Phrases(_place_names(jurisdiction))
        self._sectors_of = _sectors_of(jurisdiction)
        self._families = _families(jurisdiction.agencies.values())
        self._statuses = {road.name: road.status for road in jurisdiction.roads}

    def __call__(
        self,
        text: str,
        title: str,
        where: Where,
        sectors: Sequence[Guess],
        hint: str | None = None,
        source: str = "",
    ) -> Answerable:
        """`sectors`: the classifier's guesses, possibly wrong; a strong cue in the text overrides them.

        `hint`: region of the outlet's or author's home. It only suggests an office where the text names no place.
        `source`: a page of reviews or complaints ("Mobile JKN reviews") names the service where the text does not.
        """
        chances = {guess.code: guess.p for guess in sectors}
        regions = self._regions(where, hint)
        parts = [(read(part), in_title) for part, in_title in ((title, True), (text, False)) if part]
        named = self._named(parts, chances, regions)
        if not named and is_about_one_service(source):
            named = self._named([(read(source), True)], chances, regions, reviewed=True)
        ruled = [*self._cued(parts, chances, regions), *self._by_road(where, chances, regions)]
        evidence = _give_way([*named, *ruled])
        evidence += self._by_sector(chances, regions)
        kinds = _ranked((one.kind, one, one.chance, one.reason) for one in evidence)
        return Answerable(kinds, self._offices(evidence, where, hint), _spans(evidence, kinds))

    def kinds_named(self, reading: Reading) -> list[str]:
        """Kinds of body a text points at by name or by a strong cue, whatever its place; for the classifier."""
        named = (_one(hit.value) for hit in self._names.longest(reading))
        kinds = [one.body.kind if one.body else self._tables.agencies[one.agency].kind for one in named]
        cued = [rule.kinds[0] for hit in self._cues.all(reading) for rule in hit.value if rule.strong]
        return sorted({*kinds[:_MOST], *cued[:_MOST]})

    def _regions(self, where: Where, hint: str | None) -> tuple[str, ...]:
        """Regions an office may be sought in: of the text, or else suggested by the home of the source."""
        if where.regions:
            return where.regions[:2]
        suggested = where.place == "unknown" and hint in self._tables.regions and hint != self._tables.province
        return (hint,) if suggested and hint else ()

    def _named(
        self,
        parts: Sequence[tuple[Reading, bool]],
        chances: Mapping[str, float],
        regions: Sequence[str],
        *,
        reviewed: bool = False,
    ) -> list[Evidence]:
        """Bodies named in title and text. Each further mention of the same body adds little."""
        mentions = [
            (reading, in_title, hit, self._meant(_one(hit.value), reading, hit, behind, regions))
            for reading, in_title in parts
            if (hits := self._names.longest(reading))
            for behind in [{hit.first: hit for hit in sorted(self._places.all(reading), key=lambda hit: hit.last)}]
            for hit in hits
        ]
        exact = {meant.kind: meant.ids for *_, meant in mentions if meant.exact}
        times: dict[tuple[str, tuple[str, ...]], int] = defaultdict(int)
        evidence = []
        for reading, in_title, hit, meant in mentions:
            ids = meant.ids if meant.exact or not meant.local else exact.get(meant.kind, meant.ids)
            times[meant.kind, ids] += 1
            if times[meant.kind, ids] > len(_AGAIN):
                continue
            chance = self._weight(meant, chances, early=in_title or hit.first < _LEAD, reviewed=reviewed)
            start, end = reading.spans[hit.first][0], reading.spans[hit.last][1]
            span = None if in_title else Span(start, end, "agency")
            reason = f"disebut: {reading.text[start:end]}"
            chance *= _AGAIN[times[meant.kind, ids] - 1]
            evidence.append(Evidence(meant.kind, ids, chance, reason, "name", span, exact=meant.exact))
        return evidence

    def _meant(
        self,
        named: Named,
        reading: Reading,
        hit: Hit[tuple[Named, ...]],
        behind: Mapping[int, Hit[tuple[str, ...]]],
        regions: Sequence[str],
    ) -> Meant:
        """The offices a name stands for, by the place that follows it or the places of the text."""
        body = named.body
        if body is None:
            row = self._tables.agencies[named.agency]
            return Meant(row.kind, (row.id,), exact=True, local=False, speaks_only=False)
        place = _following(reading, hit.last, behind)
        here = (place,) if place else regions
        of_province = place == self._tables.province or not here
        ids = body.province if of_province else self._resolved(body.local, here)
        local = any("{R}" in template or template.endswith("*") for template in body.local)
        exact = bool(place) if local else bool(ids)
        return Meant(body.kind, ids, exact=exact, local=local, speaks_only=body.speaks_only)

    def _weight(self, meant: Meant, chances: Mapping[str, float], *, early: bool, reviewed: bool) -> float:
        """How much a name alone says: more where its kind serves the guessed sector, and near the beginning.

        What a page of reviews is about stays so even where the classifier guesses another sector.
        """
        serves: Iterable[str] = self._sectors_of.get(meant.kind, ())
        if meant.kind in _MIXED and meant.ids:
            serves = [sector for id_ in meant.ids for sector in self._tables.agencies[id_].sectors if sector != "LLN"]
        fits = max((chances.get(sector, 0.0) for sector in serves), default=0.0)
        weight = 0.35 + 0.4 * fits + (0.1 if early else 0.0) + (0.05 if meant.exact else 0.0)
        if chances and fits < 0.1 and not reviewed:
            weight *= 0.5
        if meant.speaks_only:
            weight *= 0.6 if fits >= 0.3 else 0.35
        return weight

    def _cued(
        self, parts: Sequence[tuple[Reading, bool]], chances: Mapping[str, float], regions: Sequence[str]
    ) -> Iterator[Evidence]:
        """Rules of competence whose cue is in title or text, each once."""
        done: set[str] = set()
        for reading, in_title in parts:
            for hit in self._cues.all(reading):
                for rule in hit.value:
                    if rule.name not in done:
                        done.add(rule.name)
                        start, end = reading.spans[hit.first][0], reading.spans[hit.last][1]
                        span = None if in_title else Span(start, end, "agency")
                        yield from self._ruled(rule, chances, regions, rule.reason, span)

    def _by_road(self, where: Where, chances: Mapping[str, float], regions: Sequence[str]) -> Iterator[Evidence]:
        for road in where.roads:
            for rule in self._tables.rules:
                if self._statuses[road] in rule.roads:
                    yield from self._ruled(rule, chances, regions, f"{rule.reason} ({road})", None)

    def _ruled(
        self, rule: Rule, chances: Mapping[str, float], regions: Sequence[str], reason: str, span: Span | None
    ) -> Iterator[Evidence]:
        """What a rule says, as far as the sectors and the place allow."""
        if rule.regions and not set(rule.regions) & set(regions):
            return
        fits = max((chances.get(sector, 0.0) for sector in rule.sectors), default=0.0)
        if fits < 0.1 and chances and not rule.strong:
            return
        if rule.strong:
            against = 0.0 if fits >= 0.1 else max(chances.values(), default=0.0)
            chance = 0.45 + 0.35 * fits - 0.2 * against
        else:
            chance = 0.25 + 0.4 * fits
        ids = self._resolved(rule.agencies, regions)
        for rank, kind in enumerate(rule.kinds):
            mine = ids if rank == 0 else tuple(i for i in ids if self._tables.agencies[i].kind == kind)
            yield Evidence(kind, mine, chance * _RANKS[rank], reason, "rule", span if rank == 0 else None, rule)

    def _by_sector(self, chances: Mapping[str, float], regions: Sequence[str]) -> Iterator[Evidence]:
        for sector, chance in chances.items():
            rule = self._tables.defaults.get(sector)
            for rank, kind in enumerate(rule.kinds if rule else ()):
                ids = self._resolved(rule.agencies, regions) if rule and rank == 0 else ()
                yield Evidence(kind, ids, 0.4 * chance * _RANKS[rank], rule.reason if rule else "", "sector")

    def _resolved(self, templates: Iterable[str], regions: Sequence[str]) -> tuple[str, ...]:
        """Existing office ids for the regions: "RI-{R}-DPUPR", "VT-PLN-*" (the office that serves), or plain ids."""
        ids: dict[str, None] = {}
        for template in templates:
            if "{R}" not in template and not template.endswith("-*"):
                ids[template] = None
                continue
            for region in regions:
                name = template.replace("{R}", self._tables.regions[region].tag)
                if name in self._tables.agencies:
                    ids[name] = None
                elif template.startswith("VT-"):
                    family = template.removesuffix("*").removesuffix("{R}")
                    ids.update(dict.fromkeys(self._families.get((family, region), ())))
        return tuple(ids)

    def _offices(self, evidence: Iterable[Evidence], where: Where, hint: str | None) -> tuple[Guess, ...]:
        """Offices of this province; none where the text happens elsewhere, or nowhere known."""
        suggested = where.place == "unknown" and bool(hint) and hint in self._tables.regions
        if where.place == "other" or (where.place == "unknown" and not suggested):
            return ()
        chances = (
            (id_, one, one.chance * 0.75**rank, self._reason(one, id_))
            for one in evidence
            for rank, id_ in enumerate(one.agencies[:_MOST])
        )
        ranked = _ranked(chances)
        if not suggested:
            return ranked
        note = "; tempat menurut asal sumber, belum pasti"
        halved = (replace(guess, p=guess.p / 2, reason=guess.reason + note) for guess in ranked)
        return tuple(guess for guess in halved if guess.p >= _LEAST)

    def _reason(self, one: Evidence, id_: str) -> str:
        row = self._tables.agencies[id_]
        sure = "" if row.confirmed and (one.rule is None or one.rule.verified == "news") else " (perlu dipastikan)"
        return f"{one.reason} → {row.name}{sure}" if not one.reason.startswith("disebut") else one.reason


def _names(tables: Jurisdiction) -> Iterator[tuple[str, Named]]:
    for body in tables.bodies:
        yield from ((name, Named(body=body)) for name in body.names)
    for row in tables.agencies.values():
        for alias in row.aliases:
            yield alias, Named(agency=row.id)
            if alias.startswith("pol"):
                yield "ka" + alias, Named(agency=row.id)  # kapolsek, kapolres


def _place_names(tables: Jurisdiction) -> Iterator[tuple[str, str]]:
    """Names that, right behind the name of a body, tell whose it is; there even doubtful ones are places."""
    for region in tables.regions.values():
        yield from ((alias, region.code) for alias in (region.short, *region.aliases))
    yield "provinsi", tables.province
    for district in tables.districts.values():
        yield from ((alias, district.region) for alias in (district.name, *district.aliases))
    for town in tables.towns:
        yield from ((alias, town.region) for alias in (town.name, *town.aliases))


def _sectors_of(tables: Jurisdiction) -> dict[str, frozenset[str]]:
    """Kind -> sectors in which a body of this kind is answerable, by rows and rules."""
    sectors: dict[str, set[str]] = defaultdict(set)
    for row in tables.agencies.values():
        sectors[row.kind] |= set(row.sectors) - {"LLN"}
    for rule in (*tables.rules, *tables.defaults.values()):
        for kind in rule.kinds:
            sectors[kind] |= set(rule.sectors)
    return {kind: frozenset(codes) for kind, codes in sectors.items()}


def _families(rows: Iterable[AgencyRow]) -> dict[tuple[str, str], list[str]]:
    """("VT-PLN-", region) -> offices of the family that serve the region."""
    families: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row.id.count("-") >= 2:
            family = row.id[: row.id.index("-", 3) + 1]
            for region in row.serves or (row.region,):
                families[family, region].append(row.id)
    return dict(families)


def _one(values: Sequence[Named]) -> Named:
    """A name filed both as an office and as a kind of body is read as the kind, so that its place is looked for."""
    return next((named for named in values if named.body), values[0])


def _following(reading: Reading, last: int, behind: Mapping[int, Hit[tuple[str, ...]]]) -> str:
    """Region of the place that stands behind word `last`, "" for none: "Polsek Tualang", "RSUD Kabupaten Siak"."""
    at = last + 1
    while at <= last + 3 and at < len(reading.words) and reading.words[at] in _SKIPPED:
        at += 1
    hit = behind.get(at)
    return hit.value[0] if hit and at <= last + 3 else ""


def _give_way(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Ordinary rules weaken beside what is more certain.

    They count half where a strong rule, or a road of known status, decides the same sector; and less where a body of
    another kind is named exactly and fits the sector: "BUMD Tuah Sekata" against the rule that power is PLN's.
    """
    decided = {sector for one in evidence if one.rule and _decides(one.rule) for sector in one.rule.sectors}
    named = {one.kind for one in evidence if one.exact and one.chance >= _EXACT}
    return [replace(one, chance=one.chance * _worth(one, decided, named)) for one in evidence]


def _decides(rule: Rule) -> bool:
    return rule.strong or bool(rule.roads and "tidak pasti" not in rule.roads)


def _worth(one: Evidence, decided: set[str], named: set[str]) -> float:
    if one.rule is None:
        return 1.0
    weaker = not _decides(one.rule) and not decided.isdisjoint(one.rule.sectors)
    return (0.5 if weaker else 1.0) * (0.6 if named and one.kind not in named else 1.0)


def _ranked(chances: Iterable[tuple[str, Evidence, float, str]]) -> tuple[Guess, ...]:
    """Names add up as if independent; of the rules, and of the sectors, only the weightiest counts for a code."""
    found: dict[str, dict[int | str, tuple[float, str]]] = defaultdict(
        dict
    )  # a key for each independent piece of evidence
    for code, one, chance, reason in chances:
        piece = id(one) if one.source == "name" else one.source
        if chance > found[code].get(piece, (0.0, ""))[0]:
            found[code][piece] = (min(chance, 0.95), reason)
    guesses = [
        Guess(code, min(0.95, 1.0 - prod(1.0 - chance for chance, _ in pieces.values())), max(pieces.values())[1])
        for code, pieces in found.items()
    ]
    guesses.sort(key=lambda guess: -guess.p)
    return tuple(guess for guess in guesses[:_MOST] if guess.p >= _LEAST)


def _spans(evidence: Iterable[Evidence], kinds: Sequence[Guess]) -> tuple[Span, ...]:
    """Where in the text the evidence for the given kinds stands."""
    told = {guess.code for guess in kinds}
    spans = {one.span for one in evidence if one.span and one.kind in told}
    return tuple(sorted(spans, key=lambda span: span.start)[:_MOST_SPANS])
