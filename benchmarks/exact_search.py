"""The default index's search beside its peers, on one thread, in one process, in turns.

Usage: python benchmarks/exact_search.py [--lines 200000 1000000] [--dimensions 256 516]
       python benchmarks/exact_search.py --catalog DIR
Both take [--rounds N] [--clock wall|cpu] [--json FILE].
Needs benchmarks/requirements-search.txt beside this package; without a peer its row is left out.

The first form makes unit vectors in clusters (seeded), 30 lines a song, writes them as a catalogue, and asks for five
songs by whole `LyricIndex.search` calls, once with codes and once as where simsimd is absent. The peers scan the same
lines: numpy float32 matrix by vector, faiss' scalar-quantised flat index (50 nearest), simsimd int8. "bytes" is what a
query has to read. `recall_at_5` compares with float32 by numpy, over songs for the index and over lines for the peers.
The second form asks a built catalogue real questions, lexical channel and all, with codes and without.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import importlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from profile_music.index import CatalogFiles, CatalogWriter, IndexQuery, LyricIndex
from profile_music.index.codes import encode
from profile_music.types import EmotionScores, Song

LINES_A_SONG = 30
CLUSTERS = 4000
QUERIES = 20
TOP = 5
TEXTS = ("오늘 하루도 수고했어", "비 오는 밤에 혼자 걷는 길", "다 괜찮아질 거야. 조금만 쉬어 가자")
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.thread_time}


def unit(rows: np.ndarray) -> np.ndarray:
    """Return rows of length one."""
    result: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return result


def made_vectors(lines: int, dimensions: int) -> np.ndarray:
    """Return float32 (lines, dimensions) unit vectors around common centres."""
    random = np.random.default_rng(1)
    vectors = random.standard_normal((lines, dimensions), dtype=np.float32)
    vectors += (
        0.8 * random.standard_normal((CLUSTERS, dimensions), dtype=np.float32)[random.integers(0, CLUSTERS, lines)]
    )
    return unit(vectors)


def write_catalog(folder: Path, vectors: np.ndarray) -> None:
    """Write the vectors as the lines of songs without words."""
    block = 1000 * LINES_A_SONG
    feeling = EmotionScores.uniform()
    record = {"name": "made", "dimensions": vectors.shape[1], "fingerprint": "made"}
    with CatalogWriter(folder, record) as writer:
        for begin in range(0, len(vectors), block):
            part = vectors[begin : begin + block]
            starts = range(0, len(part), LINES_A_SONG)
            songs = [
                Song(
                    f"made:{begin + at}", "노래", "가수", ("줄",) * len(part[at : at + LINES_A_SONG]), emotions=feeling
                )
                for at in starts
            ]
            writer.add(songs, part, [[]] * len(part), part[list(starts)], [[]] * len(songs))
        writer.publish()


def opened(folder: Path, *, with_codes: bool) -> LyricIndex:
    """Open a catalogue as where simsimd is installed, or as where it is not."""
    files = CatalogFiles(folder, verify=False)
    if not with_codes:
        files.codes = None
    elif files.codes is None or not files.codes.usable():
        raise SystemExit("no codes: too few lines, or simsimd is not installed")
    return LyricIndex(files)


def recall(found: Sequence[Sequence[int]], wanted: Sequence[Sequence[int]]) -> float:
    """Return the share of the wanted that was found."""
    return float(
        np.mean([len(set(mine) & set(theirs)) / len(theirs) for mine, theirs in zip(found, wanted, strict=True)])
    )


def top(scores: np.ndarray) -> list[int]:
    """Return the positions of the best."""
    best = np.argpartition(-scores, TOP)[:TOP]
    return [int(place) for place in best]


Search = Callable[[np.ndarray], list[int]]


def peers(vectors: np.ndarray) -> dict[str, tuple[Search, int]]:
    """Return how each peer finds the best lines of one query, and how many bytes it reads."""
    found: dict[str, tuple[Search, int]] = {"numpy float32": (lambda query: top(vectors @ query), vectors.nbytes)}
    if simsimd := module("simsimd"):
        codes, scales, _ = encode(vectors)
        found["simsimd int8"] = (
            lambda query: top(np.asarray(simsimd.cdist(encode(query[None])[0], codes, "dot"))[0] * scales),
            codes.nbytes,
        )
    if faiss := module("faiss"):
        faiss.omp_set_num_threads(1)
        flat = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        flat.train(vectors[:20_000])
        flat.add(vectors)

        def rescored(query: np.ndarray) -> list[int]:
            rows = flat.search(query[None], 50)[1][0]
            return [int(rows[place]) for place in top(vectors[rows] @ query)]

        found["faiss SQ8 flat, 50 rescored"] = (rescored, len(vectors) * flat.code_size)
    return found


def module(name: str) -> Any:
    """Return a module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def timed(calls: dict[str, Callable[[int], object]], rounds: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Time all calls in turns, so that other load falls on all alike; milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds + 2):
        for name, call in calls.items():
            begin = clock()
            call(turn % QUERIES)
            if turn >= 2:
                times[name].append((clock() - begin) * 1e3)
    return times


