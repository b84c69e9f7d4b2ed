"""Write docs/examples.md: ten everyday texts and the answers, as the product gives them.

Usage: make_examples.py [--check]  (--check exits with 1 where the file is not what the product answers now)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from profile_music import Recommender

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "examples.md"
PHOTO = ROOT / "examples" / "portrait.jpg"
TEXTS = {
    "위로": "오늘 하루도 수고했어",
    "그리움": "보고 싶은데 연락할 용기가 안 난다",
    "여행": "짐 싸서 바다로 떠나는 중",
    "분노": "진짜 열받아서 잠이 안 온다",
    "사랑": "너랑 있으면 시간이 왜 이렇게 빨리 가지",
    "비": "비 오는 창밖만 멍하니 보는 중",
    "월요일": "월요일 출근길 벌써 지친다",
    "시험": "시험 끝! 이제 자유다",
    "이별": "헤어지고 나니까 방이 너무 조용해",
    "부모님": "엄마가 해준 밥이 먹고 싶은 날",
    "파티": "오늘은 밤새 춤추고 놀자",
}


def page() -> str:
    """Return the page's text."""
    recommender = Recommender.load()
    rows = ["# 예시 / Examples", "", "`make examples`가 만드는 쪽이에요. 고르지 않고 나온 그대로 실어요.", ""]
    for number, (topic, text) in enumerate(TEXTS.items()):
        photo = PHOTO if number == 0 else None
        answer = recommender.recommend(photo, text)
        shown = "사진 `examples/portrait.jpg` + " if photo else ""
        rows += [f"## {topic}: {shown}“{text}”", "", "| | 노래 | 닿은 한 줄 | 이유 |", "|---|---|---|---|"]
        for song in answer.songs:
            facts = f"**{song.song.title}** {song.song.artist} ({song.song.year})"
            rows.append(f"| {song.rank} | {facts} | {song.matched_line} | {song.reason.ko} |")
        rows.append("")
    return "\n".join(rows)


def main() -> None:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    text = page()
    if args.check:
        sys.exit(None if TARGET.read_text(encoding="utf-8") == text else "docs/examples.md is stale: make examples")
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    print(TARGET.relative_to(ROOT))


if __name__ == "__main__":
    main()
