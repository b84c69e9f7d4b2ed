"""The HTTP service over the real recommender."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from profile_music import Recommender, Settings
from profile_music.service.app import create_app

TEXT = "오늘 하루도 수고했어"
JSON = {"content-type": "application/json"}
MULTIPART = {"content-type": "multipart/form-data"}


@pytest.fixture(scope="module")
def client(recommender: Recommender) -> Iterator[TestClient]:
    settings = Settings(photo_max_bytes=2_000_000)
    with TestClient(create_app(settings, recommender), raise_server_exceptions=False) as test_client:
        yield test_client


def code_of(response) -> str:
    body = response.json()
    assert set(body["error"]["message"]) == {"ko", "en"}
    return body["error"]["code"]


def test_recommendations(client: TestClient, portrait: Path) -> None:
    response = client.post(
        "/v1/recommendations", files={"photo": ("나.jpg", portrait.read_bytes())}, data={"text": TEXT, "top_k": "3"}
    )
    assert response.status_code == 200
    body = response.json()
    assert len(body["songs"]) == 3
    assert len(body["faces"]) == 1
    assert response.headers["cache-control"] == "no-store"


def test_http_and_python_give_the_same_answer(client: TestClient, recommender: Recommender, portrait: Path) -> None:
    response = client.post("/v1/recommendations", files={"photo": portrait.read_bytes()}, data={"text": TEXT})
    assert response.json() == json.loads(json.dumps(recommender.recommend(portrait, TEXT).to_dict()))


def test_text_alone_as_multipart_or_urlencoded(client: TestClient) -> None:
    one = client.post("/v1/recommendations", data={"text": TEXT})
    other = client.post("/v1/recommendations", files={"text": (None, TEXT)})
    assert one.json()["songs"] == other.json()["songs"]


def test_options(client: TestClient) -> None:
    first = client.post("/v1/recommendations", data={"text": TEXT, "decades": "1990,2000"}).json()["songs"]
    assert all(1990 <= song["song"]["year"] < 2010 for song in first)
    shown = ",".join(song["song"]["song_id"] for song in first)
    second = client.post("/v1/recommendations", data={"text": TEXT, "exclude": shown, "mood": "lift", "fresh": "7"})
    assert not {s["song"]["song_id"] for s in first} & {s["song"]["song_id"] for s in second.json()["songs"]}


def test_emotion(client: TestClient, portrait: Path) -> None:
    body = client.post("/v1/emotion", files={"photo": portrait.read_bytes()}).json()
    assert len(body["faces"]) == 1
    assert sum(body["emotion"]["probabilities"].values()) == pytest.approx(1, abs=1e-3)


def test_songs(client: TestClient) -> None:
    body = client.post("/v1/songs", json={"emotion": "sad", "text": TEXT}).json()
    assert len(body["songs"]) == 5
    assert body["basis"]["photo"] == "corrected"


@pytest.mark.parametrize(
    ("path", "options", "status", "code"),
    [
        ("/v1/recommendations", {"data": {"text": ""}}, 422, "nothing_given"),
        ("/v1/recommendations", {"data": {"text": "a", "top_k": "x"}}, 422, "invalid_input"),
        ("/v1/recommendations", {"data": {"text": "a", "top_k": "99"}}, 422, "invalid_input"),
        ("/v1/recommendations", {"data": {"text": "a", "mood": "up"}}, 422, "invalid_input"),
        ("/v1/recommendations", {"data": {"text": "a", "emotion": "fear"}}, 422, "invalid_input"),
        ("/v1/recommendations", {"data": {"text": "a", "decades": "90s"}}, 422, "invalid_input"),
        ("/v1/recommendations", {"data": {"text": "가" * 3000}}, 413, "text_too_long"),
        ("/v1/recommendations", {"files": {"photo": b"<svg/>"}}, 415, "photo_format_unsupported"),
        ("/v1/recommendations", {"files": {"photo": b"\xff\xd8\xff\xe0" + b"0" * 99}}, 422, "photo_damaged"),
        ("/v1/recommendations", {"files": {"photo": b"0" * 2_500_000}}, 413, "photo_too_large"),
        ("/v1/recommendations", {"content": b"{}", "headers": JSON}, 422, "invalid_input"),
        ("/v1/recommendations", {"content": b"x", "headers": MULTIPART}, 422, "invalid_input"),
        ("/v1/emotion", {"data": {"text": "a"}}, 422, "nothing_given"),
        ("/v1/songs", {"json": {}}, 422, "nothing_given"),
        ("/v1/songs", {"json": {"emotion": "fear"}}, 422, "invalid_input"),
        ("/v1/songs", {"json": {"text": "a", "unknown": 1}}, 422, "invalid_input"),
        ("/v1/songs", {"content": b"{", "headers": JSON}, 422, "invalid_input"),
        ("/v1/nothing", {"data": {}}, 404, "not_found"),
        ("/healthz", {"data": {}}, 405, "method_not_allowed"),
    ],
)  # fmt: skip
def test_bad_requests_have_stable_codes(client: TestClient, path: str, options: dict, status: int, code: str) -> None:
    response = client.post(path, **options)
    assert (response.status_code, code_of(response)) == (status, code)


def test_body_without_length_is_limited_while_it_streams(client: TestClient) -> None:
    chunks = (b"0" * 100_000 for _ in range(100))
    response = client.post(
        "/v1/recommendations", content=chunks, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert response.status_code in (413, 422)


def test_health_ready_docs_page(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.get("/docs").status_code == 200
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


def test_openapi_names_the_routes_and_errors(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/recommendations", "/v1/emotion", "/v1/songs", "/healthz", "/readyz"} <= set(paths)
    assert "503" in paths["/v1/recommendations"]["post"]["responses"]


def test_request_ids_are_kept_where_safe(client: TestClient) -> None:
    assert client.get("/healthz", headers={"x-request-id": "abc-123"}).headers["x-request-id"] == "abc-123"
    assert client.get("/healthz", headers={"x-request-id": "a\tb<script>"}).headers["x-request-id"] != "a\tb<script>"


def test_logs_hold_neither_text_nor_photo(client: TestClient, portrait: Path, caplog) -> None:
    secret = "아무도모르는비밀문장"
    with caplog.at_level(logging.DEBUG):
        client.post("/v1/recommendations?q=" + secret, files={"photo": portrait.read_bytes()}, data={"text": secret})
        client.post("/v1/recommendations", files={"photo": b"damaged " + secret.encode()}, data={"text": secret})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("profile_music")]
    assert any('"path": "/v1/recommendations"' in line for line in ours)
    assert not any(secret in line for line in ours)


def test_unexpected_failure_is_500_without_a_traceback(recommender: Recommender, monkeypatch) -> None:
    app = create_app(Settings(), recommender)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("very private detail")

    with TestClient(app, raise_server_exceptions=False) as broken:
        monkeypatch.setattr(recommender.__class__, "recommend", fail)
        response = broken.post("/v1/recommendations", data={"text": "a"})
    assert (response.status_code, code_of(response)) == (500, "internal_error")
    assert "private" not in response.text
