"""Puts the pieces together: one text in, one Analysis out; many at once much faster."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

import numpy as np

from nlp.agencies import Agencies, Answerable
from nlp.analysis import Analysis, FailureLabel, Guess, Span, Text
from nlp.classify import READ, Classifier, Features, Scores, Words
from nlp.jurisdiction import load_jurisdiction
from nlp.normalize import clean
from nlp.places import Places
from nlp.privacy import personal_data
from nlp.urgency import is_sarcastic, urgency

LONGEST = 100_000  # characters that are analysed
SURELY_NO = 0.98  # probability of "no" from which nothing else is said of a text
CERTAIN = {"sector": 0.12, "form": 0.12}  # below this we say nothing
MOST = {"sector": 2, "form": 3}
MOST_EVIDENCE = 4  # clauses
ENOUGH = 0.25  # share of what the best clause adds, below which another is not shown
MOST_CLAUSES = 200
_CLAUSE = re.compile(r"[^\n]+?(?:[.!?,;:]+(?=\s|$)|\n|$)")
_MALAY = frozenset(
    [
        "tak",
        "nak",
        "saje",
        "aje",
        "ndak",
        "ado",
        "kito",
        "awak",
        "den",
        "ocu",
        "mano",
        "apo",
        "siapo",
        "lah",
        "nian",
        "tu",
        "ko",
        "pulak",
    ]
)
_INDONESIAN = frozenset(
    [
        "yang",
        "dan",
        "di",
        "ke",
        "dari",
        "ini",
        "itu",
        "tidak",
        "untuk",
        "dengan",
        "ada",
        "sudah",
        "belum",
        "ga",
        "gak",
        "yg",
        "udah",
        "kami",
        "saya",
        "nya",
    ]
)
_ENGLISH = frozenset(
    ["the", "and", "is", "are", "of", "to", "in", "for", "with", "you", "this", "that", "not", "have", "was"]
)


class Analyser:
    """Load once, call often; not shared between threads."""

    def __init__(self, province: str = "riau") -> None:
        tables = load_jurisdiction(province)
        self.places, self.agencies = Places(tables), Agencies(tables)
        self.features = Features(self.agencies)
        self.classifier = Classifier()
        self.model = self.classifier.version

    def __call__(self, text: Text) -> Analysis:
        return next(self.pipe([text]))

    def pipe(self, texts: Iterable[Text], batch_size: int = 128) -> Iterator[Analysis]:
        """Analyses in the order of the texts; an answer for each, whatever it holds."""
        stream = iter(texts)
        while batch := list(islice(stream, batch_size)):
            readable = [
                replace(text, text=clean(text.text[:LONGEST]), title=clean(text.title[:1000])) for text in batch
            ]
            words = [self.features(text.title, text.text) for text in readable]
            scores = self.classifier.pipe(words)
            for original, text, word, score in zip(batch, readable, words, scores, strict=True):
                yield self._analysis(original, text, word, score)

    def _analysis(self, original: Text, text: Text, words: Words, scores: Scores) -> Analysis:
        label = _label(scores.failure)
        told = (
            scores.failure["no"] < SURELY_NO
        )  # who reads only the label leaves the rest; who asks further gets an answer
        sectors = _guesses(scores.sector, "sector") if told else ()
        forms = _guesses(_forms(scores, label), "form") if told else ()
        clauses = self._evidence(text.text, words) if label != "no" else ()
        where = self.places(text.text, text.region, text.title, text.source)
        soon, urgent = urgency(text.text, label, scores.urgency, scores.failure["yes"])
        found = Answerable()
        if told:
            found = self.agencies(text.text, text.title, where, sectors, text.region, text.source)
        return Analysis(
            id=text.id,
            failure=label,
            p=scores.failure,
            sectors=sectors,
            forms=forms,
            kinds=found.kinds,
            agencies=found.agencies,
            place=where.place,
            regions=where.regions,
            districts=where.districts,
            urgency=soon,
            sarcasm=is_sarcastic(text.text, label),
            evidence=tuple(sorted((*clauses, *where.spans, *found.spans, *urgent), key=lambda s: (s.start, s.end))),
            pii=personal_data(text.text, (*where.spans, *found.spans)),
            language=language(text.text),
            model=self.model,
            notes=(f"text cut at {LONGEST} characters",) if len(original.text) > LONGEST else (),
        )

    def _evidence(self, text: str, words: Words) -> tuple[Span, ...]:
        """The clauses that speak most for a failure, by what their words add to the score; of a single clause its core."""
        added = self.classifier.weights.told_by(words)
        starts = [start for start, _ in words.spans]
        clauses = [_trimmed(text, *found.span()) for found in islice(_CLAUSE.finditer(text[:READ]), MOST_CLAUSES)]
        ranges = [(bisect_left(starts, start), bisect_left(starts, end)) for start, end in clauses if end > start]
        if sum(last > first for first, last in ranges) < 2:
            ranges = [_core(added, bisect_left(starts, 0))]
        scored = [(float(added[first:last].sum()), first, last) for first, last in ranges if last > first]
        best = [one for one in sorted(scored, reverse=True)[:MOST_EVIDENCE] if one[0] > 0]
        enough = ENOUGH * best[0][0] if best else 0.0
        return tuple(
            Span(words.spans[first][0], words.spans[last - 1][1], "failure")
            for score, first, last in best
            if score >= enough
        )


def _core(added: np.ndarray, first: int) -> tuple[int, int]:
    """The run of words that adds most, from word `first` on."""
    best, run, start = (0.0, first, first), 0.0, first
    for index in range(first, len(added)):
        if run <= 0:
            run, start = 0.0, index
        run += float(added[index])
        best = max(best, (run, start, index + 1))
    return best[1], best[2]


def language(text: str) -> str:
    """`id`, `ms` (Malay of Riau), `en` or `other`, by its small words; never a reason to leave a text out."""
    words = re.findall(r"[a-z]+", text[:2000].lower())
    counts = {
        code: sum(word in known for word in words)
        for code, known in (("id", _INDONESIAN), ("ms", _MALAY), ("en", _ENGLISH))
    }
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] or not words else ("id" if len(words) < 8 else "other")


def _label(p: Mapping[str, float]) -> FailureLabel:
    """The likeliest label."""
    best = max(p, key=lambda label: p[label])
    return "yes" if best == "yes" else "vague" if best == "vague" else "no"


def _forms(scores: Scores, label: FailureLabel) -> dict[str, float]:
    """Where a failure is told there is an act or omission: "not identifiable" is for texts that only criticise."""
    unknown = scores.form["MA00"] if label == "vague" else 0.0
    rest = sum(scores.form.values()) - scores.form["MA00"] + unknown
    return {code: (unknown if code == "MA00" else p) / rest for code, p in scores.form.items()}


def _guesses(p: Mapping[str, float], axis: str) -> tuple[Guess, ...]:
    """The likeliest codes that are sure enough; a second one only if it comes near the first."""
    ranked = sorted(p.items(), key=lambda pair: (-pair[1], pair[0]))[: MOST[axis]]
    return tuple(Guess(code, value) for code, value in ranked if value >= max(CERTAIN[axis], ranked[0][1] / 3))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
