"""Latency by stage, with the physical floor beside; threads and spinning for one request and for eight at once.

Usage: python benchmarks/latency.py [--rounds 40] [--json FILE] [--write docs/speed.md]
Stages are timed inside `Recommender.recommend` (profile_music.stages) on one thread. Floors: the photo's JPEG decoded
by Pillow alone at the scale that is used; the multiply-adds of every net that ran, at the rate at which onnxruntime
multiplies large matrices here; the bytes of the line vectors, at the rate at which one core reads memory here.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "benchmarks")]

from speed_page import add_outputs, deliver, latency_tables, machine  # noqa: E402
from speed_table import make_photos  # noqa: E402

TEXT = "오늘 하루도 수고했어. 집에 가는 길에 노을이 예뻤다"
Shapes = list[tuple[str, tuple[int, ...]]]


def timed(call: Callable[[], object], rounds: int) -> float:
    """Return the median milliseconds of a call, after two that do not count."""
    times = []
    for _ in range(rounds + 2):
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e3)
    return median(times[2:])


def stages(recommender: Any, photo: bytes, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of each stage, and of the whole."""
    from profile_music.stages import watching

    spent: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def watch(name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        spent[name].append((time.perf_counter() - begin) * 1e3)

    token = watching.set(watch)
    try:
        whole = timed(lambda: recommender.recommend(photo, TEXT), rounds)
    finally:
        watching.reset(token)
    return {**{name: round(median(times[2:]), 2) for name, times in spent.items()}, "whole": round(whole, 2)}


@contextmanager
def runs_noted() -> Iterator[Shapes]:
    """Note the name and the first input's shape of every net that runs meanwhile."""
    from profile_music.runtime import OrtSession

    noted: Shapes = []
    usual = OrtSession.run

    def run(self: Any, *inputs: Any) -> Any:
        noted.append((self.name, inputs[0].shape))
        return usual(self, *inputs)

    OrtSession.run = run
    try:
        yield noted
    finally:
        OrtSession.run = usual


def multiply_adds(model: Path, shape: tuple[int, ...]) -> int:
    """Return how many multiply-adds a net takes for an input of `shape`."""
    import onnx
    from onnx import numpy_helper

    graph = in_float(onnx.load(str(model)))
    for dimension, size in zip(graph.graph.input[0].type.tensor_type.shape.dim, shape, strict=True):
        dimension.dim_value = size
    del graph.graph.value_info[:]
    graph = onnx.shape_inference.infer_shapes(graph, data_prop=True)
    known = {row.name: [d.dim_value for d in row.type.tensor_type.shape.dim] for row in graph.graph.value_info}
    known |= {row.name: [d.dim_value for d in row.type.tensor_type.shape.dim] for row in graph.graph.output}
    weights = {row.name: numpy_helper.to_array(row).shape for row in graph.graph.initializer}
    total = 0
    for node in graph.graph.node:
        size = next((weights[name] for name in node.input[1:] if len(weights.get(name, ())) >= 2), ())
        if node.op_type.endswith("Conv") or node.op_type in ("ConvInteger", "FusedConv"):
            total += int(np.prod(known[node.output[0]])) * int(np.prod(size[1:]))
        elif node.op_type in ("Gemm", "MatMul", "QGemm", "QLinearMatMul", "MatMulInteger"):
            total += shape[0] * int(np.prod(size))
    return total


def gflops(side: int = 1024) -> float:
    """Return the billions of multiply-adds a second that onnxruntime reaches on one thread (float32 matrices)."""
    from onnx import TensorProto, helper

    from profile_music.runtime import OrtSession

    rows = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [side, side]) for name in "abc"]
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "g", rows[:2], rows[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = OrtSession(model.SerializeToString(), threads=1)
    values = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    return float(side**3 / timed(lambda: session.run(values, values), 10) / 1e6)


def gigabytes_a_second() -> float:
    """Return how fast one core reads memory (a sum over 256 MB)."""
    values = np.ones(64 << 20, np.float32)
    return float(values.nbytes / timed(lambda: np.dot(values, values), 7) / 1e6)


def decode_alone(photo: bytes) -> None:
    """Decode as the product does, and nothing else."""
    image = Image.open(io.BytesIO(photo))
    ratio = min(1.0, 1024 / max(image.size))
    image.draft(None, (int(image.width * ratio), int(image.height * ratio)))
    image.load()


def floors(recommender: Any, photo: bytes, rounds: int, rates: dict[str, float]) -> dict[str, float]:
    """Return the least that the main stages can take here, in milliseconds, and the arithmetic behind it."""
    from profile_music.runtime import load_manifest
    from profile_music.runtime.models import bundled_models_dir

    with runs_noted() as noted:
        recommender.recommend(photo, TEXT)
    files = {spec.file: bundled_models_dir() / spec.file for spec in load_manifest().values()}
    counts: dict[str, int] = defaultdict(int)
    for name, shape in noted:
        path = files.get(name) or files[f"{name}.onnx"]
        counts["detect" if "mtcnn" in name else "emotion"] += multiply_adds(path, shape)
    vectors = recommender.index._vectors.nbytes
    return {
        "decode": round(timed(lambda: decode_alone(photo), rounds), 2),
        **{stage: round(count / rates["gmacs"] / 1e6, 2) for stage, count in counts.items()},
        **{f"{stage}_million_multiply_adds": round(count / 1e6, 1) for stage, count in counts.items()},
        "search": round(vectors / rates["gb_s"] / 1e6, 3),
        "search_mb": round(vectors / 1e6, 2),
    }


CUTS = {"Conv": "Clip", "Add": "Relu"}
"""What onnxruntime joins with each in float32, at no cost."""


def in_float(model: Any) -> Any:
    """Return a quantised graph (QDQ) with the same weights and no quantisation.

    Where codes begin at zero they took the place of a Relu or a Clip: one comes back.
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    constants = {row.name: numpy_helper.to_array(row) for row in graph.initializer}
    other_name: dict[str, str] = {}
    makers = {name: node.op_type for node in graph.node for name in node.output}
    kept = []
    for node in graph.node:
        inputs = [other_name.get(name, name) for name in node.input]
        if node.op_type == "DequantizeLinear" and inputs[0] in constants:
            values, scale, zero = (constants[name] for name in inputs)
            axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
            shape = [-1 if place == axis else 1 for place in range(values.ndim)] if scale.ndim else []
            wide = (values.astype(np.float32) - zero.reshape(shape)) * scale.reshape(shape)
            graph.initializer.append(numpy_helper.from_array(wide.astype(np.float32), node.output[0]))
        elif node.op_type == "QuantizeLinear" and not constants[inputs[2]].any() and makers.get(inputs[0]) in CUTS:
            ends = [f"{node.output[0]}_least", f"{node.output[0]}_most"]
            for name, value in zip(ends, (0, 255 * constants[inputs[1]]), strict=True):
                graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
            op = CUTS[makers[inputs[0]]]
            kept.append(helper.make_node(op, [inputs[0], *(ends if op == "Clip" else [])], [node.output[0]]))
        elif node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            other_name[node.output[0]] = inputs[0]
        else:
            node.input[:] = inputs
            kept.append(node)
    del graph.node[:], graph.value_info[:]
    graph.node.extend(kept)
    return model


def int8_beside_float(name: str, rounds: int) -> dict[str, float]:
    """Return a bundled emotion net (int8) beside the same net with the same weights in float32, on one thread."""
    import onnx

    from profile_music.runtime import OrtSession, resolve_model

    file = resolve_model(name)
    wide = in_float(onnx.load(str(file))).SerializeToString()
    sessions = {"int8": OrtSession(file, threads=1), "fp32": OrtSession(wide, threads=1)}
    crop = np.random.default_rng(0).random((1, 3, 128, 128), np.float32)
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(rounds):
        for name, session in sessions.items():
            times[name].append(timed(lambda session=session: session.run(crop), 1))
    int8, fp32 = (median(times[name]) for name in ("int8", "fp32"))
    return {"int8_ms": round(int8, 2), "fp32_ms": round(fp32, 2), "int8_of_fp32": round(int8 / fp32, 3)}


def one_choice(threads: int, spinning: bool, photo: Path, rounds: int) -> dict[str, float]:
    """Return, in this process, the latency of one request and of eight at once (two workers), in milliseconds."""
    import onnxruntime as ort

    from profile_music import Recommender, Settings

    usual = ort.SessionOptions.add_session_config_entry

    def entry(options: Any, name: str, value: str) -> None:
        usual(options, name, str(int(spinning)) if name.endswith("allow_spinning") else value)

    ort.SessionOptions.add_session_config_entry = entry
    recommender = Recommender.load(settings=Settings(threads=threads))
    data = photo.read_bytes()
    single = timed(lambda: recommender.recommend(data, TEXT), rounds)
    with ThreadPoolExecutor(2) as pool:
        eight = timed(
            lambda: list(pool.map(lambda _: recommender.recommend(data, TEXT), range(8))), max(3, rounds // 4)
        )
    begin, cpu = time.perf_counter(), time.process_time()
    time.sleep(1.0)
    idle = (time.process_time() - cpu) / (time.perf_counter() - begin)
    return {"one_ms": round(single, 1), "eight_ms": round(eight, 1), "idle_cores": round(idle, 3)}


def choices(photo: Path, rounds: int) -> list[dict[str, Any]]:
    """Measure each number of threads with and without spinning, each in a fresh process, twice in turns."""
    rows: dict[tuple[int, bool], list[dict[str, float]]] = defaultdict(list)
    for _ in range(2):
        for threads in range(1, (os.cpu_count() or 1) + 1):
            for spinning in (False, True) if threads > 1 else (False,):
                command = [sys.executable, __file__, "--choice", str(threads), str(int(spinning)), str(photo)]
                done = subprocess.run([*command, "--rounds", str(rounds)], capture_output=True, text=True, check=True)
                rows[threads, spinning].append(json.loads(done.stdout))
    return [
        {"threads": threads, "spinning": spinning, **{key: min(run[key] for run in runs) for key in runs[0]}}
        for (threads, spinning), runs in rows.items()
    ]


def measure(rounds: int) -> dict[str, Any]:
    """Measure everything."""
    from profile_music import Recommender, Settings

    rates = {"gmacs": round(gflops(), 1), "gb_s": round(gigabytes_a_second(), 1)}
    report: dict[str, Any] = {"machine": machine(), "rates": rates}
    recommender = Recommender.load(settings=Settings(threads=1))
    with tempfile.TemporaryDirectory() as folder:
        photos = make_photos(Path(folder))
        for label, path in photos.items():
            data = path.read_bytes()
            report[label] = {
                "stages": stages(recommender, data, rounds), "floors": floors(recommender, data, rounds, rates)
            }  # fmt: skip
        report["choices"] = choices(photos["640 px"], max(8, rounds // 2))
    return report


def main() -> None:
    """Print the report as JSON, and write the page where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    add_outputs(parser)
    parser.add_argument("--choice", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.choice:
        threads, spinning, photo = args.choice
        print(json.dumps(one_choice(int(threads), spinning == "1", Path(photo), args.rounds)))
        return
    report = measure(args.rounds)
    deliver(report, args, "latency", latency_tables)


if __name__ == "__main__":
    main()
