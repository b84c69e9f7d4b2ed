"""/metrics: what it counts, that callers cannot make labels, and who may see it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from profile_music.stages import STAGES
from tests.service.conftest import MakeClient, Server, code_of

ROUTES = {
    "/", "/{name}", "/assets/{version}/{name:path}", "/v1/recommendations", "/v1/emotion", "/v1/emotion/heatmap",
    "/v1/songs", "/v1/config", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "other",
}  # fmt: skip


def figures(client: TestClient) -> dict[tuple[str, ...], float]:
    """Return every sample as (name, label values...) -> value."""
    text = client.get("/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_off_by_default(make_client: MakeClient) -> None:
    assert code_of(make_client().get("/metrics")) == "not_found"


def test_a_token_keeps_strangers_out(make_client: MakeClient) -> None:
    client = make_client(metrics_token="a-secret-token")
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic a-secret-token"}):
        response = client.get("/metrics", headers=headers)
        assert (response.status_code, code_of(response)) == (401, "metrics_token_wrong")
    allowed = client.get("/metrics", headers={"authorization": "Bearer a-secret-token"})
    assert allowed.status_code == 200
    assert allowed.headers["content-type"].startswith("text/plain; version=")
    assert "/metrics" not in client.get("/openapi.json").json()["paths"]


def test_requests_stages_emotions_and_errors_are_counted(make_client: MakeClient, portrait: Path) -> None:
    client = make_client(metrics=True)
    photo = {"files": {"photo": portrait.read_bytes()}, "data": {"text": "바다"}}
    for _ in range(2):
        assert client.post("/v1/recommendations", **photo).status_code == 200
    client.post("/v1/emotion/heatmap", files={"photo": portrait.read_bytes()})
    client.post("/v1/recommendations", files={"photo": b"<svg/>"})
    found = figures(client)
    assert found["profile_music_requests_total", "POST", "/v1/recommendations", "200"] == 2
    assert found["profile_music_requests_total", "POST", "/v1/recommendations", "415"] == 1
    assert found["profile_music_errors_total", "photo_format_unsupported"] == 1
    assert found["profile_music_emotions_total", "happy"] == 2
    assert found["profile_music_request_duration_seconds_count", "/v1/recommendations"] == 3
    counts = {stage: found["profile_music_stage_duration_seconds_count", stage] for stage in STAGES}
    assert counts == {
        "wait": 4, "decode": 4, "detect": 3, "emotion": 2, "heatmap": 1, "mood": 2, "text": 2, "search": 2,
        "explain": 2,
    }  # fmt: skip
    assert found["profile_music_stage_duration_seconds_sum", "detect"] > 0
    assert found["profile_music_running_requests",] == found["profile_music_waiting_requests",] == 0
    assert found["process_resident_memory_bytes",] > 1e7


def test_refusals_are_counted(make_client: MakeClient) -> None:
    client = make_client(metrics=True, rate_per_minute=1, rate_burst=1)
    for _ in range(3):
        client.post("/v1/songs", json={"text": "바다"})
    client.post("/v1/songs", content=b"0" * 1_100_000)
    found = figures(client)
    assert found["profile_music_errors_total", "rate_limited"] == 2
    assert found["profile_music_errors_total", "body_too_large"] == 1


def test_callers_cannot_make_labels(make_client: MakeClient) -> None:
    client = make_client(metrics=True)
    for number in range(30):
        client.get(f"/no/such/{number}")
        client.get(f"/assets/v{number}/js/main.js")
        client.get(f"/assets/x/none{number}")
        client.request(f"METHOD{number}", "/v1/songs")
        client.post("/v1/songs", json={"emotion": f"emotion{number}"})
    series = [names for names in figures(client) if names[0] == "profile_music_requests_total"]
    assert {route for _, _, route, _ in series} <= ROUTES
    assert {method for _, method, _, _ in series} <= {"GET", "POST", "other"}
    assert len(series) < 12


@pytest.mark.slow
def test_several_processes_answer_together(serve) -> None:
    server: Server = serve("--processes", "2", "--workers", "1", "--metrics")
    server.wait_for("/readyz")
    for _ in range(20):
        server.wait_for("/healthz")
    text = server.wait_for("/metrics").text
    (counted,) = [line for line in text.splitlines() if 'route="/healthz",status="200"' in line]
    assert float(counted.split()[-1]) == 20
    assert server.stop() == 0
    assert server.log().count('"path": "/healthz", "status": 200') == 20


@pytest.mark.parametrize("extra", ["metrics", "otel"])
def test_an_absent_extra_is_named(extra: str, monkeypatch: pytest.MonkeyPatch, make_client: MakeClient) -> None:
    from profile_music.errors import DependencyMissingError

    module = {"metrics": "profile_music.service.metrics", "otel": "profile_music.service.tracing"}[extra]
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(DependencyMissingError, match=extra):
        make_client(metrics=extra == "metrics", otel=extra == "otel")
