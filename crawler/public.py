"""Which addresses are of the public internet. Imports nothing heavy: whoever sends anything outward asks here too."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

UNICAST = IPv6Network("2000::/3")  # all that is given out to the public; what lies outside is special
NAT64 = IPv6Network("64:ff9b::/96")  # an IPv4 address in its last 32 bits, as networks without IPv4 see it
SPECIAL_V4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))  # of protocols; Python calls them global
SPECIAL_V6 = (
    IPv6Network("2001::/23"),  # Teredo and other protocols: an address of another kind is wrapped up in it
    IPv6Network("2002::/16"),  # 6to4: the same
    IPv6Network("3fff::/20"),  # examples in documents
)


def is_public(address: str) -> bool:
    """Whether an address in digits is one of the public internet: not loopback, private, shared, reserved or wrapped up."""
    try:
        number = ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(number, IPv6Address):
        wrapped = _wrapped(number)
        return _is_public_v4(wrapped) if wrapped else _is_public_v6(number)
    return _is_public_v4(number)


def _is_public_v4(number: IPv4Address) -> bool:
    special = number.is_multicast or number.is_reserved or any(number in network for network in SPECIAL_V4)
    return number.is_global and not special


def _is_public_v6(number: IPv6Address) -> bool:
    return number in UNICAST and number.is_global and not any(number in network for network in SPECIAL_V6)


def _wrapped(number: IPv6Address) -> IPv4Address | None:
    """The IPv4 address behind `::ffff:a.b.c.d` and `64:ff9b::a.b.c.d`, the only ways in use to write one."""
    if number in NAT64:
        return IPv4Address(int(number) & 0xFFFFFFFF)
    return number.ipv4_mapped
