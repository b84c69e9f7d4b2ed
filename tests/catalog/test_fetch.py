"""The polite client against a server on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from profile_music import __version__
from profile_music.catalog.cache import Page, PageCache
from profile_music.catalog.fetch import PoliteClient, Politeness
from profile_music.errors import (
    AccessRefusedError,
    CollectError,
    RobotsForbidError,
    RobotsUnreadableError,
    SiteUnreachableError,
)

from .server import Answer, Asked, Site


class Waits:
    """A clock that moves only by the waits that the client asks for."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.waits: list[float] = []

    def sleep(self, duration_s: float) -> None:
        self.waits.append(duration_s)
        self.now_s += duration_s

    def clock(self) -> float:
        return self.now_s


def client(waits: Waits, cache: PageCache | None = None, **changes: object) -> PoliteClient:
    politeness = Politeness(**{"delay_s": 1.0, "jitter": 0.0, "attempts": 3, "backoff_s": 2.0, **changes})
    return PoliteClient(politeness, contact="me@example.com", cache=cache, sleep=waits.sleep, clock=waits.clock)


def hello(asked: Asked) -> Answer | None:
    return Answer(f"안녕 {asked.path}") if asked.path != "/missing" else None


def test_robots_come_first_and_the_agent_is_honest() -> None:
    with Site(hello) as site, client(Waits()) as web:
        page = web.get(f"{site.url}/a", {"Referer": "http://there"})
        assert page.body.decode() == "안녕 /a"
        assert site.paths() == ["/robots.txt", "/a"]
        assert all(
            asked.headers["User-Agent"] == f"profile-music/{__version__} (contact: me@example.com)"
            for asked in site.asked
        )
        assert site.asked[1].headers["Referer"] == "http://there"
        web.get(f"{site.url}/b")
        assert site.paths() == ["/robots.txt", "/a", "/b"]


