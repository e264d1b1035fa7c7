"""The secrets of APIs: read from the environment or a file, put into a request as it is sent, held nowhere else.

    KENTONGAN_TOKEN_YOUTUBE=...    in the environment, or
    youtube = "..."                a line of the TOML file that KENTONGAN_TOKENS names; nobody else may read that file

A Source names a token and never holds one, so neither does the database, its dump, a note or a log.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from crawler.adapters import TOKEN, NotUnderstood, Request

VARIABLE = "KENTONGAN_TOKEN_"
FILE = "KENTONGAN_TOKENS"
WHOLE = re.compile(r"[!#-\[\]-~]+")  # no space, quote or backslash: it can break out of no header and no JSON string


class Tokens:
    """The secrets of one environment. `plain` lets them go over http: a test's server has no certificate."""

    def __init__(self, environment: Mapping[str, str], *, plain: bool = False) -> None:
        self.environment, self.plain = environment, plain

    def filled(self, request: Request) -> Request:
        """The request with its secret in place. NotUnderstood says what to set or to mend."""
        if request.token is None:
            return request
        if not self.plain and not request.url.startswith("https://"):
            raise NotUnderstood("token-needs-https")
        secret = self._secret(request.token)
        headers = {name: value.replace(TOKEN, secret) for name, value in request.headers.items()}
        return replace(request, headers=headers, body=request.body.replace(TOKEN, secret))

    def _secret(self, name: str) -> str:
        variable = variable_of(name)
        secret = self.environment.get(variable) or self._file().get(variable)
        if not secret:
            raise NotUnderstood("token-missing", name=name, variable=variable)
        if not isinstance(secret, str) or not WHOLE.fullmatch(secret.strip()):
            raise NotUnderstood("token-odd", name=name)
        return secret.strip()

    def _file(self) -> Mapping[str, object]:
        """The tokens of the file, by the variable each would stand in."""
        path = self.environment.get(FILE)
        return {variable_of(name): value for name, value in _read(Path(path)).items()} if path else {}


def without_tokens(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that has no use for secrets: one that reads what strangers wrote."""
    return {name: value for name, value in environment.items() if not name.startswith((VARIABLE, FILE))}


def variable_of(name: str) -> str:
    """The environment variable of a token: "mastodon-sosial.example" stands in KENTONGAN_TOKEN_MASTODON_SOSIAL_EXAMPLE."""
    return VARIABLE + re.sub(r"\W", "_", name).upper()


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise NotUnderstood("token-file-open", path=str(path), mode=f"{mode:04o}")
            return tomllib.load(file)
    except (OSError, ValueError) as error:  # its words could quote a line of the file
        raise NotUnderstood("token-file-unreadable", path=str(path), error=type(error).__name__) from None
