"""Whether an address may be fetched at all: the URL against a list of hosts, the IP against private networks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import quote, urlsplit

import idna

from profile_music.errors import InputError, ProfileMusicError

_MAX_URL_CHARACTERS = 2048
_UPGRADED = "kakaocdn.net"
_URL_SAFE = "/?%:@!$&'()*+,;=~"
# Addresses that carry another address inside (NAT64, 6to4, Teredo) or belong to a relay: ipaddress calls them global.
_TRANSLATED = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "192.88.99.0/24")))


class UrlNotAllowedError(InputError):
    """The address is not on the list, or leads to where it must not."""

    code = "photo_url_not_allowed"
    ko = "이 주소의 사진은 가져올 수 없어요."
    en = "Photos cannot be fetched from this address."


class UrlGoneError(InputError):
    """There is no photo at the address any more."""

    code = "photo_url_gone"
    ko = "사진 주소가 만료됐거나 사진이 없어졌어요."
    en = "The photo's address has expired, or the photo is gone."


class UrlUnreachableError(ProfileMusicError):
    """The server of the photo does not answer as it should."""

    code = "photo_url_unreachable"
    http_status = 502
    ko = "사진이 있는 서버가 응답하지 않아요."
    en = "The photo's server does not answer."


class UrlTimeoutError(ProfileMusicError):
    """The photo did not arrive in time."""

    code = "photo_url_timeout"
    http_status = 504
    ko = "사진을 가져오는 데 너무 오래 걸려요."
    en = "Fetching the photo took too long."


class HostList:
    """Names that may be fetched from: ``img.example.com`` for one host, ``*.example.com`` for all below a name."""

    def __init__(self, entries: Iterable[str]) -> None:
        """Read the entries.

        Raises:
            ValueError: An entry is not a host name.
        """
        cleaned = [entry.lower() for entry in entries]
        self._exact = frozenset(_ascii_name(entry) for entry in cleaned if not entry.startswith("*."))
        self._suffixes = tuple("." + _ascii_name(entry[2:]) for entry in cleaned if entry.startswith("*."))

    def __contains__(self, host: object) -> bool:
        """Tell whether a host (ASCII, lower case) is on the list."""
        return isinstance(host, str) and (host in self._exact or host.endswith(self._suffixes))

    def __bool__(self) -> bool:
        """Tell whether there is any entry."""
        return bool(self._exact or self._suffixes)


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: https on port 443; `path` holds the query too."""

    host: str
    path: str

    @property
    def url(self) -> str:
        """The address, for resolving a relative redirect."""
        return f"https://{self.host}{self.path}"


def check_url(text: str, hosts: HostList) -> Target:
    """Return where to connect.

    The text is parsed once and the request is made from the parts, so that no second parser can read it differently.

    Raises:
        UrlNotAllowedError: Not https (http only where it is upgraded), a user name, a port, an IP address, a host that
            is not on the list, or anything malformed.
    """
    if not 0 < len(text) <= _MAX_URL_CHARACTERS or any(c <= " " or c in "\\\x7f" for c in text):
        raise UrlNotAllowedError
    try:
        parts = urlsplit(text)
        host = _ascii_name(parts.netloc)
    except ValueError as error:
        raise UrlNotAllowedError from error
    upgraded = parts.scheme == "http" and host.endswith("." + _UPGRADED)
    if host not in hosts or not (parts.scheme == "https" or upgraded):
        raise UrlNotAllowedError
    path = quote(parts.path or "/", safe=_URL_SAFE)
    return Target(host, f"{path}?{quote(parts.query, safe=_URL_SAFE)}" if parts.query else path)


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the public internet, and to nothing behind it."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return False
    return parsed.is_global and not parsed.is_multicast and not any(parsed in network for network in _TRANSLATED)


def _ascii_name(name: str) -> str:
    """Return a host name in ASCII; a user name, a port or an IP address makes it invalid."""
    try:
        ascii_name = idna.encode(name, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError("not a host name") from error
    if ascii_name.endswith(".") or "." not in ascii_name or ascii_name.rpartition(".")[2][:1].isdigit():
        raise ValueError("not a host name")
    return ascii_name
