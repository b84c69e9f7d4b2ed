"""What large catalogues need: measured here, then computed for sizes that fit on no machine here.

Usage: python benchmarks/capacity.py measure --lines 2000000 --work DIR --json docs/capacity.json [--processes N]
       python benchmarks/capacity.py readers --work DIR --json docs/capacity.json [--readers 20] [--versions 100]
       python benchmarks/capacity.py plan docs/capacity.json          (prints docs/capacity.md)
Needs the extra scale. `measure` builds a catalogue of made lines (recombined words of the bundled catalogue's lines,
seeded, all different, 30 a song) with the product's own encoder, moves it into LanceDB tables, and asks both engines
what the recommender asks them. CPU seconds stand beside the wall clock, as they say the same on a busy machine.
`readers` publishes versions whose songs all carry the version's number, while reader processes ask: an answer that
mixes two versions would show both. Both add to the JSON file. DIR keeps what was built, so a second run goes on.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import multiprocessing
import resource
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from build_rate import LINES_A_SONG, cpu_s, made_songs, timed_build

from profile_music.index import CatalogFiles, CatalogWriter, IndexQuery, LyricIndex, about_text
from profile_music.index.protocol import SongIndex
from profile_music.index.source import CatalogSource
from profile_music.types import EmotionScores, Song

TEXTS = (
    "오늘 하루도 수고했어",
    "비 오는 밤에 혼자 걷는 길",
    "다 괜찮아질 거야. 조금만 쉬어 가자",
    "졸업하던 봄날",
    "바다 보러 가자",
)
LIMIT = 400
SIZES = (1_000_000, 10_000_000, 40_000_000)
PRICES = {
    "region": "ap-northeast-2 (Seoul)",
    "source": "from memory, not looked up; on demand, before tax; check them before you spend",
    "date": "2026-11-23",
    "s3_gb_month": 0.025,
    "s3_get_1000": 0.00035,
    "s3_put_1000": 0.0045,
    "lambda_gb_s": 0.0000166667,
    "lambda_million_requests": 0.20,
    "fargate_vcpu_hour": 0.04656,
    "fargate_gb_hour": 0.00511,
    "ec2_c7i_4xlarge_hour": 0.8064,
}
"""US dollars."""
QUERIES_A_MONTH = 1_000_000
FARGATE_GB_A_VCPU = 4
LANCE_MOST_LINES = 4096 * 8192
"""LanceDB makes a partition for every 8,192 rows, and 4,096 at most; beyond, partitions grow."""


def measure(lines: int, work: Path, processes: int) -> dict[str, Any]:
    """Build both engines' catalogues and ask them."""
    from profile_music.builder import CatalogBuilder
    from profile_music.index.lance_writer import import_catalog
    from profile_music.recommender import bundled_catalog_dir
    from profile_music.text import load_encoder
    from profile_music.text.lexical import tokens
    from profile_music.text.mood import TextMood

    folder, tables = work / f"folder-{lines}", work / f"lance-{lines}"
    report: dict[str, Any] = {"cores": os.cpu_count(), "load_average": os.getloadavg()[0], "lines_a_song": LINES_A_SONG}
    kept = work / f"build-{lines}.json"
    if not kept.is_file():
        bundled = CatalogFiles(bundled_catalog_dir())
        words = sorted({word for song in bundled.songs() for line in song.lines for word in line.split()})
        encoder = load_encoder()
        builder = CatalogBuilder(encoder, TextMood.load(encoder), vector_dtype="float16", processes=processes)
        kept.write_text(json.dumps({"processes": processes, **timed_build(builder, made_songs(lines, words), folder)}))
    report["build"] = json.loads(kept.read_text())
    files = CatalogFiles(folder, verify=False)
    report["bytes"] = {name: entry.size_bytes for name, entry in files.manifest.files.items()}
    report["songs"], report["lines"] = files.manifest.songs, files.manifest.lines
    report["encoder"] = files.manifest.encoder["fingerprint"]
    index = LyricIndex(files)
    report["exact"] = {"codes": files.codes is not None and files.codes.usable(), **asked(index)}
    imported = work / f"import-{lines}.json"
    if not imported.is_file():
        shutil.rmtree(tables, ignore_errors=True)
        begin, cpu = time.perf_counter(), cpu_s()
        import_catalog(files, str(tables), tokens)
        spent_s = {"duration_s": round(time.perf_counter() - begin, 1), "cpu_s": round(cpu_s() - cpu, 1)}
        imported.write_text(json.dumps(spent_s))
    report["lance_import"] = json.loads(imported.read_text())
    large = CatalogSource(tables).open()
    report["lance"] = {**asked(large), "recall_at_5": recall(large, index), "bytes": sizes(tables)}
    return report


