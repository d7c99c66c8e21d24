"""Which addresses of the network webhooks may go to. A name is resolved once, and what was looked at is connected to."""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """A name leads to addresses of private networks only."""


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the open internet; an IPv6 address that wraps an IPv4 one counts as that."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _TRANSLATED:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        teredo = address.teredo
        wrapped = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
        if wrapped is not None:
            return is_public(wrapped)
    return address.is_global and not address.is_multicast


def choose(found: Iterable[str], *, allows_private: bool) -> str:
    """Return the first of resolved addresses that may be connected to. Raises AddressRefused."""
    for text in found:
        if allows_private or is_public(ipaddress.ip_address(text.partition("%")[0])):
            return text
    raise AddressRefused
