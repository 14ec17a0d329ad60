"""
Where a webhook may go: to public addresses over https, and into the networks the company has listed.

What counts is the address that is connected to, so names are judged again at every connection.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import httpx

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_MAX: Final = 500
_NUMBER: Final = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)\.?")
_PUBLIC_V6: Final = IPv6Network("2000::/3")
# From the registries of special addresses (RFC 6890 and what followed), and one cloud's own address.
_SPECIAL: Final[Sequence[Network]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers; metadata of one cloud
        "127.0.0.0/8",
        "168.63.129.16/32",  # metadata of another, on a public address
        "169.254.0.0/16",  # link-local; metadata of most
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays from 4 to 6
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # protocols, Teredo among them: an address within an address
        "2001:db8::/32",
        "2002::/16",  # 6to4: an address within an address
        "3fff::/20",
    )
)


class TargetRefused(Exception):
    """The portal does not connect there; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL, read once: what is judged is what is asked."""

    scheme: str
    host: str
    """In ASCII, international names encoded; an IPv6 address without brackets."""
    port: int | None
    path: bytes
    """With the query."""

    @property
    def port_number(self) -> int:
        return self.port or (443 if self.scheme == "https" else 80)


def parse_target(url: str) -> Target:
    """
    Read the URL of a receiver.

    :raises TargetRefused: no http(s) URL, user information or a fragment in it, or no usual host or port
    """
    if len(url) > URL_MAX or not url.isprintable() or re.search(r"[\s\\]", url):
        raise TargetRefused(f"This is not an address of at most {URL_MAX} signs without spaces.")
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise TargetRefused("This is not an address such as https://erp.example.com/webhooks.") from None
    if parts.scheme not in ("http", "https") or not parts.raw_host:
        raise TargetRefused("The address must begin with https:// and name a host.")
    if "@" in re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]:
        raise TargetRefused("The address must not carry a user name or password.")
    if "#" in url:
        raise TargetRefused("The address must not have a fragment (#).")
    host = parts.raw_host.decode("ascii")
    if "%" in host or (parts.port is not None and not 0 < parts.port < 65536):
        raise TargetRefused("The address has no usual host or port.")
    return Target(scheme=parts.scheme, host=host, port=parts.port, path=parts.raw_path)


def refuse_hopeless(target: Target, networks: Sequence[Network]) -> None:
    """
    Refuse early what could never be connected to; a name is judged when it is resolved.

    :raises TargetRefused: an address that is not allowed, a number instead of one, http without a network
    """
    address = literal(target.host)
    if address is not None:
        refuse_address(address, target, networks)
    elif _NUMBER.fullmatch(target.host.rstrip(".").rpartition(".")[2]):
        raise TargetRefused("The host is a number, neither a name nor a usual address.")
    elif target.scheme != "https" and not networks:
        raise TargetRefused("The address must begin with https://.")


def refuse_address(address: Address, target: Target, networks: Sequence[Network]) -> None:
    """
    Judge one address that a target stands for.

    :raises TargetRefused: not public and in no listed network, or http outside of those
    """
    address = plain(address)
    if any(address in network for network in networks):
        return
    if not is_public(address):
        raise TargetRefused(f"The host stands at {address}, where the portal does not send.")
    if target.scheme != "https":
        raise TargetRefused("The address must begin with https://.")


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to a host of the public internet, and no other address hides in it."""
    if address.version == 6 and address not in _PUBLIC_V6:
        return False
    return (
        address.is_global and not address.is_multicast and not any(address in network for network in _SPECIAL)
    )


def plain(address: Address) -> Address:
    """Give the IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`); any other as it is."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def literal(host: str) -> Address | None:
    """Read a host that is an address; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None