def queries() -> Iterator[IndexQuery]:
    """Yield what the recommender asks an index."""
    from profile_music.recommender import Recommender

    recommender = Recommender.load()
    for text in TEXTS:
        feeling = EmotionScores.from_mapping({"sad": 1.0})
        yield recommender._query(recommender._sentences(text), feeling, None)


def asked(index: SongIndex) -> dict[str, float]:
    """Return how long answers take, first and later ones, and how much memory the process holds at most."""
    asked_for = list(queries())
    first = [spent(lambda query=query: index.search(query, LIMIT))[0] for query in asked_for]
    later = [spent(lambda query=query: index.search(query, LIMIT)) for _ in range(3) for query in asked_for]
    return {
        "first_ms": round(statistics.median(first) * 1e3, 1),
        "later_ms": round(statistics.median(wall for wall, _ in later) * 1e3, 1),
        "later_cpu_ms": round(statistics.median(cpu for _, cpu in later) * 1e3, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    }


def spent(call: Callable[[], object]) -> tuple[float, float]:
    """Return a call's seconds, by the clock and of the processor."""
    begin, cpu = time.perf_counter(), cpu_s()
    call()
    return time.perf_counter() - begin, cpu_s() - cpu


def recall(large: SongIndex, exact: SongIndex) -> float:
    """Return the share of the exact engine's five best songs that the other finds among its five best."""
    shares = []
    for query in queries():
        best, found = (
            {index.song(hit.song_index).song_id for hit in index.search(query, LIMIT)[:5]} for index in (exact, large)
        )
        shares.append(len(best & found) / len(best))
    return round(statistics.mean(shares), 3)


def sizes(tables: Path) -> dict[str, int]:
    """Return the bytes of the tables' data and of their indexes."""
    found = {"data": 0, "indexes": 0}
    for path in tables.rglob("*"):
        if path.is_file():
            found["indexes" if "_indices" in path.parts else "data"] += path.stat().st_size
    return found


def version_songs(version: int) -> list[Song]:
    """Return a version's songs: their number changes, and all carry the version in their album."""
    feeling = EmotionScores.uniform()
    return [
        Song(f"s{n}", f"노래 {n}", "가수", (f"{n}번 줄",), album=f"v{version}", emotions=feeling)
        for n in range(40 + version % 5)
    ]


def publish(location: str, engine: str, version: int) -> None:
    """Publish a version with made vectors of eight dimensions."""
    import numpy as np

    songs = version_songs(version)
    record = {"name": "made", "dimensions": 8, "fingerprint": "made"}
    vectors = np.full((len(songs), 8), 8**-0.5, dtype=np.float32)
    words = [list(song.lines) for song in songs]
    about = [[about_text(song)] for song in songs]
    if engine == "folder":
        with CatalogWriter(Path(location), record) as writer:
            writer.add(songs, vectors, words, vectors, about)
            writer.publish()
        return
    from profile_music.index.lance_writer import LanceWriter

    tables = LanceWriter(location, record, fresh=True)
    tables.add(songs, vectors, words, vectors, about)
    tables.publish()


def read(location: str, cache: str, started: Any, stop: Any) -> dict[str, Any]:
    """Ask until told to stop; return how many answers there were, and what was wrong with any."""
    import numpy as np

    query = IndexQuery(vectors=np.full((1, 8), 8**-0.5, dtype=np.float32), tokens=[["줄"]])
    answers, seen, mixed, failed = 0, set(), 0, []
    while not stop.is_set():
        try:
            source = CatalogSource(location, cache_dir=Path(cache), poll_s=0)
            index = source.open()
            for _ in range(5):
                hits = index.search(query, 100)
                albums = {index.song(hit.song_index).album for hit in hits}
                mixed += len(albums) != 1 or len(hits) != len(index)
                answers, seen = answers + 1, seen | albums
                if answers == 1:
                    started.put(1)
                index = source.newer() or index
        except Exception as error:  # every failure is what this measures
            failed.append(f"{type(error).__name__}: {error}")
    return {"answers": answers, "mixed": mixed, "failed": failed, "versions": len(seen)}


def measure_readers(work: Path, engine: str, readers: int, versions: int) -> dict[str, Any]:
    """Let reader processes ask one store while versions are published in it."""
    location = work / f"readers-{engine}"
    shutil.rmtree(location, ignore_errors=True)
    publish(str(location), engine, 0)
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(readers) as pool:
        started, stop = manager.Queue(), manager.Event()
        running = [
            pool.apply_async(read, (str(location), str(work / f"cache-{engine}-{number}"), started, stop))
            for number in range(readers)
        ]
        for _ in range(readers):
            started.get()
        begin = time.perf_counter()
        for version in range(1, versions + 1):
            publish(str(location), engine, version)
        duration_s = time.perf_counter() - begin
        stop.set()
        results = [result.get() for result in running]
    return {
        "readers": readers,
        "versions": versions,
        "duration_s": round(duration_s, 1),
        "answers": sum(row["answers"] for row in results),
        "versions_seen": max(row["versions"] for row in results),
        "mixed": sum(row["mixed"] for row in results),
        "failed": sum(len(row["failed"]) for row in results),
        "failures": [failure for row in results for failure in row["failed"]][:5],
    }


def plan(measured: dict[str, Any]) -> dict[str, Any]:
    """Compute what each size needs from what was measured: see docs/capacity.md for the formulas."""
    per = {name: size / measured["lines"] for name, size in measured["bytes"].items()}
    exact_bytes = sum(per.values())
    lance = {name: size / measured["lines"] for name, size in measured["lance"]["bytes"].items()}
    cpu_line_s = measured["build"]["cpu_s"] / measured["lines"]
    write_line_s = measured["lance_import"]["cpu_s"] / measured["lines"]
    query_s = measured["lance"]["later_cpu_ms"] / 1e3
    rows = []
    for songs in SIZES:
        lines = songs * measured["lines_a_song"]
        stored_gb = lines * (lance["data"] + lance["indexes"]) / 1e9
        build_h = lines * (cpu_line_s + write_line_s) / 3600
        larger = max(1.0, lines / LANCE_MOST_LINES)
        vcpu_hours = max(2 * 730.0, QUERIES_A_MONTH * query_s * larger / 3600 * 2)
        fargate = vcpu_hours * (PRICES["fargate_vcpu_hour"] + FARGATE_GB_A_VCPU * PRICES["fargate_gb_hour"])
        rows.append({
            "songs": songs, "lines": lines,
            "folder_gb": round(lines * exact_bytes / 1e9), "codes_gb": round(lines * per.get("codes.npy", 0) / 1e9),
            "exact_query_s": round(measured["exact"]["later_cpu_ms"] / 1e3 * lines / measured["lines"], 1),
            "lance_gb": round(stored_gb), "index_gb": round(lines * lance["indexes"] / 1e9),
            "lance_query_cpu_s": round(query_s * larger, 1),
            "build_core_h": round(build_h), "build_usd": round(build_h / 16 * PRICES["ec2_c7i_4xlarge_hour"], 2),
            "s3_usd_month": round(stored_gb * PRICES["s3_gb_month"], 2), "serve_usd_month": round(fargate, 2),
        })  # fmt: skip
    return {"prices": PRICES, "queries_a_month": QUERIES_A_MONTH, "sizes": rows}


def page(measured: dict[str, Any]) -> str:
    """Return docs/capacity.md."""
    planned = plan(measured)
    build, exact, lance = measured["build"], measured["exact"], measured["lance"]
    readers = [
        f"| {name} | {row['readers']} | {row['versions']} | {row['answers']:,} | {row['versions_seen']} "
        f"| {row['mixed']} | {row['failed']} |"
        for name, row in measured.get("readers", {}).items()
    ]
    sizes_rows = ["| " + " | ".join(f"{value:,}" for value in row.values()) + " |" for row in planned["sizes"]]
    prices = [f"| {name} | {value} |" for name, value in PRICES.items()]
    return TEMPLATE.format(
        lines=measured["lines"], songs=measured["songs"], encoder=measured["encoder"],
        load=measured["load_average"], cores=measured["cores"],
        build_s=build["duration_s"], build_cpu=build["cpu_s"], processes=build["processes"], peak=build["peak_mb"],
        import_s=measured["lance_import"]["duration_s"], import_cpu=measured["lance_import"]["cpu_s"],
        folder_line=round(sum(measured["bytes"].values()) / measured["lines"]),
        lance_line=round(lance["bytes"]["data"] / measured["lines"]),
        index_line=round(lance["bytes"]["indexes"] / measured["lines"]),
        exact_peak=exact["peak_mb"],
        exact_ms=exact["later_ms"], exact_cpu=exact["later_cpu_ms"], codes="yes" if exact["codes"] else "no",
        lance_ms=lance["later_ms"], lance_cpu=lance["later_cpu_ms"], lance_first=lance["first_ms"],
        recall=lance["recall_at_5"], readers="\n".join(readers), heads=" | ".join(planned["sizes"][0]),
        bars="|".join("---:" for _ in planned["sizes"][0]), sizes="\n".join(sizes_rows), prices="\n".join(prices),
        queries=QUERIES_A_MONTH, ratio=FARGATE_GB_A_VCPU,
    )  # fmt: skip


TEMPLATE = """# Capacity: what 1, 10 and 40 million songs need

Written by `python benchmarks/capacity.py plan docs/capacity.json > docs/capacity.md`; nothing here is typed by hand.
큰 곡 목록에 무엇이 얼마나 드는지, 여기서 잰 값에서 셈했어요.

## Measured here
{lines:,} lines of {songs:,} songs, {cores} cores, load average {load:.1f} at the start (on a busy machine the wall
clock is stretched, so the plan counts CPU seconds). Each search returns 400 songs, as the recommender asks. The encoder
was `{encoder}`.

| | |
|---|---|
| build (`benchmarks/capacity.py measure`), {processes} process(es) | {build_s} s, {build_cpu} CPU s |
| most memory of the build's first process | {peak} MB |
| folder (float16 vectors, eight-bit codes, words) | {folder_line} bytes a line |
| into LanceDB tables, indexes included | {import_s} s, {import_cpu} CPU s |
| LanceDB tables / indexes | {lance_line} / {index_line} bytes a line |
| exact search, median (eight-bit codes: {codes}) | {exact_ms} ms, {exact_cpu} CPU ms |
| most memory of that process, mapped files included | {exact_peak} MB |
| LanceDB search, first / later median | {lance_first} / {lance_ms} ms, {lance_cpu} CPU ms |
| LanceDB: share of the exact engine's best five found (five texts; lines of shuffled words, all alike) | {recall} |

Readers on one store while versions are published (`benchmarks/capacity.py readers`):

| store | readers | versions | answers | versions seen by one reader | mixed answers | failures |
|---|---:|---:|---:|---:|---:|---:|
{readers}

## Computed
| {heads} |
|{bars}|
{sizes}

- lines = songs x lines a song as measured; every GB is bytes a line as measured x lines (S3 holds `lance_gb`).
- `exact_query_s`: the exact engine on one machine, CPU time in proportion to lines; more than some tenths of a second
  means LanceDB. It needs `codes_gb` of memory to stay quick, shared between processes, and about as much again for what
  else it reads of the files.
- `build_core_h` = lines x (CPU s of build + import a line); `build_usd` on c7i.4xlarge (16 vCPU) by Ray.
- `s3_usd_month` = lance_gb x s3_gb_month.
- `serve_usd_month`: Fargate, {ratio} GB a vCPU, at least two vCPUs always on, and twice the CPU that {queries:,}
  queries a month take. `lance_query_cpu_s` is LanceDB's CPU a query as measured at the size above, and more in
  proportion to the lines where they are more than 4,096 partitions of 8,192 (an upper bound: only the scan of
  partitions grows). A query reads 32 partitions: a smaller share of a larger catalogue, so it finds less of what the
  exact engine finds than the share above. S3 requests and cold reads are not measured here and not counted.

Unit prices:

| | |
|---|---|
{prices}
"""


def main() -> None:
    """Measure, or compute the plan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    measuring = verbs.add_parser("measure")
    measuring.add_argument("--lines", type=int, default=2_000_000)
    measuring.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    reading = verbs.add_parser("readers")
    reading.add_argument("--readers", type=int, default=20)
    reading.add_argument("--versions", type=int, default=100)
    for verb in (measuring, reading):
        verb.add_argument("--work", type=Path, required=True)
        verb.add_argument("--json", type=Path, required=True)
    verbs.add_parser("plan").add_argument("json", type=Path)
    args = parser.parse_args()
    report = json.loads(args.json.read_text()) if args.json.is_file() else {}
    if args.verb == "plan":
        print(page(report), end="")
        return
    args.work.mkdir(parents=True, exist_ok=True)
    if args.verb == "measure":
        report |= measure(args.lines, args.work, args.processes)
    else:
        engines = ("folder", "lance")
        report["readers"] = {name: measure_readers(args.work, name, args.readers, args.versions) for name in engines}
    args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
