"""From process start to a complete first answer (photo + text): time, peak memory, installed size, imports.

Usage: python benchmarks/first_answer.py [--runs N]
Each run is a fresh process on a warm disk; the median is printed. Installed size is what the running environment's
packages of requirements/base.txt and profile-music itself take on disk.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PHOTO = ROOT / "examples" / "portrait.jpg"
TEXT = "오늘 하루도 수고했어"
FORBIDDEN = ("torch", "tensorflow", "pandas", "pyarrow")
CHILD = f"""
import json, resource, sys
from profile_music import Recommender
answer = Recommender.load().recommend({str(PHOTO)!r}, {TEXT!r})
print(json.dumps({{
    "songs": len(answer.songs),
    "faces": len(answer.faces),
    "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "forbidden": [name for name in {FORBIDDEN!r} if name in sys.modules],
}}))
"""


def one_run() -> dict[str, float]:
    """Return one fresh process's figures."""
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    return {"duration_s": time.perf_counter() - begin, **json.loads(done.stdout)}


def distribution_bytes(name: str) -> int:
    """Return what one installed distribution takes on disk."""
    try:
        files = importlib.metadata.files(name) or []
    except importlib.metadata.PackageNotFoundError:
        return 0
    return sum(Path(str(file.locate())).stat().st_size for file in files if Path(str(file.locate())).is_file())


def installed_bytes() -> dict[str, int]:
    """Return bytes by distribution for everything that serving installs."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements" / "base.txt").read_text(), re.MULTILINE)
    sizes = {name: distribution_bytes(name) for name in names}
    package = ROOT / "src" / "profile_music"
    sizes["profile-music"] = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
    return sizes


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    one_run()
    runs = [one_run() for _ in range(args.runs)]
    sizes = installed_bytes()
    report = {
        "first_answer_s_median": round(statistics.median(run["duration_s"] for run in runs), 2),
        "first_answer_s_min": round(min(run["duration_s"] for run in runs), 2),
        "peak_mb": round(max(run["peak_bytes"] for run in runs) / 1e6),
        "installed_mb": round(sum(sizes.values()) / 1e6),
        "largest_mb": {name: round(size / 1e6, 1) for name, size in sorted(sizes.items(), key=lambda row: -row[1])[:6]},
        "heavy_imports": runs[0]["forbidden"],
        "songs": runs[0]["songs"],
        "faces": runs[0]["faces"],
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
