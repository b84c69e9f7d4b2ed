"""Figures for Prometheus. Callers cannot choose a label's value: routes are templates, codes and emotions ours."""

from __future__ import annotations

import hmac
import os
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from profile_music._version import __version__
from profile_music.errors import ProfileMusicError
from profile_music.service.watch import Served, Watch
from profile_music.settings import Settings
from profile_music.stages import STAGES

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's own variable: the folder that several processes share their figures in."""

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)


class MetricsTokenError(ProfileMusicError):
    """The caller may not see the figures."""

    code = "metrics_token_wrong"
    http_status = 401
    ko = "지표를 보려면 맞는 토큰이 필요해요 (Authorization: Bearer)."
    en = "The metrics need the right token (Authorization: Bearer)."


class Metrics(Watch):
    """Counts, and answers /metrics. In several processes, each writes to a shared folder and any of them answers."""

    def __init__(self, settings: Settings) -> None:
        """Make every metric."""
        token = settings.metrics_token
        self._token = token.get_secret_value() if token else ""
        self._folder = os.environ.get(MULTIPROCESS_VARIABLE)
        self._registry = registry = CollectorRegistry()
        name = "profile_music"
        self._requests = Counter(f"{name}_requests", "Answers.", ["method", "route", "status"], registry=registry)
        self._latency = Histogram(
            f"{name}_request_duration_seconds", "From the first byte of a request to the last of its answer.",
            ["route"], buckets=_REQUEST_BUCKETS, registry=registry,
        )  # fmt: skip
        stages = Histogram(
            f"{name}_stage_duration_seconds", "Stages of the route.", ["stage"], buckets=_STAGE_BUCKETS,
            registry=registry,
        )  # fmt: skip
        self._stages = {stage: stages.labels(stage) for stage in STAGES}
        self._errors = Counter(f"{name}_errors", "Errors and refusals.", ["code"], registry=registry)
        self._emotions = Counter(f"{name}_emotions", "Emotions read from photos.", ["emotion"], registry=registry)
        self._waiting = _gauge(f"{name}_waiting_requests", "Requests that wait for a thread.", registry)
        self._running = _gauge(f"{name}_running_requests", "Requests that run in a thread.", registry)
        capacity = _gauge(f"{name}_queue_capacity", "Requests that may wait before 503 is answered.", registry)
        capacity.set(settings.queue_size)
        if self._folder:
            _forget_the_dead(Path(self._folder))
        else:
            Gauge(f"{name}_info", "The version.", ["version"], registry=registry).labels(__version__).set(1)
            ProcessCollector(registry=registry)

    def request(self, served: Served) -> None:
        """Count it and its latency."""
        method = served.method if served.method in _METHODS else "other"
        self._requests.labels(method, served.route, str(served.status)).inc()
        self._latency.labels(served.route).observe(served.duration_s)
        if served.error_code:
            self._errors.labels(served.error_code).inc()

    def emotion(self, name: str) -> None:
        """Count it."""
        self._emotions.labels(name).inc()

    def queued(self) -> None:
        """One more waits."""
        self._waiting.inc()

    def dropped(self) -> None:
        """One less waits."""
        self._waiting.dec()

    def started(self, waited_s: float) -> None:
        """One less waits, one more runs."""
        self._stages["wait"].observe(waited_s)
        self._waiting.dec()
        self._running.inc()

    def ended(self) -> None:
        """One less runs."""
        self._running.dec()

    def stage(self, name: str) -> AbstractContextManager[Any]:
        """Time it."""
        return self._stages[name].time()

    def text(self) -> bytes:
        """Return the figures in Prometheus's text format, of all processes."""
        registry = self._registry
        if self._folder:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, path=self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/metrics", self._answer, methods=["GET"])
        return router

    def _answer(self, request: Request) -> Response:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if self._token and not (
            scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode())
        ):
            raise MetricsTokenError
        return Response(self.text(), media_type=CONTENT_TYPE_LATEST, headers={"cache-control": "no-store"})


def _gauge(name: str, text: str, registry: CollectorRegistry) -> Gauge:
    return Gauge(name, text, registry=registry, multiprocess_mode="livesum")


def _forget_the_dead(folder: Path) -> None:
    """Drop the gauges of processes that ended without saying so: what they ran does not run any more."""
    for file in folder.glob("gauge_live*_*.db"):
        found = re.search(r"_(\d+)\.db$", file.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            mark_process_dead(int(found[1]), str(folder))  # type: ignore[no-untyped-call]
