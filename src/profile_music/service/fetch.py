"""Fetching from addresses that other people choose, without being sent anywhere else.

What is guarded: the host against a list after IDNA; https only; the name is resolved once and the connection goes to
the checked address (no rebinding); redirects are followed by hand and checked again; size and total time are capped.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import certifi
import httpcore

from profile_music.errors import PhotoFormatError, PhotoTooLargeError
from profile_music.photo.sniff import sniff_format
from profile_music.photo.source import describe_bytes
from profile_music.service.fetch_url import (
    HostList,
    Target,
    UrlGoneError,
    UrlNotAllowedError,
    UrlTimeoutError,
    UrlUnreachableError,
    check_url,
    is_public,
)

Resolve = Callable[[str], Awaitable[list[str]]]
Dial = Callable[[str, int, float | None], Awaitable[httpcore.AsyncNetworkStream]]

_PORT = 443
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({401, 403, 404, 410})
_MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Caps of one fetch; `total_s` covers names, redirects and the body."""

    total_s: float = 4.0
    connect_s: float = 2.0
    max_redirects: int = 2


async def resolve_host(host: str) -> list[str]:
    """Return the addresses of a name, in the system's order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, _PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def dial_address(address: str, port: int, timeout_s: float | None) -> httpcore.AsyncNetworkStream:
    """Open a connection to an IP address."""
    return await httpcore.AnyIOBackend().connect_tcp(address, port, timeout_s)


def tls_context() -> ssl.SSLContext:
    """Return a context that checks certificates against certifi's list; reading the list takes tens of milliseconds."""
    return ssl.create_default_context(cafile=certifi.where())


class GuardedClient:
    """Fetches photos and sends late answers. `resolve` and `dial` are for tests; every check stays in force."""

    def __init__(
        self,
        limits: FetchLimits | None = None,
        *,
        resolve: Resolve = resolve_host,
        dial: Dial = dial_address,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Keep the parts; connections are made for each fetch."""
        self._limits = limits or FetchLimits()
        self._backend = _PinnedBackend(resolve, dial)
        self._ssl_context = ssl_context or tls_context()

    async def get_photo(self, url: str, hosts: HostList, max_bytes: int) -> bytes:
        """Return the bytes of a photo.

        Raises:
            UrlNotAllowedError: The address, or where it leads, may not be fetched.
            UrlGoneError: The server has no such photo.
            UrlUnreachableError: The server does not answer as it should.
            UrlTimeoutError: It took longer than the limit.
            PhotoTooLargeError: More than `max_bytes`.
            PhotoFormatError: The content is not a photo.
        """
        async with self._guarded():
            data = await self._follow(url, hosts, max_bytes)
        if sniff_format(data) is None:
            raise PhotoFormatError
        return data

    async def post_json(self, url: str, hosts: HostList, payload: Any) -> int:
        """Send JSON once, follow nothing, and return the status.

        Raises:
            UrlNotAllowedError, UrlUnreachableError, UrlTimeoutError: As for `get_photo`.
        """
        body = json.dumps(payload, ensure_ascii=False).encode()
        async with self._guarded(), self._send(check_url(url, hosts), body) as response:
            await _read(response, _MAX_ANSWER_BYTES)
            return response.status

    async def _follow(self, url: str, hosts: HostList, max_bytes: int) -> bytes:
        for _ in range(self._limits.max_redirects + 1):
            target = check_url(url, hosts)
            async with self._send(target) as response:
                if response.status not in _REDIRECTS:
                    return await _read_photo(response, max_bytes)
                url = urljoin(target.url, _header(response, b"location").decode("latin-1"))
        raise UrlNotAllowedError

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._limits.total_s):
                yield
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise UrlTimeoutError from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError) as error:
            raise UrlUnreachableError from error

    @asynccontextmanager
    async def _send(self, target: Target, body: bytes | None = None) -> AsyncIterator[httpcore.Response]:
        headers = [("host", target.host), ("user-agent", "profile-music"), ("accept-encoding", "identity")]
        if body is not None:
            headers += [("content-type", "application/json; charset=utf-8"), ("content-length", str(len(body)))]
        url = httpcore.URL(scheme=b"https", host=target.host.encode(), port=_PORT, target=target.path.encode())
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._ssl_context, max_connections=1, network_backend=self._backend
        )
        timeouts = {"connect": self._limits.connect_s, "read": self._limits.total_s, "write": self._limits.total_s}
        method = "GET" if body is None else "POST"
        async with (
            pool,
            pool.stream(method, url, headers=headers, content=body, extensions={"timeout": timeouts}) as response,
        ):
            yield response


class _PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked a moment ago, never to a name."""

    def __init__(self, resolve: Resolve, dial: Dial) -> None:
        self._resolve = resolve
        self._dial = dial

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check every address, and connect to the first that answers."""
        addresses = await self._resolve(host)
        # One private address among public ones is an attack or a mistake; neither is worth a connection.
        if not addresses or not all(map(is_public, addresses)):
            raise UrlNotAllowedError
        failure: Exception = httpcore.ConnectError()
        for address in addresses[:3]:
            try:
                return await self._dial(address, port, timeout)
            except (httpcore.NetworkError, httpcore.TimeoutException) as error:
                failure = error
        raise failure


async def _read_photo(response: httpcore.Response, max_bytes: int) -> bytes:
    if response.status in _GONE:
        raise UrlGoneError
    if response.status != 200:
        raise UrlUnreachableError
    # A packed body could unpack to any size; it was not asked for.
    if _header(response, b"content-encoding").strip().lower() not in (b"", b"identity"):
        raise PhotoFormatError
    return await _read(response, max_bytes)


async def _read(response: httpcore.Response, max_bytes: int) -> bytes:
    declared = _header(response, b"content-length")
    if declared.isdigit() and int(declared) > max_bytes:
        raise PhotoTooLargeError(limit=describe_bytes(max_bytes))
    body = bytearray()
    async for piece in response.aiter_stream():
        body += piece
        if len(body) > max_bytes:
            raise PhotoTooLargeError(limit=describe_bytes(max_bytes))
    return bytes(body)


def _header(response: httpcore.Response, name: bytes) -> bytes:
    return next((value for key, value in response.headers if key.lower() == name), b"")
