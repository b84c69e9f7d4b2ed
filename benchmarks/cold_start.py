"""Cold start of the Lambda handlers: from the start of the process to the first complete answer, under awslambdaric.

Usage: python benchmarks/cold_start.py [--runs N] [--handler http] [--catalog s3://...] [--peer PYTHON PEER_FOLDER]
Needs the image's environment (make lambda-env). Each run is a fresh process on a warm disk; what is counted is the
runtime client's start, the init phase and the first event's answer. CPU seconds stand beside the wall clock, as they
say the same on a busy machine. `--peer` times benchmarks/mission_stack.py in another environment, for comparison.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.aws.events_of import event  # noqa: E402
from tests.aws.runtime_api import RuntimeApi  # noqa: E402

PYTHON = ROOT / ".venv-lambda" / "bin" / "python"
# What deploy/lambda.Dockerfile sets.
IMAGE = {"PROFILE_MUSIC_THREADS": "1", "PYDANTIC_DISABLE_PLUGINS": "__all__"}
EVENTS = {"http": "http_recommend", "emotion": "emotion_image", "songs": "songs_both"}


def process_facts(pid: int) -> dict[str, float]:
    """Return a live process's peak memory (MB) and CPU seconds."""
    status = Path(f"/proc/{pid}/status").read_text()
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return {"peak_mb": peak_kb * 1024 / 1e6, "cpu_s": ticks / os.sysconf("SC_CLK_TCK")}


def one_run(handler: str, warm: int, environment: dict[str, str]) -> dict[str, Any]:
    """Return one fresh process's figures."""
    asked = event(EVENTS[handler])
    with RuntimeApi() as api:
        api.send(asked)
        begin = time.perf_counter()
        process = subprocess.Popen(
            [str(PYTHON), "-m", "awslambdaric", f"profile_music.aws.{handler}.handler"],
            env={"PATH": os.defpath, "AWS_LAMBDA_RUNTIME_API": api.address, **IMAGE, **environment},
            stdout=subprocess.DEVNULL,
        )
        try:
            first = api.reply()
            cold_s = first.received_s - begin
            facts = process_facts(process.pid)
            check(handler, first.body)
            warm_s = []
            for _ in range(warm):
                sent = time.perf_counter()
                warm_s.append(api.invoke(asked).received_s - sent)
            peak = process_facts(process.pid)["peak_mb"]
        finally:
            process.kill()
            process.wait()
    return {"cold_s": cold_s, "cold_cpu_s": facts["cpu_s"], "warm_ms": statistics.median(warm_s) * 1e3, "peak_mb": peak}


def check(handler: str, answer: dict[str, Any]) -> None:
    """Make sure that what was timed is a complete answer."""
    body = json.loads(answer["body"]) if handler == "http" else answer
    complete = len(body["faces"]) == 1 if handler == "emotion" else len(body["songs"]) == 5
    if not complete:
        raise SystemExit(f"not a complete answer: {str(answer)[:300]}")


def peer_run(python: str, folder: str) -> dict[str, float]:
    """Return the same figures for one fresh process of the mission's stack."""
    script = ROOT / "benchmarks" / "mission_stack.py"
    begin = time.perf_counter()
    done = subprocess.run([python, str(script), "answer", folder], capture_output=True, text=True, check=True)
    return {"cold_s": time.perf_counter() - begin, **json.loads(done.stdout.splitlines()[-1])}


def medians(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Return each figure's median, and the smallest cold start (the one that other work disturbed least)."""
    row = {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}
    return {**row, "cold_s_min": round(min(run["cold_s"] for run in runs), 3)}


def main() -> None:
    """Print the table as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--warm", type=int, default=20)
    parser.add_argument("--handler", choices=EVENTS, action="append")
    parser.add_argument("--catalog", help="Instead of the bundled one; AWS_* come from the environment.")
    parser.add_argument("--peer", nargs=2, metavar=("PYTHON", "FOLDER"))
    args = parser.parse_args()
    environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    if args.catalog:
        environment["PROFILE_MUSIC_CATALOG"] = args.catalog
    report: dict[str, Any] = {"load_average": os.getloadavg()[0]}
    for handler in args.handler or EVENTS:
        one_run(handler, 1, environment)
        report[handler] = medians([one_run(handler, args.warm, environment) for _ in range(args.runs)])
    if args.peer:
        report["mission"] = medians([peer_run(*args.peer) for _ in range(max(1, args.runs // 2))])
        if "http" in report:
            report["ratio"] = round(report["http"]["cold_s"] / report["mission"]["cold_s"], 3)
            report["ratio_cpu"] = round(report["http"]["cold_cpu_s"] / report["mission"]["cpu_s"], 3)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
