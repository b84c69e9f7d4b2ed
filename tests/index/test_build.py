"""Building catalogues with the real encoder: emotions, reuse, updates, two builders, a full disk, SIGKILL."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from profile_music.builder import BOTH, CatalogBuilder
from profile_music.builder_pool import INLINE_JOBS
from profile_music.errors import CatalogError, CatalogNotWrittenError
from profile_music.index import CatalogFiles, CatalogWriter, LyricIndex, remove_stale_builds
from profile_music.text import load_encoder
from profile_music.text.mood import TextMood
from profile_music.types import EmotionScores, Song

WORDS = ["오늘", "밤", "바다", "기차", "우산", "창문", "골목", "라디오", "겨울", "편지", "커피", "새벽", "버스", "노을"]
ENDINGS = ["걷는다", "기다려", "웃었어", "그리워", "생각나", "떠난다", "부른다", "반짝여", "멀어져", "돌아와"]


def sentence(number: int) -> str:
    chosen = random.Random(number)
    return " ".join([*chosen.sample(WORDS, 3), chosen.choice(ENDINGS), str(number)])


def as_given(found: Iterable[Song]) -> list[Song]:
    """Stored songs without what the build read from their lines."""
    return [replace(song, topics={}) for song in found]


def songs(count: int, first: int = 0, lines: int = 3) -> list[Song]:
    return [
        Song(
            song_id=f"s{number}",
            title=f"노래 {number}",
            artist=f"가수 {number % 5}",
            lines=tuple(sentence(number * lines + row) for row in range(lines)),
            emotions=EmotionScores(0.125, 0.125, 0.5, 0.25),
            emotion_source="source",
        )
        for number in range(first, first + count)
    ]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


@pytest.fixture(scope="module")
def mood(encoder):
    return TextMood.load(encoder)


@pytest.fixture
def builder(encoder, mood) -> CatalogBuilder:
    return CatalogBuilder(encoder, mood)


def test_what_was_built_is_what_was_given(builder: CatalogBuilder, encoder, tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    result = builder.build(songs(40), tmp_path, on_progress=lambda *done: progress.append(done))
    files = CatalogFiles(tmp_path)
    assert as_given(files.songs()) == songs(40)
    assert np.allclose(files.vectors, encoder.encode_passages([line for song in songs(40) for line in song.lines]))
    assert (result.lines_embedded, result.lines_reused, result.emotions_predicted) == (120, 0, 0)
    assert progress[-1] == (40, 120)
    assert result.manifest.notes["emotions"] == {"mode": "source", "source": 40}


def test_unchanged_lines_are_not_embedded_again(builder: CatalogBuilder, tmp_path: Path) -> None:
    builder.build(songs(40), tmp_path)
    changed = [*songs(38), replace(songs(1, 38)[0], lines=("새로 쓴 문장이 하나", *songs(1, 38)[0].lines[:2]))]
    result = builder.build(changed, tmp_path)
    assert (result.lines_embedded, result.lines_reused) == (1, 116)
    fresh = tmp_path / "fresh"
    builder.build(changed, fresh)
    assert np.array_equal(CatalogFiles(tmp_path).vectors, CatalogFiles(fresh).vectors)


def test_lines_of_other_catalogues_are_taken_over(builder: CatalogBuilder, tmp_path: Path) -> None:
    builder.build(songs(10), tmp_path / "a")
    builder.build(songs(10, 10), tmp_path / "b")
    parts = [CatalogFiles(tmp_path / name) for name in "ab"]
    result = builder.build(songs(21), tmp_path / "c", known=parts)
    assert (result.lines_embedded, result.lines_reused) == (3, 60)
    assert as_given(CatalogFiles(tmp_path / "c").songs()) == songs(21)


def test_vectors_of_another_encoder_are_not_taken_over(builder: CatalogBuilder, tmp_path: Path) -> None:
    builder.build(songs(5), tmp_path)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text().replace(builder.encoder.fingerprint, "another"))
    assert builder.build(songs(5), tmp_path).lines_reused == 0


@pytest.mark.parametrize("mode", ["source", "lines", "both"])
def test_where_emotions_come_from(mode: str, encoder, mood, tmp_path: Path) -> None:
    given = songs(2)[0]
    unlabelled = replace(songs(2)[1], emotions=None, emotion_source="")
    builder = CatalogBuilder(encoder, mood, emotions=mode)
    result = builder.build([given, unlabelled], tmp_path)
    first, second = CatalogFiles(tmp_path).songs()

    def said(song: Song) -> np.ndarray:
        return np.mean([scores.as_array() for scores in mood.predict(list(song.lines))], axis=0)

    wanted = {
        "source": ("source", given.emotions.as_array()),
        "lines": ("lines", said(given)),
        "both": (BOTH, (given.emotions.as_array() + said(given)) / 2),
    }[mode]
    assert first.emotion_source == wanted[0]
    assert np.allclose(first.emotions.as_array(), wanted[1], atol=2e-4)
    assert second.emotion_source == "lines"
    assert np.allclose(second.emotions.as_array(), said(unlabelled), atol=2e-4)
    assert result.manifest.notes["emotions"]["mode"] == mode
    assert sum(result.emotion_sources.values()) == 2
    again = CatalogFiles(tmp_path)
    builder.build(again.songs(), tmp_path / "again")
    assert [song.emotion_source for song in CatalogFiles(tmp_path / "again").songs()] == [
        song.emotion_source for song in again.songs()
    ]
    assert np.allclose(CatalogFiles(tmp_path / "again").emotions, again.emotions, atol=2e-4)


def test_several_processes_give_the_same_files(encoder, mood, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profile_music.builder._BATCH_LINES", 32)
    many = songs((INLINE_JOBS + 5) * 4, lines=8)
    digests = []
    for processes in (1, 2):
        out = tmp_path / str(processes)
        manifest = CatalogBuilder(encoder, mood, processes=processes).build(many, out).manifest
        digests.append({name: entry.sha256 for name, entry in manifest.files.items()})
    assert digests[0] == digests[1]


def test_no_songs_leave_the_old_catalogue(builder: CatalogBuilder, tmp_path: Path) -> None:
    builder.build(songs(3), tmp_path)
    with pytest.raises(CatalogError):
        builder.build([], tmp_path)
    assert as_given(CatalogFiles(tmp_path).songs()) == songs(3)


def test_a_living_build_is_not_swept_away(builder: CatalogBuilder, tmp_path: Path) -> None:
    """Two builders at once: each finishes; the later publication stands."""
    from ..index.helpers import ENCODER, make_song, vectors_of

    song = make_song(1)
    with CatalogWriter(tmp_path, ENCODER) as writer:
        about = vectors_of(["about"])
        writer.add([song], vectors_of(list(song.lines)), [["낱말"]] * len(song.lines), about, [["가수"]])
        builder.build(songs(4), tmp_path)
        assert remove_stale_builds(tmp_path) == []
        writer.publish()
    assert [found.song_id for found in CatalogFiles(tmp_path).songs()] == ["s1"]
    assert not list(tmp_path.glob(".build-*"))


def test_two_processes_building_at_once_both_finish(tmp_path: Path) -> None:
    children = [run_build(tmp_path, f"songs({count})") for count in (60, 61)]
    assert [child.wait(60) for child in children] == [0, 0], [child.stderr.read() for child in children]
    assert len(CatalogFiles(tmp_path)) in (60, 61)
    assert not list(tmp_path.glob(".build-*"))


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on file sizes")
@pytest.mark.parametrize("limit_kb", [4, 64, 200])
def test_a_full_disk_leaves_the_old_version(builder: CatalogBuilder, tmp_path: Path, limit_kb: int) -> None:
    builder.build(songs(20), tmp_path)
    child = run_build(tmp_path, "songs(300)", before=f"limit({limit_kb << 10})")
    assert child.wait(60) == 3, child.stderr.read()
    assert "CatalogNotWrittenError" in child.stderr.read()
    assert as_given(LyricIndex.open(tmp_path).files.songs()) == songs(20)
    assert not list(tmp_path.glob(".build-*"))


def test_a_disk_without_room_is_an_error_and_not_a_crash(
    builder: CatalogBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder.build(songs(5), tmp_path)

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.posix_fallocate", no_room)
    with pytest.raises(CatalogNotWrittenError, match="space"):
        builder.build(songs(9), tmp_path)
    assert len(CatalogFiles(tmp_path)) == 5


CHILD = """
import os, resource, signal, sys
sys.path.insert(0, {tests!r})
import profile_music.builder
from pathlib import Path
from tests.index.test_build import songs
from profile_music.builder import CatalogBuilder
from profile_music.errors import ProfileMusicError
from profile_music.text import load_encoder
from profile_music.text.mood import TextMood

