"""OpenTelemetry traces: one span a request, by FastAPI itself, and one a stage, below it. Neither has any content.

Where spans go is said by the usual variables (``OTEL_EXPORTER_OTLP_ENDPOINT``, ``OTEL_SERVICE_NAME``, ...).
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from profile_music._version import __version__
from profile_music.service.watch import Watch

_QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})


class Tracing(Watch):
    """Makes spans and sends them in the background."""

    def __init__(self) -> None:
        """Set up a provider of our own: no global state, so that several applications can live in one process."""
        resource = Resource({SERVICE_NAME: "profile-music", "service.version": __version__})
        self.provider = TracerProvider(resource=resource.merge(OTELResourceDetector().detect()))
        self.provider.add_span_processor(_WithoutQueries())
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self.provider.get_tracer("profile_music", __version__)

    def started(self, waited_s: float) -> None:
        """Make the span of the wait, which is over."""
        self._tracer.start_span("wait", start_time=time.time_ns() - int(waited_s * 1e9)).end()

    def stage(self, name: str) -> AbstractContextManager[Any]:
        """Return a span's context; an exception's message could quote a text, so exceptions are not recorded."""
        return self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)

    def close(self) -> None:
        """Send what is left."""
        self.provider.shutdown()

    def fastapi_options(self) -> dict[str, Any]:
        """Return what FastAPI needs to make the request's span."""
        return {
            "tracer_provider": self.provider,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
            "exclude": _is_quiet,
        }


class _WithoutQueries(SpanProcessor):
    """Takes query strings out of spans: nobody should send a text there, but somebody will."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        if span.attributes and "url.query" in span.attributes:
            span.set_attribute("url.query", "REDACTED")


def _is_quiet(scope: MutableMapping[str, Any]) -> bool:
    path: str = scope["path"]
    return path in _QUIET_PATHS or path.startswith("/assets/")
