"""The server under load: a soak of mixed photos and texts, then twice as many clients as its queue has room for.

Usage: python benchmarks/load.py [--soak 10000] [--clients 8] [--overload-s 60] [--json FILE]
Needs the extra `bench` (locust): make bench-env.
Soak: memory after 500 requests and at the end, latencies, and the mean of each stage. Overload: clients that come back
a tenth of a second after a refusal, whatever Retry-After says; /readyz is asked all the while; afterwards one client
sees how long it takes until its latency is what it was before. It ends with 1 where a promise is broken.
"""

from __future__ import annotations

from locust import FastHttpUser, events, task  # isort: skip  (first: it makes sockets cooperative)

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any, ClassVar
from urllib.request import Request, urlopen

import gevent
from locust.env import Environment
from locust.exception import StopUser
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "benchmarks")]

from speed_page import add_outputs, deliver, load_tables, machine  # noqa: E402
from tests.hostile.wire import field, multipart, photo_field  # noqa: E402
from tests.photo.corpus import encode  # noqa: E402
from tests.server import RunningServer  # noqa: E402

CAPACITY = 2 + 16  # the usual workers and queue_size
EARLY = 500
BACK_AFTER_S = 0.1
NORMAL = 1.5
"""Latency is normal below this multiple of what it was before the overload."""
FORM = {"content-type": "multipart/form-data; boundary=xYz"}


def photos() -> list[bytes]:
    """Return the photos that come in: Kakao's size mostly, a large one, and the test photos, some without a face."""
    portrait = Image.open(ROOT / "examples" / "portrait.jpg").convert("RGB")
    made = {side: encode(portrait.resize((side, side)), "JPEG", quality=90) for side in (640, 2048)}
    found = sorted((ROOT / "tests" / "data" / "photos").glob("*.jpg"))
    webp = encode(portrait.resize((640, 640)), "WEBP")
    return [*[made[640]] * 6, made[2048], webp, *(path.read_bytes() for path in found)]


def texts() -> list[str]:
    """Return status messages."""
    source = files("profile_music.evaluate") / "data" / "emotional_texts.jsonl"
    return [json.loads(line)["text"] for line in source.read_text(encoding="utf-8").splitlines()]


class Visitor(FastHttpUser):
    """Asks for songs again and again, mostly with a photo and a text."""

    abstract = True
    network_timeout = 60
    photos: ClassVar[list[bytes]] = []
    texts: ClassVar[list[str]] = []
    random: ClassVar[random.Random] = random.Random(0)

    def _ask(self, name: str, path: str, **body: Any) -> None:
        with self.client.post(path, name=name, catch_response=True, **body) as answer:
            refused = answer.status_code == 503 and answer.headers.get("retry-after")
            if answer.status_code == 200 or refused:
                answer.success()
            self.environment.outcomes[f"{answer.status_code}{' and Retry-After' if refused else ''}"] += 1
        if refused:
            gevent.sleep(BACK_AFTER_S)
        if self.environment.is_over():
            raise StopUser

    def _form(self, *names: str) -> dict[str, Any]:
        made = {
            "photo": lambda: (photo_field(), self.random.choice(self.photos)),
            "text": lambda: (field("text"), self.random.choice(self.texts).encode()),
        }
        return {"data": multipart([made[name]() for name in names]), "headers": FORM}

    @task(6)
    def photo_and_text(self) -> None:
        """The usual request."""
        self._ask("photo + text", "/v1/recommendations", **self._form("photo", "text"))

    @task(2)
    def photo(self) -> None:
        """A photo alone, for its emotion."""
        self._ask("photo", "/v1/emotion", **self._form("photo"))

    @task(1)
    def text(self) -> None:
        """A text alone."""
        self._ask("text", "/v1/recommendations", **self._form("text"))

    @task(1)
    def songs(self) -> None:
        """An emotion and a text as JSON."""
        self._ask("songs", "/v1/songs", json={"emotion": "sad", "text": self.random.choice(self.texts)})


class Crowd(Environment):
    """Visitors of one server until `is_over` says so."""

    def __init__(self, server: RunningServer, is_over: Callable[[], bool]) -> None:
        """Count nothing yet."""
        kind = type("Visitor", (Visitor,), {"host": server.origin, "photos": photos(), "texts": texts()})
        super().__init__(user_classes=[kind], host=server.origin, events=events)
        self.outcomes: Counter[str] = Counter()
        self.is_over = is_over

    @property
    def sent(self) -> int:
        """How many requests have an outcome."""
        return self.outcomes.total()

    def come(self, clients: int) -> dict[str, Any]:
        """Let `clients` ask at once until it is over, each finishing what it began; return the figures."""
        runner = self.create_local_runner()
        begin = time.perf_counter()
        runner.start(clients, spawn_rate=clients, wait=True)
        while runner.user_count or not self.sent:
            gevent.sleep(0.05)
        seconds = time.perf_counter() - begin
        rows = {name: _percentiles(entry) for (name, _), entry in self.stats.entries.items()}
        runner.quit()
        return {
            "clients": clients, "requests": self.sent, "seconds": round(seconds, 1),
            "a_second": round(self.sent / seconds, 1),
            "outcomes": dict(self.outcomes), "unanswered": self.outcomes["0"], "latency_ms": rows,
            "all_ms": _percentiles(self.stats.total),
        }  # fmt: skip


