"""Files of songs: kinds, encodings, column names, bad rows."""

from __future__ import annotations

import csv
import io
import json
import random
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_music.catalog.columns import guess_columns, parse_overrides
from profile_music.catalog.readers import RowReport, read_songs
from profile_music.catalog.seen import SeenIds
from profile_music.errors import FileMissingError, InputError
from profile_music.types import Song

HEADER = ["제목", "가수", "가사", "감정", "발매일", "장르"]
ROWS = [
    ["버스 정류장", "느린 오후", "버스가 두 대나 지나갔어\n나는 아직 앉아 있지", "슬픔", "2015-04-01", "인디"],
    ["새벽 시장", "고등어와 감", "생선 상자 위로 해가 뜬다", "기쁨", "2021", "포크"],
]


def read(path: Path, **options: object) -> tuple[list[Song], RowReport]:
    report = RowReport()
    return list(read_songs([path], report, **options)), report


def table(rows: list[list[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def check(songs: list[Song]) -> None:
    assert [(song.title, song.artist) for song in songs] == [(row[0], row[1]) for row in ROWS]
    assert songs[0].lines == ("버스가 두 대나 지나갔어", "나는 아직 앉아 있지")
    assert [song.emotions.top.value for song in songs] == ["sad", "happy"]
    assert [(song.year, song.genre, song.emotion_source) for song in songs] == [
        (2015, "인디", "source"),
        (2021, "포크", "source"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(("name", "delimiter"), [("곡.csv", ","), ("곡.tsv", "\t"), ("곡.csv", ";"), ("곡.txt", "|")])
def test_text_tables_in_every_encoding(tmp_path: Path, encoding: str, name: str, delimiter: str) -> None:
    path = tmp_path / name
    path.write_bytes(table([HEADER, *ROWS], delimiter).encode(encoding))
    songs, report = read(path)
    check(songs)
    assert report.columns[name] == {
        "제목": "title", "가수": "artist", "가사": "lyrics", "감정": "emotion", "발매일": "year", "장르": "genre"
    }  # fmt: skip
    assert (report.rows, report.rejected, report.fraction_read) == (2, [], 1.0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_jsonl_with_korean_or_english_names(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "songs.jsonl"
    english = dict(zip(("title", "artist", "lyrics", "emotion", "released", "genre"), ROWS[1], strict=True))
    rows = [dict(zip(HEADER, ROWS[0], strict=True)), {**english, "source": "x", "lines": None}]
    path.write_bytes("\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode(encoding))
    check(read(path)[0])


def test_a_spreadsheet_with_a_title_above_its_header(tmp_path: Path) -> None:
    path = tmp_path / "곡목록.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["우리 가게 노래 목록"])
    sheet.append([])
    sheet.append([*HEADER, "멜론ID", "메모"])
    sheet.append([*ROWS[0][:4], date(2015, 4, 1), "인디", 123456.0, "비 오는 날"])
    sheet.append([*ROWS[1][:4], 2021, "포크", None, None])
    other = book.create_sheet("다른 것")
    other.append(["제목", "가수", "가사"])
    other.append(["밤 산책", "고요", "가로등 아래 그림자가 길다"])
    book.save(path)
    songs, report = read(path)
    check(songs)
    assert (songs[0].song_id, songs[0].melon_id) == ("melon:123456", "123456")
    assert report.unused[path.name] == ("메모",)
    assert [song.title for song in read(path, sheet="다른 것")[0]] == ["밤 산책"]
    with pytest.raises(InputError, match="다른 것"):
        read(path, sheet="없음")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"not a spreadsheet at all"])
def test_what_only_claims_to_be_a_spreadsheet(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.xlsx"):
        read(path)


def test_cells_of_a_spreadsheet_read_as_people_see_them(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["title", "artist", "lyrics", "year"])
    book.active.append([1999, 10.5, "숫자로 된 이름도 이름이지", datetime(1999, 12, 31, 23, 0)])
    book.save(path)
    song = read(path)[0][0]
    assert (song.title, song.artist, song.year) == ("1999", "10.5", 1999)


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        (["곡명", "아티스트", "앨범명"], {"곡명": "title", "아티스트": "artist", "앨범명": "album"}),
        (["Song Title (KR)", "Artist Name", "Lyric"], ["title", "artist", "lyrics"]),
        (["노래 제목(한글)", "가수/그룹", "가사 전문"], ["title", "artist", "lyrics"]),
        (["TITLE", " artist ", "발매일", "발매연도"], ["title", "artist", None, "year"]),
        (["title", "제목", "artist"], ["title", None, "artist"]),
        (["Track", "Performer", "mood", "감정"], ["title", "artist", "moods", "emotion"]),
        (["a", "b"], [None, None]),
    ],
)
def test_column_names_are_guessed(headers: list[str], fields: object) -> None:
    wanted = fields if isinstance(fields, dict) else {h: f for h, f in zip(headers, fields, strict=True) if f}
    assert dict(guess_columns(headers).fields) == wanted


def test_guesses_can_be_overruled(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        table([["이름", "부른 사람", "가사", "감정"], ["해질녘", "두 사람", "노을이 교실까지 들어왔다", "?"]])
    )
    with pytest.raises(InputError, match="--column"):
        read(path)
    songs, report = read(path, columns=["이름=title", "부른 사람=artist", "감정="])
    assert (songs[0].title, songs[0].artist, songs[0].emotions) == ("해질녘", "두 사람", None)
    assert report.unused[path.name] == ("감정",)


@pytest.mark.parametrize("option", ["제목", "=title", "제목=없는필드", ""])
def test_overrides_that_make_no_sense(option: str) -> None:
    with pytest.raises(InputError, match="--column"):
        parse_overrides([option])


def test_bad_rows_are_reported_each_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    good = ["창문", "먼 집", "창문마다 불이 켜진다"]
    rows = [
        ["제목", "가수", "가사", "감정", "연도", "커버"],
        [*good, "", "", ""],
        ["", "먼 집", "가사가 있어요", "", "", ""],
        ["창문 2", "", "가사가 있어요", "", "", ""],
        ["창문 3", "먼 집", "", "", "", ""],
        ["창문 4", "먼 집", "only english here", "", "", ""],
        ["창문 5", "먼 집", "가사가 있어요", "지루함", "", ""],
        ["창문 6", "먼 집", "가사가 있어요", "", "작년", ""],
        ["창문 7", "먼 집", "가사가 있어요", "", "", "javascript:1"],
        ["창문 8", "먼 집", "가사에, 쉼표", "", "", "", "넘친 칸"],
        [*good, "", "", ""],
        ["ㅊ" * 600, "먼 집", "가사가 있어요", "", "", ""],
        ["창문 9", "먼 집", "\n".join(f"{number}번째 창문의 불빛" for number in range(450)), "", "", ""],
    ]
    path.write_text(table(rows), encoding="cp949")
    songs, report = read(path)
    assert [song.title for song in songs] == ["창문"]
    assert [(row["row"], row["code"]) for row in report.rejected] == [
        (3, "title_missing"),
        (4, "artist_missing"),
        (5, "lines_missing"),
        (6, "lines_missing"),
        (7, "emotion_invalid"),
        (8, "year_invalid"),
        (9, "cover_url_invalid"),
        (10, "cells_too_many"),
        (11, "duplicate"),
        (12, "title_too_long"),
        (13, "lines_too_long"),
    ]
    assert report.rows == len(rows) - 1 == len(songs) + report.rejected_count
    assert report.rejected[0]["record"]["artist"] == "먼 집"


def test_bad_json_lines_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    good = {"title": "가", "artist": "나", "lyrics": "다음 역에서 내릴게"}
    long = json.dumps({**good, "title": "긴 행", "note": "x" * (1 << 21)})
    torn = '{"title": "\\ud800", "artist": "b", "lyrics": "가사가 있어요"}'
    lines = ["{", "[1]", "", json.dumps(good), torn, '"x"', long, json.dumps({**good, "artist": "다른 이"})]
    path.write_text("\n".join(lines))
    songs, report = read(path)
    assert [song.artist for song in songs] == ["나", "다른 이"]
    assert [(row["row"], row["code"]) for row in report.rejected] == [
        (1, "json_invalid"),
        (2, "json_invalid"),
        (5, "encoding_invalid"),
        (6, "json_invalid"),
        (7, "row_too_long"),
    ]


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_a_damaged_line_costs_only_itself(tmp_path: Path, name: str) -> None:
    songs = [[f"노래 {number}", "가수", f"{number}번째 가사를 적어 둔다"] for number in range(30)]
    if name.endswith("csv"):
        lines = [",".join(row).encode() for row in [["제목", "가수", "가사"], *songs]]
    else:
        names = ("title", "artist", "lyrics")
        lines = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False).encode() for row in songs]
    lines[7] = lines[7][:8] + b"\xff\xfe\x80" + lines[7][9:]
    path = tmp_path / name
    path.write_bytes(b"\n".join(lines))
    found, report = read(path)
    assert len(found) == 29
    assert [row["code"] for row in report.rejected] == ["encoding_invalid"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileMissingError):
        read(tmp_path / "none.csv")
    noise = random.Random(1).randbytes(4000).replace(b"\0", b"a")
    for name, content in (("x.pdf", b"%PDF"), ("empty.csv", b""), ("noise.csv", noise)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            read(tmp_path / name)


def test_every_rejected_row_reaches_the_sink_though_few_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("제목,가수,가사\n" + ",없음,\n" * 1500)
    written: list[object] = []
    report = RowReport(sink=written.append)
    assert list(read_songs([path], report)) == []
    assert (len(written), report.rejected_count, len(report.rejected)) == (1500, 1500, 1000)


def test_weights_of_emotions_may_be_given(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    weights = json.dumps({"happy": 0.6, "sad": 0.4})
    path.write_text(table([["title", "artist", "lines", "emotions"], ["가", "나", "한 줄|또 한 줄", weights]]))
    song = read(path)[0][0]
    assert song.lines == ("한 줄", "또 한 줄")
    assert song.emotions.to_dict() == {"happy": 0.6, "angry": 0.0, "sad": 0.4, "neutral": 0.0}


def test_several_files_and_the_first_of_two_songs_wins(tmp_path: Path) -> None:
    for number, name in enumerate(("a.csv", "b.csv")):
        (tmp_path / name).write_text(f"제목,가수,가사\n같은 노래,같은 가수,{number}번 파일의 가사\n")
    report = RowReport()
    songs = list(read_songs([tmp_path / "a.csv", tmp_path / "b.csv"], report))
    assert [song.lines for song in songs] == [("0번 파일의 가사",)]
    assert report.rejected[0]["file"] == "b.csv"


def test_seen_ids_hold_many() -> None:
    seen = SeenIds()
    assert all(seen.add(f"song:{number}") for number in range(70_000))
    assert not any(seen.add(f"song:{number}") for number in range(0, 70_000, 7))
    assert len(seen) == 70_000
    assert "song:69999" in seen
    assert "song:70000" not in seen


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=300), name=st.sampled_from(["x.csv", "x.tsv", "x.jsonl", "x.xlsx"]))
def test_no_file_makes_the_readers_fail_otherwise(tmp_path_factory, content: bytes, name: str) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes("제목,가수,가사\n".encode() * (name == "x.csv") + content)
    report = RowReport()
    try:
        songs = list(read_songs([path], report))
    except InputError:
        return
    assert len(songs) + report.rejected_count == report.rows
