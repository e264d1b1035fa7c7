"""How many calls a token may make. Counted in this process: with several processes, each counts its own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Lock

MOST = 600  # calls of one token in a minute
MINUTE = 60.0
KEPT = 10_000  # tokens that are remembered


class Rates:
    """Calls of each token in its running minute."""

    def __init__(self, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self._clock = most, clock
        self._lock = Lock()
        self._began: dict[int, tuple[float, int]] = {}  # token -> when its minute began, and calls since then

    def wait(self, token_id: int) -> int:
        """Count a call. Returns for how many seconds there are too many; 0: it may be done."""
        with self._lock:
            at = self._clock()
            began, count = self._began.get(token_id, (at, 0))
            if at - began >= MINUTE:
                began, count = at, 0
            if count >= self.most:
                return max(math.ceil(began + MINUTE - at), 1)
            if len(self._began) >= KEPT:
                self._began = {one: row for one, row in self._began.items() if at - row[0] < MINUTE}
            self._began[token_id] = (began, count + 1)
            return 0