def _percentiles(entry: Any) -> dict[str, float]:
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: entry.get_response_time_percentile(share) for name, share in shares.items()}


def stage_sums(server: RunningServer) -> dict[str, tuple[float, float]]:
    """Return seconds and count of each stage so far, from /metrics."""
    with urlopen(f"{server.origin}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.findall(r'stage_duration_seconds_(sum|count)\{stage="(\w+)"\} (\S+)', text)
    values = {(kind, stage): float(value) for kind, stage, value in found}
    return {stage: (values["sum", stage], values["count", stage]) for _, stage, _ in found}


def soak(server: RunningServer, count: int, clients: int) -> dict[str, Any]:
    """Send `count` requests and report latencies, stages and memory."""
    crowd = Crowd(server, lambda: crowd.sent >= count)
    rss: list[tuple[int, float]] = []
    watching = gevent.spawn(lambda: [_note(server, crowd, rss) for _ in _ticks(0.5)])
    before = stage_sums(server)
    figures = crowd.come(clients)
    watching.kill()
    _note(server, crowd, rss)
    after = stage_sums(server)
    spent = {stage: (after[stage][0] - sum_s, after[stage][1] - n) for stage, (sum_s, n) in before.items()}
    early = next(mb for sent, mb in rss if sent >= min(EARLY, count // 2))
    return {
        **figures,
        "stage_mean_ms": {stage: round(sum_s / n * 1e3, 2) for stage, (sum_s, n) in spent.items() if n},
        "rss_mb_early": early, "rss_mb_end": rss[-1][1], "rss_mb_most": max(mb for _, mb in rss),
        "rss_growth": round(rss[-1][1] / early, 3),
    }  # fmt: skip


def _note(server: RunningServer, crowd: Crowd, rss: list[tuple[int, float]]) -> None:
    rss.append((crowd.sent, round(server.rss_bytes() / 1e6, 1)))


def _ticks(seconds: float) -> Iterator[None]:
    while True:
        gevent.sleep(seconds)
        yield


def ask_once(server: RunningServer) -> float:
    """Return the latency of one request of one client, in milliseconds."""
    body = multipart([(photo_field(), photos()[0]), (field("text"), "비 오는 밤".encode())])
    begin = time.perf_counter()
    with urlopen(Request(f"{server.origin}/v1/recommendations", body, FORM), timeout=60) as answer:
        answer.read()
    return (time.perf_counter() - begin) * 1e3


def overload(server: RunningServer, clients: int, seconds: float) -> dict[str, Any]:
    """Send more than there is room for, then wait for the latency of before."""
    usual = [ask_once(server) for _ in range(30)]
    limit = NORMAL * sorted(usual)[-2]
    until = time.monotonic() + seconds
    crowd = Crowd(server, lambda: time.monotonic() > until)
    ready: list[tuple[bool, float]] = []
    asking = gevent.spawn(lambda: [ready.append(_ready(server)) for _ in _ticks(0.25)])
    figures = crowd.come(clients)
    end = time.perf_counter()
    after: list[tuple[float, float]] = []
    while time.perf_counter() - end < 10:
        begin = time.perf_counter()
        after.append((begin - end, ask_once(server)))
    asking.kill()
    late = [at + latency / 1e3 for at, latency in after if latency > limit]
    return {
        **figures, "capacity": CAPACITY,
        "latency_before_ms": round(median(usual), 1), "latency_after_ms": round(median(ms for _, ms in after), 1),
        "normal_is_below_ms": round(limit, 1), "normal_after_s": round(max(late, default=0.0), 2),
        "ready_asked": len(ready), "ready_refused": sum(not good for good, _ in ready),
        "ready_slowest_ms": round(max(ms for _, ms in ready), 1),
    }  # fmt: skip


def _ready(server: RunningServer) -> tuple[bool, float]:
    begin = time.perf_counter()
    return server.is_ready(), (time.perf_counter() - begin) * 1e3


def broken(report: dict[str, dict[str, Any]]) -> list[str]:
    """Return the promises that the figures break."""
    soaked, crowded = report["soak"], report["overload"]
    allowed = {"200", "503 and Retry-After"}
    checks = {
        "soak: every answer is 200": set(soaked["outcomes"]) <= {"200"},
        "soak: memory within a tenth": soaked["rss_growth"] <= 1.1,
        "overload: 200, or 503 with Retry-After": set(crowded["outcomes"]) <= allowed,
        "overload: always ready": not crowded["ready_refused"],
        "overload: normal again within 5 s": crowded["normal_after_s"] <= 5,
    }
    return [name for name, kept in checks.items() if not kept]


def main() -> None:
    """Print the report; end with 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--soak", type=int, default=10_000, help="requests of the soak")
    parser.add_argument("--clients", type=int, default=8, help="clients of the soak")
    parser.add_argument("--overload-s", type=float, default=60)
    add_outputs(parser)
    args = parser.parse_args()
    with RunningServer({"metrics": "true"}) as server:
        report: dict[str, Any] = {"machine": machine(), "soak": soak(server, args.soak, args.clients)}
        report["overload"] = overload(server, 2 * CAPACITY, args.overload_s)
    report["broken"] = broken(report)
    deliver(report, args, "load", load_tables)
    raise SystemExit(bool(report["broken"]))


if __name__ == "__main__":
    main()
