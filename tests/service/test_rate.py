"""Rates: a token bucket for each address or key, in bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_music.service.rate import RateLimit, address_key
from tests.service.conftest import MakeClient, code_of


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    rate = RateLimit(per_minute=60, burst=3, clock=clock)
    assert [rate.take("a") for _ in range(3)] == [0, 0, 0]
    assert rate.take("a") == pytest.approx(1)
    assert rate.take("b") == 0
    clock.now += 1
    assert rate.take("a") == 0
    assert rate.take("a") == pytest.approx(1)
    clock.now += 3600
    assert [rate.take("a") > 0 for _ in range(4)] == [False, False, False, True]


@given(st.lists(st.floats(0, 5), max_size=200), st.integers(1, 600), st.integers(1, 20))
def test_never_more_than_the_bucket_holds(pauses: list[float], per_minute: int, burst: int) -> None:
    clock = Clock()
    rate = RateLimit(per_minute, burst, clock=clock)
    begin, passed = clock.now, 0
    for pause in pauses:
        clock.now += pause
        passed += rate.take("a") == 0
    assert passed <= burst + (clock.now - begin) * per_minute / 60 + 1e-6


def test_waiting_as_long_as_told_is_enough() -> None:
    clock = Clock()
    rate = RateLimit(per_minute=7, burst=1, clock=clock)
    for _ in range(20):
        assert rate.take("a") == 0
        clock.now += rate.take("a")


def test_memory_is_bounded() -> None:
    rate = RateLimit(per_minute=1, burst=1, most_keys=100)
    assert all(rate.take(str(number)) == 0 for number in range(1000))
    assert len(rate) == 100
    assert rate.take("999") > 0


def test_no_limit_remembers_nobody() -> None:
    rate = RateLimit(per_minute=0, burst=1)
    assert [rate.take("a") for _ in range(100)] == [0] * 100
    assert len(rate) == 0


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("x" * 5000, "unknown"),
        (None, "unknown"),
    ],
)
def test_addresses(host: str | None, key: str) -> None:
    assert address_key(host) == key


def test_too_many_requests_are_told_when_to_come_back(make_client: MakeClient) -> None:
    client = make_client(rate_per_minute=6, rate_burst=2)
    answers = [client.post("/v1/songs", json={"text": "바다"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert code_of(answers[2]) == "rate_limited"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 10
    assert answers[2].headers["x-request-id"]
    # What costs nothing is not counted: the page and the health checks.
    assert {client.get(path).status_code for path in ("/", "/healthz", "/readyz")} == {200}


def test_forwarded_addresses_are_believed_from_trusted_proxies_only(make_client: MakeClient) -> None:
    def ask(client, address: str) -> int:
        return client.get("/v1/config", headers={"x-forwarded-for": address}).status_code

    alone = make_client(rate_per_minute=1, rate_burst=1)
    assert [ask(alone, "198.51.100.1"), ask(alone, "198.51.100.2")] == [200, 429]
    behind = make_client("10.1.2.3", rate_per_minute=1, rate_burst=1, trusted_proxies=("10.0.0.0/8",))
    assert [ask(behind, "198.51.100.1"), ask(behind, "198.51.100.2"), ask(behind, "198.51.100.1")] == [200, 200, 429]
    # What a client wrote itself stands left of what the proxy saw.
    assert ask(behind, "192.0.2.9, 198.51.100.2") == 429


def test_proxies_must_be_addresses() -> None:
    from pydantic import ValidationError

    from profile_music import Settings

    for wrong in ("*", "proxy.example.com", "10.0.0.0/99"):
        with pytest.raises(ValidationError):
            Settings(trusted_proxies=wrong)
