"""Indonesian as it stands in the templates, English from `locale/en.po`, read once at start."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("id", "en")

Translate = Callable[..., str]


@cache
def catalogue(language: str) -> dict[str, str]:
    """Message -> translation; empty for Indonesian."""
    if language == "id":
        return {}
    with (LOCALE / f"{language}.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id and message.string}


def translator(language: str) -> Translate:
    """`translate(message, n=3)`: the message in `language`, its values filled in."""
    messages = catalogue(language)

    def translate(message: str, **values: object) -> str:
        return messages.get(message, message).format(**values) if values else messages.get(message, message)

    return translate
