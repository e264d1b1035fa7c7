"""A lean Indonesian for spaCy: no exceptions to load, tokens are the plain forms of `nlp.normalize`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import spacy
from spacy.language import BaseDefaults, Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from nlp.normalize import tokenize


class PlainTokenizer:
    """Text -> Doc of plain forms. Offsets into the text are `normalize.tokenize`'s business, not the Doc's."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        return self.of([token.norm for token in tokenize(text)])

    def of(self, words: list[str]) -> Doc:
        """A Doc of words that are plain already."""
        return Doc(self.vocab, words=words or ["§"])

    def to_bytes(self, **_: Any) -> bytes:
        return b""

    def from_bytes(self, data: bytes, **_: Any) -> PlainTokenizer:
        return self

    def to_disk(self, path: Path, **_: Any) -> None:
        """Nothing to keep."""

    def from_disk(self, path: Path, **_: Any) -> PlainTokenizer:
        return self


@spacy.registry.tokenizers("kentongan.plain.v1")
def create_tokenizer() -> Callable[[Language], PlainTokenizer]:
    return lambda nlp: PlainTokenizer(nlp.vocab)


class IndonesianDefaults(BaseDefaults):
    config = {"nlp": {"tokenizer": {"@tokenizers": "kentongan.plain.v1"}}}  # noqa: RUF012  # spaCy's form
    stop_words: set[str] = set()  # noqa: RUF012


@spacy.registry.languages("id_plain")
class Indonesian(Language):
    lang = "id_plain"
    Defaults = IndonesianDefaults
