"""How well the rule of one event does: on labelled texts, or on stored mentions with what people decided as labels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from intake.models import DecisionTouch, Mention, Suggestion
from intake.review.cluster import LATER, Trace, Verdict, belongs, likeliest, same_event
from intake.review.neighbours import MOST_OPEN, trace, trace_of
from nlp import Analysis, Text
from nlp.fingerprint import key_words, signature

EVENTS = Path(__file__).parent / "events"  # invented events of Riau, and analyses.jsonl of all their texts
SETS = ("tuning", "measured", "weeks", "unseen")  # of labelled texts; nothing is ever chosen by the errors of `unseen`
MOST = 5000  # stored mentions, the newest
WORST = 10  # errors that are told
QUOTED = 70  # characters


@dataclass(frozen=True, slots=True)
class Told:
    """One labelled mention. Two of one event have the same `event`; of one press release, the same `release`."""

    id: str
    event: str
    release: str
    said: str  # its first words
    trace: Trace


@dataclass(frozen=True, slots=True)
class Grouping:
    """What the rule made of mentions in their order: a candidate and a voice for each, and pairs it would suggest."""

    candidates: tuple[int, ...]
    voices: tuple[int, ...]
    suggested: frozenset[tuple[int, int]]  # candidates


@dataclass(frozen=True, slots=True)
class Figures:
    """B-cubed and pairwise measures of a grouping, 0 to 1."""

    precision: float
    recall: float
    f1: float
    pair_precision: float
    pair_recall: float


@dataclass(frozen=True, slots=True)
class Report:
    mentions: int
    events: int
    joined: Figures
    with_suggestions: Figures  # if every right suggestion were taken, and no wrong one
    suggestions: float  # per 100 mentions
    right: float  # share of the suggestions
    voices: Figures  # the grouping into voices, against releases
    worst: tuple[str, ...]


# ---- the texts -----------------------------------------------------------------------------------------------------


def read(path: Path, analyses: Mapping[str, Mapping[str, Any]] | None = None) -> list[Told]:
    """Labelled texts of a file of JSON lines, in the order they were told in. Without analyses they are analysed now.

    Raises ValueError for a line that is no labelled text.
    """
    rows = [_row(number, line) for number, line in enumerate(path.read_text("utf-8").splitlines(), 1) if line.strip()]
    known = _analysed(rows) if analyses is None else analyses
    return [_told(row, known[row["id"]]) for row in sorted(rows, key=lambda row: (row["at"], row["id"]))]


def stored_analyses() -> dict[str, dict[str, Any]]:
    """The analyses of our own labelled texts, by id, with the `model` that made them."""
    lines = (EVENTS / "analyses.jsonl").read_text("utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


def analyse_own() -> str:
    """The analyses of our own labelled texts anew, as JSON lines; for analyses.jsonl, when the model was trained again."""
    rows = [
        _row(number, line)
        for name in SETS
        for number, line in enumerate((EVENTS / f"{name}.jsonl").read_text("utf-8").splitlines(), 1)
    ]
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in _analysed(rows).values())


def _row(number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        missing = [name for name in ("id", "event", "text", "published_at") if not isinstance(row.get(name), str)]
        if missing:
            raise ValueError(f"{', '.join(missing)} missing")
        at = datetime.fromisoformat(row["published_at"])
        if at.tzinfo is None:
            raise ValueError("published_at has no time zone")
    except (ValueError, AttributeError) as error:
        raise ValueError(f"line {number} is no labelled text of an event: {error}") from None
    return {"title": "", "source": "", **row, "at": at}


def _analysed(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    import nlp

    texts = (Text(r["id"], r["text"], r["title"], r["at"], r["source"], r.get("region")) for r in rows)
    return {one.id: _kept(one) for one in nlp.load().pipe(texts)}


def _kept(analysis: Analysis) -> dict[str, Any]:
    """What the rule needs of an analysis."""
    whole = analysis.to_dict()
    codes = {axis: [{"code": one["code"]} for one in whole[axis]] for axis in ("sectors", "kinds")}
    agencies = [{"id": one["id"]} for one in whole["agencies"][:1]]
    return {"id": analysis.id, **codes, "agencies": agencies} | {n: whole[n] for n in ("regions", "districts", "model")}


def _told(row: Mapping[str, Any], analysis: Mapping[str, Any]) -> Told:
    text = f"{row['title']}\n{row['text']}"
    seen = trace_of(
        analysis,
        told_at=row["at"],
        words=frozenset(key_words(text)),
        post=not row["title"],
        signature=signature(text),
        length=len(row["title"]) + len(row["text"]),
    )
    return Told(row["id"], row["event"], row.get("release", row["id"]), row["title"] or row["text"], seen)


def stored(session: Session) -> list[Told]:
    """The newest mentions of candidates that a person decided about: what is together now was left, or laid, together."""
    decided = select(DecisionTouch.candidate_id).union(
        select(Suggestion.first_id).where(Suggestion.state == "apart"),
        select(Suggestion.second_id).where(Suggestion.state == "apart"),
    )
    newest = select(Mention).where(Mention.candidate_id.in_(decided)).order_by(Mention.id.desc()).limit(MOST)
    return [
        Told(f"#{one.id}", f"kandidat {one.candidate_id}", str(one.voice or one.id), one.title or one.text, trace(one))
        for one in reversed(session.scalars(newest).all())
    ]


# ---- the rule over them --------------------------------------------------------------------------------------------


def group(traces: Sequence[Trace]) -> Grouping:
    """Lay each mention, in the order given, under the candidate of its event or a new one, as the inbox does."""
    candidates: list[int] = []
    voices: list[int] = []
    members: list[list[int]] = []
    suggested: set[tuple[int, int]] = set()
    for number, one in enumerate(traces):
        near = [n for n, of in enumerate(members) if any(_is_near(one, traces[other]) for other in of)]
        verdicts = {n: belongs(one, [traces[other] for other in members[n]]) for n in near}
        chosen = likeliest(verdicts)
        if chosen is None:
            chosen = len(members)
            members.append([])
        copied = (other for other in range(number) if same_event(one, traces[other]).near_copy)
        voices.append(next((voices[other] for other in copied), number))
        members[chosen].append(number)
        candidates.append(chosen)
        _suggest(suggested, chosen, verdicts)
    return Grouping(tuple(candidates), tuple(voices), frozenset(suggested))


def _is_near(one: Trace, two: Trace) -> bool:
    return abs(one.told_at - two.told_at) <= LATER


def _suggest(suggested: set[tuple[int, int]], chosen: int, verdicts: Mapping[int, Verdict]) -> None:
    """Those that may be the same too, as long as neither has MOST_OPEN of them."""
    others = [n for n, one in verdicts.items() if n != chosen and (one.joined or one.suggested)]
    for other in sorted(others, key=lambda n: (-verdicts[n].score, n))[:MOST_OPEN]:
        held = Counter(number for pair in suggested for number in pair)
        if held[chosen] < MOST_OPEN and held[other] < MOST_OPEN:
            suggested.add((min(chosen, other), max(chosen, other)))


# ---- measuring -----------------------------------------------------------------------------------------------------


def backtest(told: Sequence[Told]) -> Report:
    """Run the rule over labelled mentions."""
    grouping = group([one.trace for one in told])
    events = [one.event for one in told]
    right = [
        pair for pair in grouping.suggested if _mostly(grouping, events, pair[0]) == _mostly(grouping, events, pair[1])
    ]
    merged = _merged(grouping.candidates, right)
    return Report(
        mentions=len(told),
        events=len(set(events)),
        joined=measure(events, grouping.candidates),
        with_suggestions=measure(events, merged),
        suggestions=100 * len(grouping.suggested) / max(1, len(told)),
        right=len(right) / max(1, len(grouping.suggested)),
        voices=measure([one.release for one in told], grouping.voices),
        worst=tuple(_worst(told, grouping)),
    )


def measure(labels: Sequence[str], groups: Sequence[int]) -> Figures:
    """B-cubed: of the mentions beside one in its group, and of those of its event, how many belong together; by mention."""
    events, sizes, both = Counter(labels), Counter(groups), Counter(zip(labels, groups, strict=True))
    precision = sum(n * n / sizes[group] for (_, group), n in both.items()) / max(1, len(labels))
    recall = sum(n * n / events[event] for (event, _), n in both.items()) / max(1, len(labels))
    together = _pairs(both.values())
    return Figures(
        precision,
        recall,
        2 * precision * recall / ((precision + recall) or 1),
        together / (_pairs(sizes.values()) or 1),
        together / (_pairs(events.values()) or 1),
    )


def _pairs(counts: Iterable[int]) -> int:
    return sum(n * (n - 1) // 2 for n in counts)


def _mostly(grouping: Grouping, events: Sequence[str], candidate: int) -> str:
    return Counter(e for e, n in zip(events, grouping.candidates, strict=True) if n == candidate).most_common(1)[0][0]


def _merged(candidates: Sequence[int], pairs: Iterable[tuple[int, int]]) -> list[int]:
    leads = list(range(max(candidates, default=0) + 1))
    for one, two in sorted(pairs):
        old, new = leads[two], leads[one]
        leads = [new if lead == old else lead for lead in leads]
    return [leads[candidate] for candidate in candidates]


def _worst(told: Sequence[Told], grouping: Grouping) -> Iterable[str]:
    """The errors the rule was surest of: joined and not one event, then one event and apart; one of a kind."""
    errors: dict[tuple[str, ...], tuple[float, str]] = {}
    for number, two in enumerate(told):
        for before in range(number):
            one, joined = told[before], grouping.candidates[before] == grouping.candidates[number]
            if joined == (one.event == two.event) or not _is_near(one.trace, two.trace):
                continue
            score = same_event(one.trace, two.trace).score
            wrong = f"{'joined, but two events' if joined else 'one event, but apart'} ({score:.1f})"
            kind = (wrong[:3], *sorted((one.event, two.event)))
            surer = score + 100 if joined else -score  # a hidden event is worse than a second candidate
            if kind not in errors or errors[kind][0] < surer:
                errors[kind] = (surer, f"{wrong}: {one.id} {_short(one)} | {two.id} {_short(two)}")
    return [said for _, said in sorted(errors.values(), reverse=True)[:WORST]]


def _short(one: Told) -> str:
    said = " ".join(one.said.split())
    return f"“{said if len(said) <= QUOTED else said[:QUOTED] + '…'}”"


def in_words(report: Report) -> str:
    """The report for a terminal."""

    def line(name: str, f: Figures) -> str:
        return f"{name:<28}{f.precision:10.3f}{f.recall:8.3f}{f.f1:8.3f}{f.pair_precision:12.3f}{f.pair_recall:8.3f}"

    return "\n".join(
        (
            f"{report.mentions} mentions of {report.events} events",
            f"{'':<28}{'B-cubed P':>10}{'R':>8}{'F1':>8}{'pairs P':>12}{'R':>8}",
            line("joined", report.joined),
            line("and right suggestions taken", report.with_suggestions),
            line("independent voices", report.voices),
            f"{report.suggestions:.0f} suggestions per 100 mentions, {report.right:.0%} of them right",
            *(("Worst errors:", *report.worst) if report.worst else ()),
        )
    )
