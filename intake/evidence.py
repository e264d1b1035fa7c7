"""Evidence packs: all that was received of one candidate, so that a stranger can check it without us and without a network.

A pack is a ZIP of unpacked parts in a fixed order, without dates: the same state gives the same bytes. In it are the raw
answers as WARC records, the texts with their earlier versions, what was understood and decided, and the SHA-256 of every part.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crawler import archive
from intake.models import Candidate, Case, Decision, Mention
from intake.people import audit
from nlp.jurisdiction import Label, load_taxonomy

FORM = "kentongan-evidence-1"
LEAFLET, ABOUT, MANIFEST, SUMS = "BACA-README.txt", "candidate.json", "manifest.json", "SHA256SUMS"
LEAFLET_FILE = Path(__file__).with_name("evidence.txt")
LEAST_REASON = 10  # characters
LARGEST = 1024**3  # bytes of a pack that is checked
NO_DATE = (1980, 1, 1, 0, 0, 0)
ORDINARY = re.compile(r"[\w-]+(?:\.[\w-]+)*(?:/[\w-]+(?:\.[\w-]+)*)?", re.ASCII)  # names of parts

Part = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Version:
    """One text of a mention, and the answer it was read from, if that is at hand."""

    name: str  # of its part
    title: str
    text: str
    seen_at: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class Packed:
    """What an export gave."""

    sha256: str
    answers: int
    missing: Mapping[str, str]  # digest -> why the answer is not in it


# ---- making one ----------------------------------------------------------------------------------------------------


def export(session: Session, candidate_id: int, folder: Path, file: BinaryIO, *, reason: str) -> Packed:
    """Write the pack of a candidate to `file`, open for writing and reading; leaves an audit row with the reason.

    ValueError if there is no such candidate, or no reason: raw answers hold personal data that is masked nowhere.
    """
    reason = " ".join(reason.replace("\0", "").split())
    if len(reason) < LEAST_REASON:
        raise ValueError(
            f"the raw pages hold personal data that is not masked: say why they are needed, in {LEAST_REASON} letters or more, "
            "with --reason TEXT. It is written to the audit log."
        )
    candidate = session.get(Candidate, candidate_id)
    if candidate is None:
        raise ValueError(f"there is no candidate {candidate_id}; `kentongan export candidates` lists them.")
    of_candidate = select(Mention).where(Mention.candidate_id == candidate.id).order_by(Mention.id)
    mentions = session.scalars(of_candidate.options(selectinload(Mention.revisions))).all()
    versions = {mention.id: list(_versions(mention)) for mention in mentions}
    answers, missing = _answers((one.digest for ones in versions.values() for one in ones), folder)
    about = _json(_about(session, candidate, mentions, versions))
    _write(_parts(candidate.id, about, versions, answers, missing, folder), file)
    packed = Packed(_digest_of(file), len(answers), missing)
    told = {"sha256": packed.sha256, "answers": packed.answers, "missing": len(missing)}
    audit.write(session, None, "export.evidence", f"candidate:{candidate.id}", reason=reason[:500], **told)
    return packed


def _versions(mention: Mention) -> Iterator[Version]:
    """The texts of a mention, oldest first."""
    past = [(one.title, one.text, one.seen_at, one.evidence) for one in mention.revisions]
    newest = (mention.title, mention.text, mention.edited_at or mention.fetched_at, mention.evidence)
    for number, (title, text, seen_at, digest) in enumerate([*past, newest], 1):
        yield Version(f"texts/{mention.id}-{number}.txt", title, text, seen_at.isoformat(), digest)


def _answers(digests: Iterable[str | None], folder: Path) -> tuple[dict[str, archive.Kept], dict[str, str]]:
    """The raw answers that are there and sound, by digest; and why the others are not."""
    answers, missing = {}, {}
    for digest in sorted({digest for digest in digests if digest}):
        try:
            kept = archive.read(archive.path_of(folder, digest).read_bytes())
        except FileNotFoundError:
            missing[digest] = "not kept"
        except (archive.Damaged, OSError) as error:
            missing[digest] = f"damaged: {error}"
        else:
            if kept.digest == digest:
                answers[digest] = kept
            else:
                missing[digest] = "damaged: its body is another one"
    return answers, missing


def _parts(
    candidate_id: int,
    about: bytes,
    versions: Mapping[int, Sequence[Version]],
    answers: Mapping[str, archive.Kept],
    missing: Mapping[str, str],
    folder: Path,
) -> Iterator[Part]:
    """Every part but the sums; the manifest last, for it tells of the others."""
    told: dict[str, dict[str, Any]] = {}

    def noted(name: str, content: bytes) -> Part:
        told[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        return name, content

    yield noted(LEAFLET, LEAFLET_FILE.read_bytes())
    yield noted(ABOUT, about)
    texts = [one for ones in versions.values() for one in ones]
    for one in texts:
        yield noted(one.name, f"{one.title}\n\n{one.text}\n".encode())
    for digest in answers:
        yield noted(_name_of(digest), archive.path_of(folder, digest).read_bytes())
    manifest = {
        "form": FORM,
        "candidate": candidate_id,
        "personal_data": "The answers and texts are not masked. / Jawaban dan naskah tidak disamarkan.",
        "parts": told,
        "answers": [
            {
                "sha256": digest,
                "part": _name_of(digest),
                "url": kept.url,
                "received_at": kept.at,
                "status": kept.status,
                "bytes": kept.size,
                "texts": [one.name for one in texts if one.digest == digest],
            }
            for digest, kept in answers.items()
        ],
        "missing": [
            {"sha256": digest, "why": why, "texts": [one.name for one in texts if one.digest == digest]}
            for digest, why in missing.items()
        ],
        "without_answer": [one.name for one in texts if one.digest is None],
    }
    yield MANIFEST, _json(manifest)


def _name_of(digest: str) -> str:
    return f"answers/{digest}{archive.SUFFIX}"


def _write(parts: Iterable[Part], file: BinaryIO) -> None:
    """The parts as they come, then their sums."""
    sums = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as pack:
        for name, content in parts:
            _add(pack, name, content)
            sums[name] = hashlib.sha256(content).hexdigest()
        _add(pack, SUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode())


def _add(pack: zipfile.ZipFile, name: str, content: bytes) -> None:
    part = zipfile.ZipInfo(name, NO_DATE)
    part.create_system, part.external_attr = 3, 0o100600 << 16  # a file of its owner's, whatever system made it
    pack.writestr(part, content)


def _digest_of(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(1024 * 1024):
        digest.update(piece)
    return digest.hexdigest()


def _json(value: Any) -> bytes:
    return (
        json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=lambda one: one.isoformat()).encode()
        + b"\n"
    )


# ---- what is told of the candidate ---------------------------------------------------------------------------------


def _about(
    session: Session, one: Candidate, mentions: Sequence[Mention], versions: Mapping[int, Sequence[Version]]
) -> dict[str, Any]:
    """What we understood, and who decided what when: by role, never by name; notes of officers stay with us."""
    words = load_taxonomy()
    names = {"region": one.region, "district": one.district, "place": one.place, "headline": one.headline}
    return names | {
        "id": one.id,
        "state": one.state,
        "duplicate_of": one.duplicate_of,
        "sector": _named(words.sectors, one.sector),
        "form": _named(words.forms, one.form),
        "kind": _named(words.kinds, one.kind),
        "urgency": _named(words.urgencies, one.urgency),
        "agency": {"id": one.agency_id, "name": one.agency.name, "why": one.agency_reason} if one.agency else None,
        "p_failure": one.p_failure,
        "counts": {"mentions": one.mention_count, "voices": one.voice_count, "sources": one.source_count},
        "first_told_at": one.first_told_at,
        "last_told_at": one.last_told_at,
        "created_at": one.created_at,
        "mentions": [_mention(mention, versions[mention.id]) for mention in mentions],
        "decisions": _decisions(one.decisions),
        "cases": _cases(session, one),
    }


def _named(labels: Mapping[str, Label], code: str | None) -> dict[str, str] | None:
    if code is None:
        return None
    return {"code": code} | ({name: labels[code].name(name) for name in ("id", "en")} if code in labels else {})


def _mention(one: Mention, versions: Sequence[Version]) -> dict[str, Any]:
    return {
        "id": one.id,
        "source": one.source,
        "url": one.url,
        "kind": one.kind,
        "author": one.author,
        "published_at": one.published_at,
        "fetched_at": one.fetched_at,
        "notes": one.notes,
        "near_copy_of": one.voice if one.voice != one.id else None,
        "joined_because": json.loads(one.join_reason) if one.join_reason else [],
        "analysis": one.analysis,
        "texts": [{"part": text.name, "seen_at": text.seen_at, "answer": text.digest} for text in versions],
    }


def _decisions(decisions: Iterable[Decision]) -> list[dict[str, Any]]:
    """In their order; people are told apart by a number."""
    people: dict[int, str] = {}
    return [
        {
            "id": one.id,
            "by": people.setdefault(one.person_id, f"{one.person.role} {len(people) + 1}"),
            "at": one.at,
            "action": one.action,
            "track": one.track,
            "reason": one.reason,
            "duplicate_of": one.duplicate_of,
            "undoes": one.undoes,
        }
        for one in decisions
    ]


def _cases(session: Session, candidate: Candidate) -> list[dict[str, Any]]:
    found = session.scalars(select(Case).where(Case.candidate_id == candidate.id).order_by(Case.id))
    return [
        {
            "number": one.number,
            "track": one.track,
            "agency": one.agency_id,
            "state": one.state,
            "opened_at": one.opened_at,
        }
        for one in found
    ]


# ---- checking one --------------------------------------------------------------------------------------------------

PROBLEMS = {
    "no-pack": ("Ini bukan berkas bukti Kentongan ({error}).", "This is no evidence pack of Kentongan ({error})."),
    "too-large": ("Berkas ini terlalu besar untuk diperiksa.", "The pack is too large to be checked."),
    "odd-part": ("Bagian {name} tidak semestinya ada.", "The part {name} has no place in it."),
    "no-part": ("Bagian {name} hilang.", "The part {name} is missing."),
    "changed": ("Bagian {name} berubah.", "The part {name} was changed."),
    "manifest": ("Isi manifest.json tidak cocok dengan {name}.", "manifest.json does not agree with {name}."),
    "answer": ("Jawaban {name} tidak seperti yang dinyatakan.", "The answer {name} is not what is stated of it."),
    "container": (
        "Setiap bagian utuh, tetapi wadah ZIP-nya bukan seperti yang kami tulis.",
        "Every part is sound, but the ZIP around them is not as we wrote it.",
    ),
}


NO_PACK = (  # what a file raises that is none, or not as we make it
    *(zipfile.BadZipFile, struct.error, OSError, EOFError, NotImplementedError, RuntimeError),
    *(ValueError, TypeError, LookupError, AttributeError, OverflowError),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a pack cannot be relied on."""

    message: str  # Indonesian
    english: str


