"""What an operator may follow of the server: requests, the queue, the route's stages. By default nobody does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from profile_music.errors import DependencyMissingError
from profile_music.settings import Settings


@dataclass(frozen=True, slots=True)
class Served:
    """One answered request; `route` is the route's template ('other' where none fits), never the path that was sent."""

    method: str
    route: str
    status: int
    duration_s: float
    error_code: str = ""


class Watch:
    """Follows nothing; the base of those that do. Called from the event loop and from the inference threads."""

    def request(self, served: Served) -> None:
        """Note one answered request."""

    def emotion(self, name: str) -> None:
        """Note which emotion was read from a photo ('unsure' where the model abstained)."""

    def queued(self) -> None:
        """Note that a request waits for a thread."""

    def dropped(self) -> None:
        """Note that a request waited until its deadline."""

    def started(self, waited_s: float) -> None:
        """Note that a request begins to run, called in its thread."""

    def ended(self) -> None:
        """Note that a request does not run any more."""

    def stage(self, name: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        """Return the context that a stage of the route runs in."""
        return nullcontext()

    def router(self) -> APIRouter | None:
        """Return routes of its own; None where it has none."""
        return None

    def fastapi_options(self) -> dict[str, Any]:
        """Return what FastAPI's own telemetry needs; nothing where it stays off."""
        return {}

    def close(self) -> None:
        """Hand over what is not yet handed over; called once, when the server stops."""


class Watches(Watch):
    """Several at once."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        """Pass everything on to `watches`."""
        self._watches = watches

    def request(self, served: Served) -> None:
        """Pass it on."""
        for watch in self._watches:
            watch.request(served)

    def emotion(self, name: str) -> None:
        """Pass it on."""
        for watch in self._watches:
            watch.emotion(name)

    def queued(self) -> None:
        """Pass it on."""
        for watch in self._watches:
            watch.queued()

    def dropped(self) -> None:
        """Pass it on."""
        for watch in self._watches:
            watch.dropped()

    def started(self, waited_s: float) -> None:
        """Pass it on."""
        for watch in self._watches:
            watch.started(waited_s)

    def ended(self) -> None:
        """Pass it on."""
        for watch in self._watches:
            watch.ended()

    def stage(self, name: str) -> AbstractContextManager[Any]:
        """Enter the contexts of all."""
        return _together([watch.stage(name) for watch in self._watches])

    def close(self) -> None:
        """Pass it on."""
        for watch in self._watches:
            watch.close()


@contextmanager
def _together(contexts: Sequence[AbstractContextManager[Any]]) -> Iterator[None]:
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


def watches_for(settings: Settings) -> list[Watch]:
    """Return what the settings ask for: `Metrics`, `Tracing`, both or nothing.

    Raises:
        DependencyMissingError: The extra ``metrics`` or ``otel`` is asked for and not installed.
    """
    found: list[Watch] = []
    if settings.metrics or settings.metrics_token:
        try:
            from profile_music.service.metrics import Metrics
        except ModuleNotFoundError as error:
            raise DependencyMissingError(extra="metrics") from error
        found.append(Metrics(settings))
    if settings.otel:
        try:
            from profile_music.service.tracing import Tracing
        except ModuleNotFoundError as error:
            raise DependencyMissingError(extra="otel") from error
        found.append(Tracing())
    return found
