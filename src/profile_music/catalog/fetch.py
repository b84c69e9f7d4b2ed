"""A polite HTTP client: robots.txt first, one request at a time, slowly, from a cache where possible.

Follows RFC 9309 (robots.txt) and stays on its careful side: where RFC 9309 lets a crawler go on after a refused
robots.txt (401, 403), this one does not.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin, urlsplit

from profile_music._version import __version__
from profile_music.catalog.cache import Page, PageCache
from profile_music.errors import (
    AccessRefusedError,
    CollectError,
    DependencyMissingError,
    RobotsForbidError,
    RobotsUnreadableError,
    SiteUnreachableError,
)

if TYPE_CHECKING:
    import httpx

ROBOT_NAME = "profile-music"
_REFUSED = (401, 403, 429, 451)
_MAX_REDIRECTS = 5
_MAX_WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Politeness:
    """How the client behaves; all times in seconds.

    Attributes:
        delay_s: Least time between two requests to one host; a longer Crawl-delay of its robots.txt wins.
        jitter: Up to this share of the delay is added at random.
        host_delays_s: Other delays for some hosts.
        attempts: How often a request is tried on 5xx answers and cut connections.
        backoff_s: Wait before the second try; it doubles each time. A Retry-After of the site wins.
        timeout_s: Longest silence on a connection.
        max_bytes: Larger answers are given up.
    """

    delay_s: float = 2.0
    jitter: float = 0.5
    host_delays_s: Mapping[str, float] = field(default_factory=dict)
    attempts: int = 4
    backoff_s: float = 2.0
    timeout_s: float = 20.0
    max_bytes: int = 8 << 20


def user_agent(contact: str = "") -> str:
    """Return the honest User-Agent: name, version, and whom to write to where given."""
    return f"{ROBOT_NAME}/{__version__}" + (f" (contact: {' '.join(contact.split())})" if contact.strip() else "")


class PoliteClient:
    """Fetches pages of public sites as a considerate guest. Use as a context manager; not for several threads."""

    def __init__(
        self,
        politeness: Politeness | None = None,
        *,
        contact: str = "",
        advice: tuple[str, str] = ("", ""),
        cache: PageCache | None = None,
        sleep: Callable[[float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a client; `advice` (Korean, English) tells the user what to do where a site forbids or refuses.

        Raises:
            DependencyMissingError: The extra ``collect`` is not installed.
        """
        try:
            import httpx
            import protego
        except ImportError as error:
            raise DependencyMissingError(extra="collect") from error
        self._parse_robots: Callable[[str], Any] = protego.Protego.parse
        self._politeness = politeness or Politeness()
        self._advice = advice
        self._cache = cache
        self._sleep = sleep or time.sleep
        self._clock = clock
        self._robots: dict[str, Any] = {}
        self._not_before: dict[str, float] = {}
        self._random = random.Random()
        self._client = httpx.Client(
            headers={"User-Agent": user_agent(contact), "Accept-Language": "ko,en;q=0.5"},
            timeout=self._politeness.timeout_s,
            follow_redirects=False,
        )
        self.requests_sent = 0

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Page:
        """Return a page from the cache or from its site.

        Raises:
            RobotsForbidError: robots.txt does not allow the address.
            RobotsUnreadableError: robots.txt could not be read.
            AccessRefusedError: The site refused.
            SiteUnreachableError: No useful answer after all tries.
            CollectError: Not an http(s) address, too many redirects, or too large an answer.
        """
        key = "\n".join([url, *(f"{name}: {value}" for name, value in sorted((headers or {}).items()))])
        kept = self._cache.get(key) if self._cache else None
        if kept is not None:
            return kept
        page = self._follow(url, headers or {})
        if self._cache:
            self._cache.put(key, page)
        return page

    def _follow(self, url: str, headers: Mapping[str, str]) -> Page:
        for _ in range(_MAX_REDIRECTS + 1):
            self._check_allowed(url)
            response, body = self._request(url, headers)
            if not response.has_redirect_location:
                return Page(url, response.status_code, body, response.headers.get("Content-Type", ""))
            url = urljoin(url, response.headers["Location"])
        raise CollectError(reason=f"too many redirects: {url}")

    def _check_allowed(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CollectError(reason=f"not an http(s) address: {url}")
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._robots:
            self._robots[origin] = self._read_robots(origin)
        if not self._robots[origin].can_fetch(url, ROBOT_NAME):
            advice_ko, advice_en = self._advice
            raise RobotsForbidError(host=parts.netloc, path=parts.path or "/", hint_ko=advice_ko, hint_en=advice_en)

    def _read_robots(self, origin: str) -> Any:
        host = urlsplit(origin).netloc
        try:
            response, body = self._request(f"{origin}/robots.txt", {})
            for _ in range(_MAX_REDIRECTS):
                if not response.has_redirect_location:
                    break
                response, body = self._request(urljoin(str(response.url), response.headers["Location"]), {})
        except AccessRefusedError as error:
            raise RobotsUnreadableError(host=host, reason=error.details["status"]) from error
        except CollectError as error:
            raise RobotsUnreadableError(host=host, reason=error.details.get("reason", error.code)) from error
        if response.status_code in (404, 410):
            return self._parse_robots("")
        if response.status_code != 200:
            raise RobotsUnreadableError(host=host, reason=f"HTTP {response.status_code}")
        return self._parse_robots(body.decode("utf-8-sig", errors="replace"))

    def _request(self, url: str, headers: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        """Ask once, and again after 5xx answers and cut connections; every other answer comes back."""
        import httpx

        host, reason = urlsplit(url).netloc, ""
        for attempt in range(self._politeness.attempts):
            self._wait_turn(url)
            wait_s = min(_MAX_WAIT_S, self._politeness.backoff_s * 2.0**attempt)
            try:
                response, body = self._send(url, headers)
            except httpx.InvalidURL as error:
                raise CollectError(reason=f"not an address: {url}") from error
            except httpx.HTTPError as error:
                reason = type(error).__name__
            else:
                if response.status_code < 500:
                    self._check_status(response, host)
                    return response, body
                reason = f"HTTP {response.status_code}"
                wait_s = min(_MAX_WAIT_S, max(wait_s, _retry_after_s(response)))
            if attempt + 1 < self._politeness.attempts:
                self._sleep(wait_s)
        raise SiteUnreachableError(host=host, reason=reason)

    def _check_status(self, response: httpx.Response, host: str) -> None:
        """Let pages, redirects and "not found" pass; refusals and the rest of the 4xx answers raise."""
        status = response.status_code
        if status in _REFUSED:
            raise self.refusal(host, f"HTTP {status}", _retry_after_s(response))
        if status not in (200, 404, 410) and not response.has_redirect_location:
            raise CollectError(reason=f"{host}: HTTP {status}")

    def refusal(self, host: str, status: str, retry_after_s: float = 0.0) -> AccessRefusedError:
        """Return the error for a site that refused, saying when it may be asked again where it said so."""
        hint_ko, hint_en = self._advice
        if retry_after_s:
            hint_ko = f"{retry_after_s:.0f}초 뒤에 오라고 했어요. {hint_ko}"
            hint_en = f"It asks to come back in {retry_after_s:.0f} s. {hint_en}"
        return AccessRefusedError(host=host, status=status, hint_ko=hint_ko.strip(), hint_en=hint_en.strip())

    def _send(self, url: str, headers: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        self.requests_sent += 1
        body = bytearray()
        with self._client.stream("GET", url, headers=dict(headers)) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > self._politeness.max_bytes:
                    raise CollectError(reason=f"the answer is larger than {self._politeness.max_bytes} bytes: {url}")
        return response, bytes(body)

    def _wait_turn(self, url: str) -> None:
        parts = urlsplit(url)
        wait_s = self._not_before.get(parts.netloc, 0.0) - self._clock()
        if wait_s > 0:
            self._sleep(wait_s)
        delay_s = self._delay_s(f"{parts.scheme}://{parts.netloc}", parts.netloc)
        delay_s *= 1 + self._random.uniform(0, self._politeness.jitter)
        self._not_before[parts.netloc] = self._clock() + delay_s

    def _delay_s(self, origin: str, host: str) -> float:
        delay_s = self._politeness.host_delays_s.get(host, self._politeness.delay_s)
        robots = self._robots.get(origin)
        if robots is None:
            return delay_s
        rate = robots.request_rate(ROBOT_NAME)
        asked = [robots.crawl_delay(ROBOT_NAME) or 0.0, rate.seconds / rate.requests if rate and rate.requests else 0.0]
        return max(delay_s, *asked)


def _retry_after_s(response: httpx.Response) -> float:
    """Return a Retry-After in seconds; 0 where absent or a date."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0