def verify(path: Path) -> list[Problem]:
    """What is wrong with a pack; nothing if it is as it was made, to the last byte. OSError if it cannot be read."""
    if path.stat().st_size > LARGEST:
        return [_problem("too-large")]
    content = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as pack:
            parts, found = _read(pack)
        found = found or [*_sums_differ(parts), *_manifest_differs(parts)]
        return found or ([] if _is_ours(content, parts) else [_problem("container")])
    except NO_PACK as error:
        return [_problem("no-pack", error=type(error).__name__)]


def _problem(code: str, **values: str) -> Problem:
    return Problem(*(sentence.format(**values) for sentence in PROBLEMS[code]))


def _shown(name: str) -> str:
    """A name from a stranger, on a terminal."""
    return ascii(name[:100])[1:-1]


def _read(pack: zipfile.ZipFile) -> tuple[dict[str, bytes], list[Problem]]:
    """The parts in their order; what cannot be read, stands there twice or has an odd name is a problem."""
    parts: dict[str, bytes] = {}
    found = []
    for part in pack.infolist():
        name = part.filename
        if name in parts or not ORDINARY.fullmatch(name) or part.compress_type != zipfile.ZIP_STORED:
            found.append(_problem("odd-part", name=_shown(name)))
            continue
        try:
            parts[name] = pack.read(part)
        except zipfile.BadZipFile:
            found.append(_problem("changed", name=name))
    return parts, found


