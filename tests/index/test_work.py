"""Working folders: a living build's is never taken away, a dead one's is."""

from __future__ import annotations

import threading
from pathlib import Path

from profile_music.index.work import remove_stale_builds, working_folder


def test_builders_that_come_and_go_never_touch_one_another(tmp_path: Path) -> None:
    problems: list[BaseException] = []

    def come_and_go() -> None:
        try:
            for _ in range(15):
                remove_stale_builds(tmp_path)
                with working_folder(tmp_path) as work:
                    (work / "part").mkdir()
                    (work / "part" / "file").write_text("x")
                    assert (work / "part" / "file").read_text() == "x"
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert [path.name for path in tmp_path.iterdir()] == [".publish.lock"]


def test_what_a_killed_build_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".build-dead").mkdir()
    (tmp_path / ".build-dead" / "vectors.npy").write_bytes(b"half")
    (tmp_path / ".manifest.json.123").write_text("{")
    with working_folder(tmp_path) as alive:
        removed = remove_stale_builds(tmp_path)
        assert alive.is_dir()
    assert [path.name for path in removed] == [".build-dead", ".manifest.json.123"]
    assert [path.name for path in tmp_path.iterdir()] == [".publish.lock"]
