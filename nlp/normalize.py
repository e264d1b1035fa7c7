"""Slang and Riau Malay -> plain Indonesian, with offsets into the original text. Linear in its length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import simplemma

LEXICON = Path(__file__).parent / "lexicon"
LONGEST_WORD = 40  # characters of a token that are looked at; the rest is noise

_TOKEN = re.compile(r"https?://\S{1,300}|[@#]\w{1,60}|[^\W\d_]+(?:[0-9@][^\W\d_]+)*2?|\d+(?:[.,:]\d+)*|[^\w\s]")
_ELONGATED = re.compile(r"(.)\1{2,}")
_LEET = str.maketrans("013457@", "oieasta")
_LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕԁһӏοαεικνρτυАВЕКМНОРСТХУІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeopcyxijsdhloaeiknptuABEKMHOPCTXYIJSABEZHIKMNOPTYX"
)  # Cyrillic and Greek letters that look Latin
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_NEGATION = frozenset({"belum", "tidak"})


@dataclass(frozen=True, slots=True)
class Token:
    """Characters [start, end) of the text, and what they mean in plain, lower-case Indonesian."""

    start: int
    end: int
    norm: str


def clean(text: str) -> str:
    """The same length, so that offsets hold: invisible characters become spaces or vanish into their word, look-alike
    letters and styled ones become plain."""
    if text.isascii() and not _INVISIBLE.search(text):
        return text
    text = _INVISIBLE.sub("\u00ad", text).translate(_LOOK_ALIKE)
    return "".join(map(_plain_letter, text))


@lru_cache(maxsize=4096)
def _plain_letter(letter: str) -> str:
    """A letter without its style (𝗮, ａ, é); one character for one, or the letter as it was."""
    if letter < "\u0080" or letter == "\u00ad":
        return letter
    plain = unicodedata.normalize("NFKD", letter)
    return plain[0] if plain and plain[0].isalpha() and plain[0].isascii() else letter


def tokenize(text: str) -> list[Token]:
    """Words, numbers, handles, hashtags, marks and emoji of a text, in plain Indonesian."""
    tokens: list[Token] = []
    before = ""
    for start, end, word in _raw(clean(text)):
        norm = _normal(word)
        if tokens and (pair := _words().get(f"{before} {word}")):
            tokens[-1] = Token(tokens[-1].start, end, pair)
        elif norm == "siap" and tokens and tokens[-1].norm in _NEGATION:
            tokens.append(Token(start, end, "selesai"))
        else:
            tokens.append(Token(start, end, norm))
        before = word
    return tokens


def _raw(text: str) -> Iterator[tuple[int, int, str]]:
    """Tokens as they stand, lower-case, soft hyphens (where invisible characters were) taken out of words."""
    for found in _TOKEN.finditer(text.replace("\u00ad", "\u02d0")):
        word = found[0].replace("\u02d0", "")
        if word:
            yield found.start(), found.end(), word[:LONGEST_WORD].lower()


@lru_cache(maxsize=65_536)
def lemma(word: str) -> str:
    """The dictionary form of an Indonesian word."""
    return simplemma.lemmatize(word, lang="id").lower()


@lru_cache(maxsize=65_536)
def _normal(word: str) -> str:
    words = _words()
    if word in words:
        return words[word]
    if word[0] in "#@" or not word[0].isalnum():
        return word
    if word[0].isdigit():
        return "0" if len(word) > 4 else word
    shorter = _ELONGATED.sub(r"\1", word)
    doubled = shorter.removesuffix("2")
    if doubled != shorter and len(doubled) > 1:
        return f"{words.get(doubled, doubled)} {words.get(doubled, doubled)}"
    letters = shorter.translate(_LEET) if any(c in "013457@" for c in shorter) else shorter
    for form in (letters, letters.removesuffix("nya"), _without_k(letters)):
        if form in words:
            return words[form]
    return letters


def _without_k(word: str) -> str:
    """Sumatran endings: `jugak`, `pulak`."""
    return word[:-1] if word.endswith("ak") and len(word) > 4 else word


@lru_cache(maxsize=1)
def _words() -> dict[str, str]:
    """Surface -> plain form; surfaces of two words too."""
    rows = (LEXICON / "words.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return {surface: normal for surface, normal, _ in (row.split("\t") for row in rows)}