def limit(size_bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))

def kill_at(owner, name, call, of=""):
    real, calls = getattr(owner, name), [0]
    def counted(*args, **options):
        calls[0] += of in str(args)
        if calls[0] == call:
            sys.stdout.write("killed"); sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **options)
    setattr(owner, name, counted)

profile_music.builder._BATCH_LINES = 64
encoder = load_encoder()
builder = CatalogBuilder(encoder, TextMood.load(encoder))
progress = [0]
def on_progress(*done):
    progress[0] += 1
{before}
try:
    builder.build({songs}, Path({out!r}), on_progress=lambda *done: on_progress(*done))
except ProfileMusicError as error:
    print(type(error).__name__, error, file=sys.stderr)
    sys.exit(3)
"""


def run_build(out: Path, which: str, before: str = "") -> subprocess.Popen[str]:
    tests = str(Path(__file__).resolve().parents[2])
    code = textwrap.dedent(CHILD).format(tests=tests, before=before, songs=which, out=str(out))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# Where the process kills itself (SIGKILL: nothing is cleaned up), and which version stands afterwards.
POINTS = {
    "after the first batch": ("kill_at(sys.modules['__main__'], 'on_progress', 1)", "old"),
    "after the third batch": ("kill_at(sys.modules['__main__'], 'on_progress', 3)", "old"),
    "before the first file is adopted": ("kill_at(os, 'fsync', 1)", "old"),
    "half way through the files": ("kill_at(os, 'fsync', 9)", "old"),
    "after some files moved": ("kill_at(Path, 'replace', 5)", "old"),
    "with all files moved, before the manifest": ("kill_at(Path, 'write_text', 1)", "old"),
    "with the manifest written, not in place": ("kill_at(Path, 'replace', 1, '.manifest.json')", "old"),
    "while old files are removed": ("kill_at(Path, 'unlink', 3)", "either"),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_build_leaves_a_working_catalogue(builder: CatalogBuilder, tmp_path: Path, point: str) -> None:
    before, stands = POINTS[point]
    builder.build(songs(30), tmp_path)
    child = run_build(tmp_path, "songs(120)", before)
    out, problems = child.communicate(timeout=60)
    assert (child.returncode, out) == (-signal.SIGKILL, "killed"), problems
    count = len(LyricIndex.open(tmp_path))
    assert count == 30 if stands == "old" else count in (30, 120)
    builder.build(songs(31), tmp_path)
    assert as_given(LyricIndex.open(tmp_path).files.songs()) == songs(31)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".publish.lock", "files", "manifest.json"]


def test_workers_end_with_a_killed_build(tmp_path: Path) -> None:
    before = """
import multiprocessing
profile_music.builder._BATCH_LINES = 16
builder.processes = 2
def on_progress(songs, lines):
    workers = multiprocessing.active_children()
    if workers:
        print(*(worker.pid for worker in workers), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""
    child = run_build(tmp_path, "songs(400)", before)
    out, problems = child.communicate(timeout=120)
    workers = [int(pid) for pid in out.split()]
    assert child.returncode == -signal.SIGKILL, problems
    assert workers
    for _ in range(200):
        workers = [pid for pid in workers if running(pid)]
        if not workers:
            return
        time.sleep(0.1)
    pytest.fail(f"still running: {workers}")


def running(pid: int) -> bool:
    """Whether a process runs (a dead one that nobody has waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
