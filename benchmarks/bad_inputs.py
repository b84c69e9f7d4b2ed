"""Bad inputs against the real server: what it answers, how long it takes, and whether its memory grows.

Usage: python benchmarks/bad_inputs.py [--count 20000] [--seed 0] [--seconds 1800] [--json FILE]
Damaged, hostile and odd photos, texts of every bad kind, broken JSON, forms and HTTP, bodies over the limits, slow
clients and clients that leave (tests/hostile), sent by four clients over sockets to `profile-music serve`. It ends with
1 where there was a 5xx, an answer after the deadline, an error without a code, a log line that nobody expects, or where
memory grew by more than MEMORY_GROWTH from the first third to the last quarter.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "benchmarks")]

from speed_page import add_outputs, bad_tables, deliver  # noqa: E402
from tests.hostile.mix import bad_requests  # noqa: E402
from tests.hostile.run import SETTINGS, Report, attack  # noqa: E402
from tests.server import RunningServer  # noqa: E402

MEMORY_GROWTH = 1.1
"""The aim is no growth. The bound leaves room for the bounded caches of words, which fill, and for the sampling."""


def table(report: Report) -> dict[str, object]:
    """Return the report as JSON."""
    kinds = {
        kind: {
            "sent": counts.total(),
            "answers": dict(counts.most_common()),
            "slowest_s": report.slowest[kind][0],
            "slowest": report.slowest[kind][1],
        }
        for kind, counts in sorted(report.codes.items())
    }
    early, late = report.memory_bytes()
    return {
        "sent": report.sent,
        "kinds": kinds,
        "rss_mb_early": round(early / 1e6, 1),
        "rss_mb_late": round(late / 1e6, 1),
        "rss_mb_most": round(max(rss for _, rss in report.rss_bytes) / 1e6, 1),
        "rss_growth": round(late / early, 3),
        "faults": report.faults[:50],
        "fault_count": len(report.faults),
    }


def main() -> None:
    """Print the table; end with 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1800)
    add_outputs(parser)
    args = parser.parse_args()
    begin = time.perf_counter()
    with RunningServer(SETTINGS) as server:
        report = attack(server, bad_requests(args.seed), count=args.count, seconds=args.seconds)
        unexpected = [line for line in server.log().splitlines() if line.startswith("unexpected ")]
        ready = server.is_ready()
    result: dict[str, Any] = {
        **table(report),
        "seconds": round(time.perf_counter() - begin),
        "ready_at_the_end": ready,
        "unexpected_in_log": unexpected[:20],
    }
    deliver(result, args, "bad", bad_tables)
    if report.faults or unexpected or not ready or result["rss_growth"] > MEMORY_GROWTH:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
