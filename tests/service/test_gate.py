"""What every request passes: limits in size and time, unexpected failures, CORS, security headers."""

from __future__ import annotations

import asyncio
import logging
import socket
import time

import httpx
import pytest
from pydantic import ValidationError

from profile_music import Recommender, Settings
from profile_music.service.app import create_app
from tests.kakao.serving import Served
from tests.service.conftest import MakeClient, code_of

ORIGIN = "https://app.example.com"


def test_bodies_without_a_photo_stay_small(make_client: MakeClient) -> None:
    client = make_client()
    for content_type in ("application/json", "application/x-www-form-urlencoded", "text/plain", ""):
        response = client.post("/v1/songs", content=b"0" * 1_100_000, headers={"content-type": content_type})
        assert (response.status_code, code_of(response)) == (413, "body_too_large")
    streamed = client.post("/v1/songs", content=(b'"' * 1000 for _ in range(2000)))
    assert (streamed.status_code, code_of(streamed)) == (413, "body_too_large")


def test_a_body_that_trickles_in_is_given_up(recommender: Recommender) -> None:
    served = Served(create_app(Settings(upload_s=0.5), recommender))
    try:
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as slow:
            slow.sendall(
                b"POST /v1/recommendations HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=x\r\n"
                b"content-length: 100000\r\n\r\n--x\r\n"
            )
            begin = time.monotonic()
            answer = b"".join(iter(lambda: slow.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 408")
            assert b"upload_too_slow" in answer
            assert time.monotonic() - begin < 10
        assert httpx.get(f"{served.url}/readyz").status_code == 200
    finally:
        served.close()


def test_a_client_that_leaves_is_no_error(recommender: Recommender, caplog: pytest.LogCaptureFixture) -> None:
    served = Served(create_app(Settings(), recommender))
    try:
        with caplog.at_level(logging.INFO), socket.create_connection(("127.0.0.1", served.port)) as leaving:
            leaving.sendall(
                b"POST /v1/recommendations HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=x\r\n"
                b"content-length: 100000\r\n\r\n--x\r\n"
            )
            leaving.close()
            end = time.monotonic() + 20
            while '"status": 499' not in caplog.text and time.monotonic() < end:
                time.sleep(0.05)
        assert '"status": 499' in caplog.text
        assert "unexpected" not in caplog.text
    finally:
        served.close()


def test_an_unexpected_failure_is_logged_without_what_was_asked(
    recommender: Recommender, monkeypatch: pytest.MonkeyPatch, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object, photo: object, text: str, *__: object, **___: object) -> None:
        raise ValueError(f"cannot read {text}")

    client = make_client()
    monkeypatch.setattr(recommender.__class__, "recommend", fail)
    response = client.post("/v1/recommendations", data={"text": "아무도모르는문장"})
    assert (response.status_code, code_of(response)) == (500, "internal_error")
    assert response.headers["x-request-id"] in caplog.text
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "ValueError" in caplog.text
    assert "test_gate.py" in caplog.text
    assert "아무도모르는문장" not in caplog.text


def test_other_origins_may_not_ask_by_default(make_client: MakeClient) -> None:
    client = make_client()
    response = client.get("/v1/config", headers={"origin": ORIGIN})
    assert not [name for name in response.headers if name.startswith("access-control")]
    preflight = {"origin": ORIGIN, "access-control-request-method": "POST"}
    assert client.options("/v1/songs", headers=preflight).status_code == 405


def test_named_origins_may_ask_and_read_errors(make_client: MakeClient) -> None:
    client = make_client(cors_origins=(ORIGIN,), rate_per_minute=1, rate_burst=1)
    preflight = {
        "origin": ORIGIN, "access-control-request-method": "POST", "access-control-request-headers": "x-api-key",
    }  # fmt: skip
    allowed = client.options("/v1/songs", headers=preflight)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, ORIGIN)
    answers = [client.get("/v1/config", headers={"origin": ORIGIN}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {ORIGIN}
    assert "retry-after" in answers[1].headers["access-control-expose-headers"].lower()
    assert not any("access-control-allow-credentials" in answer.headers for answer in answers)
    other = client.options("/v1/songs", headers={**preflight, "origin": "https://evil.example.com"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("origin", ["app.example.com", "https://app.example.com/path", "https://", "null", "https://*"])
def test_origins_are_checked_at_the_start(origin: str) -> None:
    with pytest.raises(ValidationError):
        Settings(cors_origins=origin)


def test_every_kind_of_answer_has_the_security_headers(make_client: MakeClient) -> None:
    client = make_client(rate_per_minute=1, rate_burst=1)
    answers = [
        client.get("/"),
        client.get("/v1/config"),
        client.get("/v1/config"),
        client.get("/nothing"),
        client.post("/v1/songs", content=b"0" * 1_100_000),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 404, 413]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-request-id"]


def test_a_full_queue_is_told_to_wait_and_comes_back(recommender: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the queue holds, through the whole application: each gets an answer, or 503 with Retry-After."""

    def slow(*_: object, **__: object) -> None:
        time.sleep(0.2)
        raise ZeroDivisionError

    app = create_app(Settings(workers=1, queue_size=2), recommender)
    real = recommender.__class__.recommend

    async def scenario() -> None:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://a") as asked,
        ):
            monkeypatch.setattr(recommender.__class__, "recommend", slow)
            answers = await asyncio.gather(*(asked.post("/v1/songs", json={"text": "a"}) for _ in range(10)))
            assert sorted(answer.status_code for answer in answers) == [500] * 3 + [503] * 7
            refused = [answer for answer in answers if answer.status_code == 503]
            assert {(code_of(answer), answer.headers["retry-after"]) for answer in refused} == {("server_busy", "2")}
            monkeypatch.setattr(recommender.__class__, "recommend", real)
            assert (await asked.post("/v1/songs", json={"text": "바다"})).status_code == 200

    asyncio.run(scenario())
