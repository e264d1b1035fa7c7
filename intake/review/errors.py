"""Why something was not decided. Nothing was changed then.

ReviewError
├── NotAllowed   this person may not do that
├── Invalid      what was asked for is not complete, or not possible from here
└── Conflict     somebody else was first: the candidate was changed, or is held, since it was looked at
"""

from __future__ import annotations

from typing import Any


class ReviewError(Exception):
    """Nothing was changed; `key` is a message key, `values` what it speaks of."""

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(f"{key} {values}" if values else key)
        self.key, self.values = key, values


class NotAllowed(ReviewError):
    """This person may not decide."""


class Invalid(ReviewError):
    """The decision is not complete, or not possible from here."""


class Conflict(ReviewError):
    """Somebody changed the candidate since it was looked at."""
