"""TEXT -> ANALYSIS. Knows Indonesian; knows neither network nor database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nlp.analysis import Analysis, Guess, Span, Text

if TYPE_CHECKING:
    from nlp.pipeline import Analyser

__all__ = ["Analysis", "Guess", "Span", "Text", "load"]


def load(province: str = "riau") -> Analyser:
    """The analyser with the shipped model; loads what is heavy (seconds)."""
    from nlp.pipeline import Analyser

    return Analyser(province)
