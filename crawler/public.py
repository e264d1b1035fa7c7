"""Which addresses are of the public internet. Imports nothing heavy: whoever sends anything outward asks here too."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address


def is_public(address: str) -> bool:
    """Whether an address in digits is one of the public internet (no loopback, private, link-local, shared, mapped)."""
    try:
        number: IPv4Address | IPv6Address = ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(number, IPv6Address):
        number = number.ipv4_mapped or number.sixtofour or number
    return number.is_global and not number.is_multicast and not number.is_reserved
