"""Sending a stream of bad requests to a running server, and the judgement on what came back."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from statistics import median

from tests.hostile.wire import BadRequest, Outcome, send
from tests.server import RunningServer

DEADLINE_S = 15.0
UPLOAD_S = 3.0
SETTINGS = {"upload_s": str(UPLOAD_S), "deadline_s": str(DEADLINE_S)}
"""The server's settings: an upload that stops is given up after three seconds, so that a run ends in time."""


@dataclass
class Report:
    """What came back, by kind of request."""

    codes: dict[str, Counter[str]] = field(default_factory=dict)
    slowest: dict[str, tuple[float, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    rss_bytes: list[tuple[int, int]] = field(default_factory=list)
    sent: int = 0

    def add(self, request: BadRequest, outcome: Outcome) -> None:
        """Count one outcome; faults are 5xx, answers after the deadline, and answers that are wrong themselves."""
        self.sent += 1
        counts = self.codes.setdefault(request.kind, Counter())
        counts[f"{outcome.status or '-'} {outcome.code}"] += 1
        self.slowest[request.kind] = max(
            self.slowest.get(request.kind, (0.0, "")), (round(outcome.seconds, 3), request.name)
        )
        late = outcome.seconds > DEADLINE_S + UPLOAD_S
        if outcome.status >= 500 or outcome.problem or late:
            self.faults.append(f"{request.kind}/{request.name}: {outcome}")

    def memory_bytes(self) -> tuple[float, float]:
        """Return the median memory in the quarter after the first tenth of the requests, and in the last quarter."""
        early = [rss for sent, rss in self.rss_bytes if 0.1 * self.sent <= sent <= 0.35 * self.sent]
        late = [rss for sent, rss in self.rss_bytes if sent >= 0.75 * self.sent]
        return median(early), median(late)


class Sender:
    """Several clients that take from one stream."""

    def __init__(self, server: RunningServer, requests: Iterator[BadRequest], seconds: float) -> None:
        """Send until the stream or the time is over."""
        self.report = Report()
        self._server = server
        self._requests = requests
        self._until = time.monotonic() + seconds
        self._lock = threading.Lock()

    def run(self, clients: int, every: int) -> Report:
        """Send with `clients` threads; the server's memory is read after every `every` requests and at the end."""
        threads = [threading.Thread(target=self._work, args=(every,), daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.report.rss_bytes.append((self.report.sent, self._server.rss_bytes()))
        return self.report

    def _work(self, every: int) -> None:
        while time.monotonic() < self._until:
            with self._lock:
                request = next(self._requests, None)
            if request is None:
                return
            try:
                outcome = send(self._server.port, request, DEADLINE_S + UPLOAD_S + 5)
            except OSError as error:
                outcome = Outcome(0, "refused", 0.0, f"{type(error).__name__}: {error}")
            with self._lock:
                self.report.add(request, outcome)
                if self.report.sent % every == 0:
                    self.report.rss_bytes.append((self.report.sent, self._server.rss_bytes()))


def attack(server: RunningServer, requests: Iterator[BadRequest], *, count: int, seconds: float) -> Report:
    """Send at most `count` requests in at most `seconds`; four clients stay below the queue's size, so none waits."""
    return Sender(server, islice(requests, count), seconds).run(clients=4, every=max(1, count // 200))
