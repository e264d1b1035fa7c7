"""The facts of a province: places, roads, bodies, and who answers for what. A second province is a second folder.

Tables are CSV (agencies, districts, villages, towns, roads, decoys, names of bodies) or TOML (regions, competence).
Lists inside a cell are separated by "|". Every row keeps how it was verified: `text`, `news`, `seen`, `mem` (general
knowledge, not looked up), `template` or `rule` (made by pattern), `unverified`, `unknown`.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent / "jurisdictions"
UNCONFIRMED = frozenset({"mem", "template", "rule", "unverified", "unknown"})


class JurisdictionError(Exception):
    """The tables of a province are missing or do not agree with each other."""


@dataclass(frozen=True, slots=True)
class Label:
    """One code of the taxonomy in both languages."""

    code: str
    id: str
    en: str
    definition: str = ""  # Indonesian
    definition_en: str = ""

    def name(self, language: str = "id") -> str:
        """The label in `language`, "id" or "en"."""
        return self.en if language == "en" else self.id


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Code -> Label for each axis, in the order of the table."""

    sectors: Mapping[str, Label]
    forms: Mapping[str, Label]
    kinds: Mapping[str, Label]
    urgencies: Mapping[str, Label]


@dataclass(frozen=True, slots=True)
class Region:
    """The province itself or one of its regencies and cities."""

    code: str  # "14", "14.71"
    name: str
    short: str
    kind: str  # provinsi | kabupaten | kota
    capital: str
    aliases: tuple[str, ...]
    head: str
    village: str  # what a village is called here: desa, kampung, kepenghuluan, kelurahan
    tag: str  # the part of agency ids that stands for it: "1471", "PROV"
    verified: str


@dataclass(frozen=True, slots=True)
class District:
    """A kecamatan."""

    code: str
    region: str
    name: str
    aliases: tuple[str, ...]
    rule: str  # when the name counts as a place: see nlp/places.py
    verified: str


@dataclass(frozen=True, slots=True)
class Place:
    """A village, town, quarter or landmark and the district it lies in."""

    name: str
    aliases: tuple[str, ...]
    region: str
    district: str  # "" where it lies in several or is not known
    rule: str
    verified: str


@dataclass(frozen=True, slots=True)
class Road:
    """A named road and whose it is."""

    name: str
    aliases: tuple[str, ...]
    regions: tuple[str, ...]
    status: str  # nasional | provinsi | kota | tol | campuran | tidak pasti
    since: str  # ISO date from which the status holds, "" where always or not known
    common: bool  # many other towns have a street of this name
    verified: str


