"""Speed, size and memory of the embedded encoder, against the issue's limits.

Usage: python benchmarks/text_encoder.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

LIMITS = {"load_ms": 150.0, "ms_a_sentence": 0.5, "memory_mib": 80.0, "file_mb": 25.0}


def resident_mib() -> float:
    """Memory in use now, in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure() -> dict[str, float]:
    """Measure loading (with a first word, as that reads the word lists), sentences one by one, memory added."""
    import numpy  # noqa: F401

    from profile_music.evaluate.text import read_development
    from profile_music.runtime.models import bundled_models_dir
    from profile_music.text.embedded import EmbeddedEncoder

    before = resident_mib()
    start = time.process_time()
    encoder = EmbeddedEncoder.load()
    encoder.encode_queries(["준비"])
    load_ms = (time.process_time() - start) * 1000
    texts = [line for song in read_development() for line in (*song["lines"], song["easy"], song["hard"])]
    start = time.process_time()
    for text in texts:
        encoder.encode_queries([text])
    first_ms = (time.process_time() - start) / len(texts) * 1000
    file = bundled_models_dir() / "text-embedded.npz"
    return {
        "load_ms": load_ms,
        "ms_a_sentence": first_ms,
        "memory_mib": resident_mib() - before,
        "file_mb": file.stat().st_size / 1e6,
    }


def main() -> None:
    """Take the best of five processes for times, and compare with the limits."""
    if "--once" in sys.argv:
        print(" ".join(f"{name}={value:.3f}" for name, value in measure().items()))
        return
    runs = []
    for _ in range(5):
        done = subprocess.run([sys.executable, __file__, "--once"], capture_output=True, text=True, check=True)
        runs.append({name: float(value) for name, value in (pair.split("=") for pair in done.stdout.split())})
    for name, limit in LIMITS.items():
        best = min(run[name] for run in runs)
        print(f"{name:14} {best:8.3f}  limit {limit:6.1f}  {'ok' if best <= limit else 'OVER'}")


if __name__ == "__main__":
    main()