def _sums_differ(parts: Mapping[str, bytes]) -> Iterator[Problem]:
    lines = parts[SUMS].decode("ascii").splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    for name in sorted(sums.keys() - parts.keys()):
        yield _problem("no-part", name=_shown(name))
    for name, content in parts.items():
        if name != SUMS and name not in sums:
            yield _problem("odd-part", name=name)
        elif name != SUMS and hashlib.sha256(content).hexdigest() != sums[name]:
            yield _problem("changed", name=name)


def _manifest_differs(parts: Mapping[str, bytes]) -> Iterator[Problem]:
    manifest = json.loads(parts[MANIFEST])
    told, others = manifest["parts"], parts.keys() - {SUMS, MANIFEST}
    for name in sorted(told.keys() ^ others):
        yield _problem("manifest", name=_shown(name))
    for name in sorted(told.keys() & others):
        if told[name] != {"sha256": hashlib.sha256(parts[name]).hexdigest(), "bytes": len(parts[name])}:
            yield _problem("manifest", name=name)
    answers = {one["part"]: one for one in manifest["answers"]}
    for name in sorted(answers.keys() | {name for name in parts if name.startswith("answers/")}):
        if name not in answers or name not in parts or not _is_stated(answers[name], name, parts[name]):
            yield _problem("answer", name=_shown(name))


def _is_stated(stated: Mapping[str, Any], name: str, content: bytes) -> bool:
    """Whether the record holds what the manifest and its own name state: the body is hashed again."""
    try:
        kept = archive.read(content)
    except archive.Damaged:
        return False
    digest, url, at, status, size = (stated[key] for key in ("sha256", "url", "received_at", "status", "bytes"))
    return name == _name_of(digest) and kept == archive.Kept(url, at, status, digest, size)


def _is_ours(content: bytes, parts: Mapping[str, bytes]) -> bool:
    """Whether the parts, packed again, give the same bytes."""
    again = io.BytesIO()
    _write(((name, part) for name, part in parts.items() if name != SUMS), again)
    return again.getvalue() == content
