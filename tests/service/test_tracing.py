"""OpenTelemetry: spans reach a collector over OTLP, with the stages below the request and nothing of its content."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.service.conftest import MakeClient

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector:
    """Takes spans as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                import gzip

                body = self.rfile.read(int(self.headers["content-length"]))
                bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span for request in requests for group in request.resource_spans for scope in group.scope_spans
            for span in scope.spans
        ]  # fmt: skip


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    running = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{running.server.server_port}")
    yield running
    running.server.shutdown()


def test_a_request_and_its_stages(collector: Collector, make_client: MakeClient, portrait: Path) -> None:
    client = make_client(otel=True)
    headers = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
    photo = {"files": {"photo": portrait.read_bytes()}, "data": {"text": "아무도모르는문장"}}
    assert client.post("/v1/recommendations?q=아무도모르는질의", headers=headers, **photo).status_code == 200
    client.post("/v1/recommendations", files={"photo": b"<svg/>"}, data={"text": "아무도모르는문장"})
    client.get("/readyz")
    client.app.state.watch.close()

    spans = collector.spans()
    ours = [span for span in spans if span.trace_id.hex() == TRACE_ID]
    by_id = {span.span_id: span for span in ours}
    (request,) = [span for span in ours if span.parent_span_id not in by_id]
    assert request.name == "POST /v1/recommendations"
    assert request.parent_span_id.hex() == "00f067aa0ba902b7"
    stages = {span.name for span in ours} - {request.name}
    assert stages == {"wait", "decode", "detect", "emotion", "mood", "text", "search", "explain"}
    assert {span.parent_span_id for span in ours if span is not request} == {request.span_id}
    assert not any("readyz" in span.name for span in spans)
    content = b"".join(collector.bodies)
    assert "아무도모르는".encode() not in content
    assert b"%EC%95%84" not in content


def test_off_where_it_is_not_switched_on(collector: Collector, make_client: MakeClient) -> None:
    make_client().post("/v1/songs", json={"text": "바다"})
    assert collector.bodies == []
