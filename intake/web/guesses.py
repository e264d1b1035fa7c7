"""How many links nobody gave may be tried from one network. Counted in this process; a link that is right is never counted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock

MOST, WINDOW = 20, 300.0  # in seconds
KEPT = 10_000  # networks that are remembered; beyond that the one that began first is forgotten


class Guesses:
    """Failures of each network since its window began."""

    def __init__(self, most: int = MOST, kept: int = KEPT, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.kept, self._clock = most, kept, clock
        self._lock = Lock()
        self._began: dict[str, tuple[float, int]] = {}  # network -> when its window began, and failures since then

    def wait(self, address: str) -> int:
        """Count a failure. Returns for how many seconds there are too many; 0: it may be answered."""
        network = network_of(address)
        with self._lock:
            at = self._clock()
            began, count = self._began.get(network, (at, 0))
            if at - began >= WINDOW:
                began, count = at, 0
                self._began.pop(network)  # so that the first of all is the one that began first
            if count >= self.most:
                return max(math.ceil(began + WINDOW - at), 1)
            self._began[network] = (began, count + 1)
            if len(self._began) > self.kept:
                del self._began[next(iter(self._began))]
            return 0


def network_of(address: str) -> str:
    """Whom an address stands for: itself, or of IPv6 the 64 bits that one customer has the rest of."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((int(parsed), 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
