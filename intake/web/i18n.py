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
def catalogue(language: str) -> dict[str, tuple[str, ...]]:
    """Message -> its translation, or translations: for one, and for any other number. Empty for Indonesian."""
    if language == "id":
        return {}
    with (LOCALE / f"{language}.po").open("rb") as file:
        return {_key(message.id): _forms(message.string) for message in read_po(file) if message.id and message.string}


def _key(id: str | tuple[str, ...] | list[str]) -> str:
    return id if isinstance(id, str) else id[0]


def _forms(string: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


def translator(language: str) -> Translate:
    """`translate(message, n=3)`: the message in `language`, its values filled in; `n` decides between one and many."""
    messages = catalogue(language)

    def translate(message: str, **values: object) -> str:
        forms = messages.get(message, (message,))
        form = forms[0] if values.get("n") == 1 else forms[-1]
        return form.format(**values) if values else form

    return translate
