"""`catalog push` and `catalog pull` as a user runs them, against a folder and against S3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ..s3 import s3_server


def run(*arguments: object, **environment: str) -> dict:
    command = [sys.executable, "-m", "profile_music", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_from_the_bundled_catalogue_to_a_bucket_and_back(tmp_path: Path) -> None:
    with s3_server() as environment:
        url = "s3://songs/main"
        first = run("catalog", "push", url, "--make-bucket", "--split-by-emotion", **environment)
        again = run("catalog", "push", url, "--make-bucket", "--split-by-emotion", **environment)
        whole = run("catalog", "pull", url, "--out", tmp_path / "whole", **environment)
        sad = run("catalog", "pull", f"{url}#sad", "--out", tmp_path / "sad", **environment)
        info = run("catalog", "info", "--catalog", url, **environment)
        songs = run("recommend", "--text", "오늘 하루도 수고했어", "--catalog", f"{url}#sad", **environment)["songs"]
    assert first["moved"] > 0
    assert again["moved"] == 0
    assert whole["songs"] == first["songs"] == info["songs"] > sad["songs"] > 0
    assert len(songs) == 5
    weights = [song["song"]["emotions"] for song in songs]
    assert all(max(emotions, key=emotions.__getitem__) == "sad" for emotions in weights)


def test_a_folder_is_a_store_too(tmp_path: Path) -> None:
    pushed = run("catalog", "push", tmp_path / "shared")
    assert run("catalog", "info", "--catalog", tmp_path / "shared")["songs"] == pushed["songs"]