@pytest.mark.parametrize(
    ("robots", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /\n", "/a", False),
        ("User-agent: *\nDisallow: /private\n", "/a", True),
        ("User-agent: *\nDisallow: /private\n", "/private/x", False),
        ("User-agent: *\nAllow: /\n\nUser-agent: profile-music\nDisallow: /\n", "/a", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Profile-Music\nAllow: /a\n", "/a", True),
        ("\ufeffUser-agent: *\r\nDisallow: /\r\n", "/a", False),
        ("<html>not a robots file</html>", "/a", True),
        (None, "/a", True),
    ],
)
def test_robots_decide(robots: str | None, path: str, allowed: bool) -> None:
    with Site(hello, robots) as site, client(Waits()) as web:
        if allowed:
            assert web.get(site.url + path).found
        else:
            with pytest.raises(RobotsForbidError, match=r"robots\.txt"):
                web.get(site.url + path)
            assert site.paths() == ["/robots.txt"]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_unreadable_robots_stop_everything(status: int) -> None:
    with Site(hello, Answer("no", status)) as site, client(Waits()) as web:
        with pytest.raises(RobotsUnreadableError, match=str(status)):
            web.get(f"{site.url}/a")
        assert set(site.paths()) == {"/robots.txt"}


def test_an_unreachable_site_is_told_so() -> None:
    with Site(hello) as site:
        url = site.url
    with client(Waits(), timeout_s=0.5) as web, pytest.raises(RobotsUnreadableError, match="Connect"):
        web.get(f"{url}/a")


def test_requests_keep_their_distance() -> None:
    waits = Waits()
    with Site(hello) as site, client(waits) as web:
        for name in "abc":
            web.get(f"{site.url}/{name}")
    assert waits.waits == pytest.approx([1.0, 1.0, 1.0])


def test_a_sites_own_crawl_delay_wins_and_jitter_only_adds() -> None:
    waits = Waits()
    robots = "User-agent: *\nAllow: /\nCrawl-delay: 7\n"
    with Site(hello, robots) as site, client(waits, jitter=0.5) as web:
        for name in "abcde":
            web.get(f"{site.url}/{name}")
    assert 1.0 <= waits.waits[0] <= 1.5
    assert all(7.0 <= wait <= 10.5 for wait in waits.waits[1:])
    assert len(set(waits.waits[1:])) == 4


def test_server_errors_and_cut_connections_are_tried_again_ever_more_slowly() -> None:
    answers = [Answer(cut=True), Answer("sorry", 502), Answer("here")]
    waits = Waits()
    with Site(lambda asked: answers.pop(0)) as site, client(waits) as web:
        assert web.get(f"{site.url}/a").body == b"here"
        assert site.paths().count("/a") == 3
    assert [wait for wait in waits.waits if wait >= 2.0] == [2.0, 4.0]


def test_retry_after_is_kept_to() -> None:
    answers = [Answer("later", 503, {"Retry-After": "30"}), Answer("here")]
    waits = Waits()
    with Site(lambda asked: answers.pop(0)) as site, client(waits) as web:
        assert web.get(f"{site.url}/a").found
    assert 30.0 in waits.waits


@pytest.mark.parametrize("answer", [Answer("x", 500), Answer(cut=True)])
def test_after_all_tries_it_gives_up(answer: Answer) -> None:
    with Site(lambda asked: answer) as site, client(Waits()) as web:
        with pytest.raises(SiteUnreachableError):
            web.get(f"{site.url}/a")
        assert site.paths().count("/a") == 3


@pytest.mark.parametrize("status", [401, 403, 429, 451])
def test_a_refusal_stops_at_once(status: int) -> None:
    refusal = Answer("접근이 제한되었습니다", status, {"Retry-After": "60"})
    with Site(lambda asked: refusal) as site, client(Waits()) as web:
        with pytest.raises(AccessRefusedError, match=f"HTTP {status}") as caught:
            web.get(f"{site.url}/a")
        assert site.paths() == ["/robots.txt", "/a"]
        assert "60" in caught.value.message_ko


def test_pages_are_kept_and_refusals_are_not(tmp_path: Path) -> None:
    refuse = False

    def reply(asked: Asked) -> Answer | None:
        return Answer("no", 403) if refuse else hello(asked)

    with Site(reply) as site:
        with client(Waits(), PageCache(tmp_path, 3600)) as web:
            assert [web.get(f"{site.url}/{name}").found for name in ("a", "missing")] == [True, False]
        refuse = True
        with client(Waits(), PageCache(tmp_path, 3600)) as web:
            assert [web.get(f"{site.url}/{name}").found for name in ("a", "missing")] == [True, False]
            assert web.requests_sent == 0
            for _ in range(2):
                with pytest.raises(AccessRefusedError):
                    web.get(f"{site.url}/b")
        assert site.paths().count("/b") == 2


def test_the_cache_forgets_and_survives_damage(tmp_path: Path) -> None:
    now_s = 1000.0
    cache = PageCache(tmp_path, 100, clock=lambda: now_s)
    cache.put("k", Page("http://x/", 200, "가\n나".encode(), "text/html"))
    cache.put("gone", Page("http://x/gone", 404, b""))
    assert cache.get("k") == Page("http://x/", 200, "가\n나".encode(), "text/html")
    now_s = 1050.0
    assert cache.get("k") is not None
    assert cache.get("gone") is None
    now_s = 1101.0
    assert cache.get("k") is None
    now_s = 1001.0
    for path in tmp_path.rglob("*.page"):
        path.write_bytes(path.read_bytes()[:-1] or b"")
    assert cache.get("k") is None
    assert cache.get("never") is None


def test_redirects_are_followed_where_robots_allow() -> None:
    def reply(asked: Asked) -> Answer:
        hops = {"/a": "/b", "/loop": "/loop", "/out": "ftp://elsewhere/", "/hidden": "/private/x"}
        target = hops.get(asked.path)
        return Answer("", 302, {"Location": target}) if target else Answer(asked.path)

    with Site(reply, "User-agent: *\nDisallow: /private\n") as site, client(Waits()) as web:
        assert web.get(f"{site.url}/a").url == f"{site.url}/b"
        with pytest.raises(RobotsForbidError):
            web.get(f"{site.url}/hidden")
        for path in ("/loop", "/out"):
            with pytest.raises(CollectError):
                web.get(site.url + path)


def test_too_large_answers_and_odd_statuses_are_errors() -> None:
    def reply(asked: Asked) -> Answer:
        return Answer("x" * 5000) if asked.path == "/big" else Answer("?", 418)

    with Site(reply) as site, client(Waits(), max_bytes=4000) as web:
        for path, message in (("/big", "4000"), ("/odd", "418")):
            with pytest.raises(CollectError, match=message):
                web.get(site.url + path)


@pytest.mark.parametrize("url", ["file:///etc/hosts", "ftp://x/", "nonsense", "http://", "https:///path"])
def test_only_web_addresses(url: str) -> None:
    with client(Waits()) as web, pytest.raises(CollectError):
        web.get(url)
