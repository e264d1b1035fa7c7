"""Puts the pieces together: one text in, one Analysis out; many at once much faster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from nlp.agencies import Agencies, Answerable
from nlp.analysis import Analysis, FailureLabel, Guess, Span, Text
from nlp.classify import Classifier, Features, Scores
from nlp.jurisdiction import load_jurisdiction
from nlp.normalize import clean
from nlp.places import Places
from nlp.privacy import personal_data
from nlp.urgency import is_sarcastic, urgency

LONGEST = 100_000  # characters that are analysed
SURELY_NO = 0.9  # probability of "no" from which nothing else is said of a text
CERTAIN = {"sector": 0.12, "form": 0.12}  # below this we say nothing
MOST = {"sector": 2, "form": 3}
MOST_EVIDENCE = 3  # sentences
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+|\n|$)")
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
        self.features = Features(self.places, self.agencies)
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
            scores = list(self.classifier.pipe(self.features(text.title, text.text) for text in readable))
            sentences = self._evidence(readable, scores)
            for original, text, score, spans in zip(batch, readable, scores, sentences, strict=True):
                yield self._analysis(original, text, score, spans)

    def _analysis(self, original: Text, text: Text, scores: Scores, sentences: tuple[Span, ...]) -> Analysis:
        label = _label(scores.failure)
        told = (
            scores.failure["no"] < SURELY_NO
        )  # who reads only the label leaves the rest; who asks further gets an answer
        sectors = _guesses(scores.sector, "sector") if told else ()
        forms = _guesses(scores.form, "form") if told else ()
        where = self.places(text.text, text.region, text.title, text.source)
        soon, urgent = urgency(text.text, label, sectors, forms)
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
            evidence=tuple(sorted((*sentences, *where.spans, *found.spans, *urgent), key=lambda s: (s.start, s.end))),
            pii=personal_data(text.text),
            language=language(text.text),
            model=self.model,
            notes=(f"text cut at {LONGEST} characters",) if len(original.text) > LONGEST else (),
        )

    def _evidence(self, texts: Sequence[Text], scores: Sequence[Scores]) -> list[tuple[Span, ...]]:
        """The sentences that, read alone, tell most surely of a failure; of a short text its only one."""
        spans = [
            [
                Span(*_trimmed(text.text, *found.span()), "failure")
                for found in islice(_SENTENCE.finditer(text.text), 40)
            ]
            if _label(score.failure) != "no"
            else []
            for text, score in zip(texts, scores, strict=True)
        ]
        parts = [[span for span in row if span.end - span.start > 3] for row in spans]
        flat = [
            self.features("", text.text[span.start : span.end])
            for text, row in zip(texts, parts, strict=True)
            for span in row
        ]
        alone = self.classifier.pipe(flat)
        return [_surest([(next(alone).failure["yes"], span) for span in row]) for row in parts]


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


def _guesses(p: Mapping[str, float], axis: str) -> tuple[Guess, ...]:
    """The likeliest codes that are sure enough; a second one only if it comes near the first."""
    ranked = sorted(p.items(), key=lambda pair: (-pair[1], pair[0]))[: MOST[axis]]
    return tuple(Guess(code, value) for code, value in ranked if value >= max(CERTAIN[axis], ranked[0][1] / 3))


def _surest(scored: Sequence[tuple[float, Span]]) -> tuple[Span, ...]:
    if not scored:
        return ()
    enough = 0.6 * max(score for score, _ in scored)
    best = sorted(scored, key=lambda pair: -pair[0])[:MOST_EVIDENCE]
    return tuple(span for score, span in sorted(best, key=lambda pair: pair[1].start) if score >= enough)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
