"""The command line as a user runs it: real processes."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

TEXT = "오늘 하루도 수고했어"


def run(*arguments: object, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "profile_music", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def run_json(*arguments: object):
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_recommend_json_has_the_promised_shape(portrait: Path) -> None:
    answer = run_json("recommend", portrait, "--text", TEXT)
    assert {"songs", "emotion", "faces", "text_mood", "basis"} <= set(answer)
    assert [song["rank"] for song in answer["songs"]] == [1, 2, 3, 4, 5]
    for song in answer["songs"]:
        assert {"rank", "song", "score", "matched_line", "reason", "links"} <= set(song)
        assert {"song_id", "title", "artist"} <= set(song["song"])
        assert set(song["reason"]) == {"ko", "en"}
        assert "lines" not in song["song"]


def test_recommend_prints_a_readable_answer(portrait: Path) -> None:
    done = run("recommend", portrait, "--text", TEXT, "--top-k", 3)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    answer = run_json("recommend", portrait, "--text", TEXT, "--top-k", 3)
    for song in answer["songs"]:
        assert song["song"]["title"] in done.stdout


def test_emotion_reports_every_photo(portrait: Path, tmp_path: Path) -> None:
    broken = tmp_path / "깨진.jpg"
    broken.write_bytes(portrait.read_bytes()[:200])
    done = run("emotion", portrait, broken, "--json")
    assert done.returncode == 1
    first, second = json.loads(done.stdout)
    assert first["path"] == str(portrait)
    assert set(first["faces"][0]["emotion"]) == {"happy", "angry", "sad", "neutral"}
    assert {"box", "score"} <= set(first["faces"][0])
    assert second["faces"] == []
    assert second["error"]["code"].startswith("photo_")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_korean_file_names(portrait: Path, tmp_path: Path, form: str) -> None:
    photo = tmp_path / unicodedata.normalize(form, "프로필 사진.jpg")
    photo.write_bytes(portrait.read_bytes())
    (row,) = run_json("emotion", tmp_path / "프로필 사진.jpg")
    assert len(row["faces"]) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (["recommend"], "nothing_given", 1),
        (["recommend", "no-such-photo.jpg"], "file_not_found", 1),
        (["recommend", __file__], "photo_format_unsupported", 1),
        (["recommend", "--text", "a", "--catalog", "no-such-folder"], "catalog_not_found", 1),
        (["recommend", "--text", "가" * 2000], "text_too_long", 1),
        (["recommend", "--text", "a", "--top-k", "0"], "--top-k", 2),
        (["no-such-verb"], "no-such-verb", 2),
        (["catalog", "build", "--songs", "none.csv", "--out", "out"], "file_not_found", 1),
    ],
)
def test_errors_are_one_line_with_a_code(arguments: list[str], code: str, status: int) -> None:
    done = run(*arguments)
    assert done.returncode == status
    assert code in done.stderr
    assert "Traceback" not in done.stderr
    if status == 1:
        assert len(done.stderr.strip().splitlines()) == 1


SONGS = """title,artist,lyrics,emotion,year
여름밤의 우리,가상밴드,"별이 쏟아지던 옥상에서 우리는 웃었지
라면 국물 나눠 먹던 그 밤을 기억해",happy,2015
빈 방,혼자서,"불 꺼진 방에 남은 건 네 칫솔 하나
문을 열어도 대답이 없네",sad,2019
제목 없는 노래,,"가수가 없는 노래",sad,2000
여름밤의 우리,가상밴드,"같은 노래 두 번째",happy,2015
가사 없는 노래,누군가,,neutral,2001
"""


def test_build_search_and_use_a_catalogue_of_ones_own(tmp_path: Path, portrait: Path) -> None:
    songs, out = tmp_path / "노래.csv", tmp_path / "catalog"
    songs.write_text(SONGS, encoding="cp949")
    built = run_json("catalog", "build", "--songs", songs, "--out", out)
    assert (built["songs"], built["rows"], built["rejected"]) == (2, 5, 3)
    rejected = [json.loads(line) for line in Path(built["rejects_file"]).read_text(encoding="utf-8").splitlines()]
    assert [row["code"] for row in rejected] == ["artist_missing", "duplicate", "lines_missing"]

    info = run_json("catalog", "info", "--catalog", out)
    assert (info["songs"], info["lines"]) == (2, 4)
    assert sum(info["emotions"].values()) == 2
    assert info["encoder"]["name"] == "embedded"

    found = run_json("catalog", "search", "칫솔만 덩그러니 남은 방", "--catalog", out)
    assert found[0]["song"]["title"] == "빈 방"

    answer = run_json("recommend", portrait, "--text", "옥상에서 별 보며 웃던 밤", "--catalog", out)
    assert answer["songs"][0]["song"]["title"] == "여름밤의 우리"
    assert len(answer["songs"]) == 2

    again = run_json("catalog", "build", "--songs", songs, "--out", out)
    assert (again["lines_embedded"], again["lines_reused"]) == (0, 4)


def test_catalog_info_of_the_bundle() -> None:
    info = run_json("catalog", "info")
    assert info["songs"] >= 120
    assert all(count >= 30 for count in info["emotions"].values())


def test_models_and_doctor() -> None:
    assert run("models", "verify").returncode == 0
    assert "mtcnn-pnet" in run("models", "list").stdout
    rows = run_json("doctor")
    assert all(row["ok"] for row in rows)


def test_help_of_every_verb() -> None:
    top = run("--help")
    assert top.returncode == 0
    for verb in ("recommend", "emotion", "catalog", "models", "serve", "doctor", "data", "train", "evaluate"):
        assert verb in top.stdout
        assert run(verb, "--help").returncode == 0, verb