@dataclass(frozen=True, slots=True)
class Decoy:
    """A phrase that holds a place name and means something else, or another place."""

    phrase: str
    place: str  # region or province code, "" for none


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another province of Indonesia and the names by which it is known."""

    code: str
    name: str
    names: tuple[str, ...]
    doubtful: tuple[str, ...]  # names that are also words: Malang, Batu, Pati


@dataclass(frozen=True, slots=True)
class AgencyRow:
    """A body that can be answerable. A row verified by `rule` stands for all schools, villages or clinics there."""

    id: str
    name: str
    aliases: tuple[str, ...]
    kind: str
    level: str  # provinsi | kabkota | kecamatan | desa | vertikal
    region: str
    serves: tuple[str, ...]  # regions it works for, where they are more or other than `region`
    sectors: tuple[str, ...]
    parent: str
    verified: str
    note: str

    @property
    def confirmed(self) -> bool:
        """False where the row must be shown as "to be confirmed"."""
        return self.verified not in UNCONFIRMED


@dataclass(frozen=True, slots=True)
class Body:
    """Names that a kind of body is called by without its place: "disdukcapil", "kadisdik", "@pln_123"."""

    names: tuple[str, ...]
    kind: str
    local: tuple[str, ...]  # agency ids of a regency or city, "{R}" stands for its tag
    province: tuple[str, ...]  # where the name is followed by the province, or the region is not known
    word: str  # how it is named in a reason
    speaks_only: bool  # usually speaks about failures of others: council, ombudsman, governor


@dataclass(frozen=True, slots=True)
class Rule:
    """Who answers for a problem."""

    name: str
    cues: tuple[str, ...]
    sectors: tuple[str, ...]
    kinds: tuple[str, ...]
    agencies: tuple[str, ...]
    reason: str
    strong: bool  # the cue decides even against the sectors the classifier guessed
    regions: tuple[str, ...]  # only there; empty: everywhere
    roads: tuple[str, ...]  # only if a road of this status is named
    verified: str


@dataclass(frozen=True)
class Jurisdiction:
    """All tables of one province."""

    province: str  # its code
    name: str
    regions: Mapping[str, Region]
    districts: Mapping[str, District]
    villages: tuple[Place, ...]
    towns: tuple[Place, ...]
    roads: tuple[Road, ...]
    decoys: tuple[Decoy, ...]
    elsewhere: tuple[Elsewhere, ...]
    agencies: Mapping[str, AgencyRow]
    bodies: tuple[Body, ...]
    rules: tuple[Rule, ...]
    defaults: Mapping[str, Rule] = field(default_factory=dict)  # sector -> who answers when nothing else is known


@lru_cache(maxsize=1)
def load_taxonomy() -> Taxonomy:
    """Labels of sectors, forms, kinds of agency and urgencies."""
    table = tomllib.loads((HOME / "taxonomy.toml").read_text("utf-8"))
    axes = {axis: {code: Label(code=code, **row) for code, row in rows.items()} for axis, rows in table.items()}
    return Taxonomy(**axes)


@lru_cache(maxsize=4)
def load_jurisdiction(province: str = "riau", home: Path = HOME) -> Jurisdiction:
    """The tables in <home>/<province>/, read once. JurisdictionError says which row is wrong."""
    folder = home / province
    if not province.isidentifier() or not folder.is_dir():
        have = ", ".join(sorted(path.name for path in home.iterdir() if (path / "regions.toml").exists()))
        raise JurisdictionError(f"no jurisdiction {province!r}; there are: {have}")
    regions = _regions(folder)
    own = next(region for region in regions.values() if region.kind == "provinsi")
    districts = {row["code"]: _district(row) for row in _rows(folder / "districts.csv")}
    rules = _rules(folder)
    jurisdiction = Jurisdiction(
        province=own.code,
        name=own.short,
        regions=regions,
        districts=districts,
        villages=tuple(_village(row, districts) for row in _rows(folder / "villages.csv")),
        towns=tuple(_town(row) for row in _rows(folder / "towns.csv")),
        roads=tuple(_road(row) for row in _rows(folder / "roads.csv")),
        decoys=tuple(Decoy(row["phrase"], row["place"]) for row in _rows(folder / "decoys.csv")),
        elsewhere=tuple(_elsewhere(row) for row in _rows(home / "indonesia.csv") if row["code"] != own.code),
        agencies={row["id"]: _agency(row) for row in _rows(folder / "agencies.csv")},
        bodies=tuple(_body(row) for row in _rows(folder / "bodies.csv")),
        rules=tuple(rule for rule in rules if rule.cues or rule.roads),
        defaults={rule.sectors[0]: rule for rule in rules if not rule.cues and not rule.roads},
    )
    _agree(jurisdiction)
    return jurisdiction


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _many(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()


def _regions(folder: Path) -> dict[str, Region]:
    table = tomllib.loads((folder / "regions.toml").read_text("utf-8"))
    return {row["code"]: Region(**row | {"aliases": tuple(row["aliases"])}) for row in table["regions"]}


def _district(row: Mapping[str, str]) -> District:
    return District(row["code"], row["region"], row["name"], _many(row["aliases"]), row["rule"], row["verified"])


def _village(row: Mapping[str, str], districts: Mapping[str, District]) -> Place:
    district = row["district"]
    region = districts[district].region
    return Place(row["name"], _many(row["aliases"]), region, district, row["rule"], row["verified"])


def _town(row: Mapping[str, str]) -> Place:
    return Place(row["name"], _many(row["aliases"]), row["region"], row["district"], row["rule"], row["verified"])


def _road(row: Mapping[str, str]) -> Road:
    return Road(
        name=row["name"],
        aliases=_many(row["aliases"]),
        regions=_many(row["regions"]),
        status=row["status"],
        since=row["since"],
        common=row["common"] == "yes",
        verified=row["verified"],
    )


def _elsewhere(row: Mapping[str, str]) -> Elsewhere:
    names = (row["name"], *_many(row["aliases"]), *_many(row["places"]))
    return Elsewhere(row["code"], row["name"], names, _many(row["doubtful"]))


def _agency(row: Mapping[str, str]) -> AgencyRow:
    return AgencyRow(
        id=row["id"],
        name=row["name"],
        aliases=_many(row["aliases"]),
        kind=row["kind"],
        level=row["level"],
        region=row["region"],
        serves=_many(row["serves"]),
        sectors=_many(row["sectors"]),
        parent=row["parent"],
        verified=row["verified"],
        note=row["note"],
    )


def _body(row: Mapping[str, str]) -> Body:
    return Body(
        names=_many(row["names"]),
        kind=row["kind"],
        local=_many(row["local"]),
        province=_many(row["province"]),
        word=row["word"],
        speaks_only=row["speaks_only"] == "yes",
    )


def _rules(folder: Path) -> tuple[Rule, ...]:
    table = tomllib.loads((folder / "competence.toml").read_text("utf-8"))
    return tuple(_rule(row) for row in table["rules"])


def _rule(row: Mapping[str, Any]) -> Rule:
    lists = {key: tuple(row.get(key, ())) for key in ("cues", "sectors", "kinds", "agencies", "regions", "roads")}
    return Rule(
        name=row["name"], reason=row["reason"], strong=row.get("strong", False), verified=row["verified"], **lists
    )


def _agree(tables: Jurisdiction) -> None:
    """Every code that a row refers to exists."""
    kinds, sectors = load_taxonomy().kinds, load_taxonomy().sectors
    regions, agencies = tables.regions, tables.agencies
    wrong = [f"district {d.code}: region {d.region}" for d in tables.districts.values() if d.region not in regions]
    wrong += [f"{p.name}: region {p.region}" for p in (*tables.villages, *tables.towns) if p.region not in regions]
    wrong += [f"{p.name}: district {p.district}" for p in tables.towns if p.district not in {"", *tables.districts}]
    wrong += [f"road {r.name}: region {c}" for r in tables.roads for c in r.regions if c not in regions]
    wrong += [f"agency {a.id}: kind {a.kind}" for a in agencies.values() if a.kind not in kinds]
    wrong += [f"agency {a.id}: parent {a.parent}" for a in agencies.values() if a.parent not in {"", *agencies}]
    wrong += [
        f"agency {a.id}: region {c}" for a in agencies.values() for c in (a.region, *a.serves) if c not in regions
    ]
    names = [rule.name for rule in tables.rules]
    wrong += [f"rule {name} is there twice" for name in sorted({name for name in names if names.count(name) > 1})]
    wrong += [f"rule {r.name}: kind {k}" for r in tables.rules for k in r.kinds if k not in kinds]
    wrong += [f"rule {r.name}: sector {s}" for r in tables.rules for s in r.sectors if s not in sectors]
    named = {i for body in tables.bodies for i in (*body.local, *body.province)}
    named |= {i for rule in (*tables.rules, *tables.defaults.values()) for i in rule.agencies}
    tags = [region.tag for region in regions.values()]
    known = {*agencies, *(i[: i.rindex("-")] + "-*" for i in agencies)}
    wrong += [f"agency id {i}" for i in named if not known & {i.replace("{R}", tag) for tag in tags}]
    if wrong:
        raise JurisdictionError(f"tables of {tables.name} refer to what is not there: {'; '.join(wrong[:5])}")
