"""What a source may be told beyond its address: the options of its adapter, what each is for, and how it is read as typed.

An adapter names its own as `OPTIONS`. One that no adapter names opens doors of ours (`demo`, `probed`) or is a slip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Option:
    """One option, and how its value is read."""

    help: str  # in a few words
    kind: Literal["text", "list", "number", "flag", "selector"] = "text"
    most: int = 100  # of a number, which is a whole one from 1 on


PAGE = {  # of an article page, wherever reading it without them goes wrong
    "title": Option("headline on the article page", "selector"),
    "body": Option("text of the article", "selector"),
    "date": Option("date of publication", "selector"),
    "author": Option("byline", "selector"),
}
EVERY = {  # of whatever adapter
    "requests": Option("lists one visit asks for", "number"),
    "least_interval": Option("minutes that always lie between two visits", "number", 31 * 24 * 60),
}
FORMS = {"text": "TEXT", "list": "A,B", "flag": "true|false", "selector": "CSS"}


def options_of(adapter: object) -> dict[str, Option]:
    """All that a source of this adapter may be told."""
    own: Mapping[str, Option] = getattr(adapter, "OPTIONS", {})
    return {**own, **EVERY}


def described(options: Mapping[str, Option]) -> str:
    """`links=CSS (links to the articles), ...`, for whoever typed another one."""
    return ", ".join(f"{key}={_form(option)} ({option.help})" for key, option in options.items())


def read_options(options: Mapping[str, Option], pairs: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE as the adapter reads it. ValueError says what is wrong with one, and what there is."""
    values: dict[str, Any] = {}
    for pair in pairs:
        key, _, value = (part.strip() for part in pair.partition("="))
        if not key or not value:
            raise ValueError(f"{pair!r} is not KEY=VALUE. There are: {described(options)}.")
        if key not in options:
            raise ValueError(f"there is no option {key!r}. There are: {described(options)}.")
        if key in values:
            raise ValueError(f"{key} is given twice.")
        values[key] = _read(key, value, options[key])
    return values


def _form(option: Option) -> str:
    return f"1..{option.most}" if option.kind == "number" else FORMS[option.kind]


def _read(key: str, value: str, option: Option) -> Any:
    if option.kind == "list":
        return [part for part in (part.strip() for part in value.split(",")) if part]
    if option.kind == "flag":
        if value.lower() not in ("true", "false"):
            raise ValueError(f"{key}={value} is neither {key}=true nor {key}=false.")
        return value.lower() == "true"
    if option.kind == "number":
        if not value.isascii() or not value.isdecimal() or len(value) > 9 or not 1 <= int(value) <= option.most:
            raise ValueError(f"{key}={value} is no whole number from 1 to {option.most}.")
        return int(value)
    if option.kind == "selector":
        _check_selector(key, value)
    return value


def _check_selector(key: str, value: str) -> None:
    from lxml.cssselect import CSSSelector
    from lxml.etree import XPathError

    try:
        CSSSelector(value, translator="html")
    except (SyntaxError, RuntimeError, XPathError) as error:
        raise ValueError(
            f"{key}={value} is not a CSS selector ({error}). Test it in a browser: "
            "document.querySelectorAll('...') must find what you mean."
        ) from None
