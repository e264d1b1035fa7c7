"""How soon somebody should look, and whether praise is meant: danger to life first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from nlp.analysis import Span, Urgency
from nlp.normalize import LEXICON
from nlp.phrases import Phrases, Reading, read

LEVELS: tuple[Urgency, ...] = ("U1", "U2", "U3", "U4")
_NOT = re.compile(r"\b(?:tidak|tak|bukan|tanpa|nihil|belum ada)\s+(?:ada\s+)?(?:\w+\s+)?$", re.IGNORECASE)
_PRAISE = re.compile(
    r"\b(?:terima ?kasih|makasi\w*|mks?h|thanks?|trims|mantap\w*|mantul|keren\w*|hebat\w*|luar biasa|selamat|bravo|salut)\b",
    re.IGNORECASE,
)
_BAD = re.compile(
    r"\b(?:mati|padam|rusak|hancur|lubang|lobang|banjir|antri|ngantri|telat|lambat|lemot|numpuk|menumpuk|bau|keruh|macet|mampet|"
    r"belum|blm|blom|ga(?:k)? ?jadi|hilang|error|kosong|gelap|kubangan|pungli|bayar lagi|dipersulit|judes|pet)\b",
    re.IGNORECASE,
)
_SOLVED = re.compile(
    r"\b(?:sudah|udah|udh|sdh|akhirnya|langsung)\b.{0,30}\b(?:nyala|menyala|diperbaiki|selesai|jadi|diangkut|beres|dibenerin|ditambal|"
    r"ngalir|mengalir|normal|direspon\w*|ditanggapi)\b",
    re.IGNORECASE,
)
_COUNTED = r"(?:\d{1,2}|dua|tiga|empat|lima|enam|tujuh|delapan|sembilan|sepuluh|belasan|puluhan|beberapa)"
_LONG_AGO = re.compile(
    rf"\b(?:bertahun-tahun|menahun|setahun|tahun (?:lalu|silam)|{_COUNTED} tahun (?:lebih|lalu|silam|terakhir|sudah|lapor)"
    rf"|(?:sudah|selama|hampir|lebih dari) {_COUNTED} tahun|sejak (?:tahun )?(?P<year>20\d\d))\b",
    re.IGNORECASE,
)
DANGER, DOUBTFUL = 0.4, 0.3  # chances of a danger to life, and of a failure, from which the danger is told all the same
_SENTENCE = re.compile(r"[^.!?\n]+")


def urgency(
    text: str, failure: str, p: Mapping[str, float], p_failure: float = 0.0
) -> tuple[Urgency | None, tuple[Span, ...]]:
    """U1 danger to life or a right about to be lost, U2 a vulnerable person, many people or a basic service down,
    U3 a continuing loss, U4 the rest, with the spans that say so; None where no failure is told, unless a danger to life is.

    Levels: the Ombudsman's criteria of a rapid response (U1) and the project's own (U2-U4). `p`: the classifier's
    chance of each level; its middle is what the text as a whole says, and a phrase of danger only raises it. A text
    that only criticises is never above U3.
    """
    if failure == "no":
        told = p.get("U1", 0.0) >= DANGER and p_failure >= DOUBTFUL
        return ("U1", _matches("U1", read(text))[:3]) if told else (None, ())
    read_as = LEVELS[round(sum(rank * p.get(level, 0.0) for rank, level in enumerate(LEVELS)))]
    if failure != "yes":
        return max(read_as, "U3"), ()
    reading = read(text)
    for level in LEVELS[:2]:
        spans = _matches(level, reading)
        if spans:
            return min(level, read_as), spans[:3]
    return read_as, ()


def words_of_age(text: str, told_in: int) -> list[str]:
    """Words by which a trouble has gone on for years, or since a year before the one it is told in: `setahun`, `sejak 2023`."""
    found = (one for one in _LONG_AGO.finditer(text) if one["year"] is None or int(one["year"]) < told_in)
    return list(dict.fromkeys(" ".join(one[0].split()).lower() for one in found))


def is_sarcastic(text: str, failure: str) -> bool:
    """Praise or thanks in the sentence of a bad event, and nothing said to be mended."""
    if failure == "no":
        return False
    return any(
        _PRAISE.search(part) and _BAD.search(part) and not _SOLVED.search(part)
        for part in (found[0] for found in _SENTENCE.finditer(text[:2000]))
    )


def _matches(level: Urgency, reading: Reading) -> tuple[Span, ...]:
    spans = []
    for hit in _cues(level).longest(reading):
        start, end = reading.spans[hit.first][0], reading.spans[hit.last][1]
        if not _NOT.search(reading.text[max(0, start - 30) : start]):
            spans.append(Span(start, end, "urgency"))
    return tuple(spans)


@lru_cache(maxsize=4)
def _cues(level: str) -> Phrases[str]:
    rows = (LEXICON / "urgency.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return Phrases((phrase, level) for at, phrase in (row.split("\t") for row in rows) if at == level)