def row(name: str, times: list[float], base: list[float], **facts: Any) -> dict[str, Any]:
    """Return one line of the table."""
    middle = statistics.median(times)
    figures = {"ms": round(middle, 2), "ms_min": round(min(times), 2)}
    return {"search": name, **figures, "ratio": round(middle / statistics.median(base), 3), **facts}


def compare_made(lines: int, dimensions: int, rounds: int, clock: Callable[[], float]) -> list[dict[str, Any]]:
    """Compare over made vectors."""
    vectors = made_vectors(lines, dimensions)
    random = np.random.default_rng(2)
    noise = 0.5 * unit(random.standard_normal((QUERIES, dimensions)))
    queries = unit(vectors[random.integers(0, lines, QUERIES)] + noise).astype(np.float32)
    best_lines, best_songs = exact_tops(vectors, queries)
    with tempfile.TemporaryDirectory(prefix="exact-search-") as name:
        folder = Path(name)
        write_catalog(folder, vectors)
        index, plain = (opened(folder, with_codes=wanted) for wanted in (True, False))
        searches: dict[str, tuple[Search, int]] = {
            "index": (lambda query: ask(index, query), lines * (dimensions + 4)),
            "index without simsimd": (lambda query: ask(plain, query), vectors.nbytes),
            **peers(vectors),
        }
        calls = {key: (lambda at, search=search: search(queries[at])) for key, (search, _) in searches.items()}
        times = timed(calls, rounds, clock)
        rows = []
        for key, (search, size) in searches.items():
            found = recall([search(query) for query in queries], best_songs if key.startswith("index") else best_lines)
            rate = round(size / statistics.median(times[key]) / 1e6, 1)
            facts = {"megabytes": round(size / 1e6, 1), "gb_per_s": rate, "recall_at_5": found}
            rows.append(row(key, times[key], times["numpy float32"], lines=lines, dimensions=dimensions, **facts))
        return rows


def exact_tops(vectors: np.ndarray, queries: np.ndarray) -> tuple[list[list[int]], list[list[int]]]:
    """Return each query's best lines and best songs by float32."""
    starts = np.arange(0, len(vectors), LINES_A_SONG)
    every = [vectors @ query for query in queries]
    return [top(scores) for scores in every], [top(np.maximum.reduceat(scores, starts)) for scores in every]


def ask(index: LyricIndex, vector: np.ndarray) -> list[int]:
    """Return the best five songs for one vector, without words."""
    query = IndexQuery(vectors=vector[None], tokens=[[]], semantic_weight=1.0, lexical_weight=0.0)
    return [hit.song_index for hit in index.search(query, TOP)]


def compare_catalog(folder: Path, rounds: int, clock: Callable[[], float]) -> list[dict[str, Any]]:
    """Ask a built catalogue, as the recommender asks it, with codes and without."""
    from profile_music.recommender import Recommender
    from profile_music.settings import Settings

    indexes = {"with codes": opened(folder, with_codes=True), "float": opened(folder, with_codes=False)}
    manifest = indexes["float"].manifest
    recommender = Recommender(indexes["float"], Settings())
    rows = []
    for text, limit in ((text, limit) for text in TEXTS for limit in (TOP, 400)):
        sentences = recommender._sentences(text)
        query = recommender._query(sentences, EmotionScores.from_mapping({"sad": 1.0}), None)
        searches = {key: partial(index.search, query, limit) for key, index in indexes.items()}
        times = timed({key: (lambda _, search=search: search()) for key, search in searches.items()}, rounds, clock)
        answers = [[(hit.song_index, hit.line_id) for hit in search()] for search in searches.values()]
        facts = {"lines": manifest.lines, "dimensions": manifest.encoder["dimensions"], "sentences": len(sentences)}
        same = answers[0] == answers[1]
        rows += [row(key, times[key], times["float"], **facts, limit=limit, same=same) for key in indexes]
    return rows


def main() -> None:
    """Print a table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--dimensions", type=int, nargs="+", default=[256, 516])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--catalog", type=Path)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: for a busy machine")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.catalog:
        rows = compare_catalog(args.catalog, args.rounds, CLOCKS[args.clock])
    else:
        shapes = [(lines, width) for lines in args.lines for width in args.dimensions]
        rows = [found for shape in shapes for found in compare_made(*shape, args.rounds, CLOCKS[args.clock])]
    print(" | ".join(rows[0]))
    for found in rows:
        print(" | ".join(str(value) for value in found.values()))
    report = {"load_average": os.getloadavg()[0], "cores": os.cpu_count(), "rows": rows}
    print(f"cores {report['cores']}, load {report['load_average']:.1f}")
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
