"""The handlers under the real awslambdaric, in the environment that the image has (`make lambda-env`)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .events_of import event, malformed
from .runtime_api import RuntimeApi

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-lambda" / "bin" / "python"
OUTPUT = "output.log"
pytestmark = [
    pytest.mark.aws,
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="the image's environment is not installed: make lambda-env"),
]


@contextmanager
def running(handler: str, tmp_path: Path, **environment: str) -> Iterator[RuntimeApi]:
    """Start the runtime client on a handler, as the image's entry point does; its output goes to a file."""
    with RuntimeApi() as api, (tmp_path / OUTPUT).open("wb") as output:
        process = subprocess.Popen(
            [str(PYTHON), "-m", "awslambdaric", f"profile_music.aws.{handler}.handler"],
            env={
                "PATH": os.defpath,
                "LANG": "C.UTF-8",
                "HOME": str(tmp_path),
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_FUNCTION_NAME": "profile-music",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
                "PROFILE_MUSIC_CACHE_DIR": str(tmp_path / "cache"),
                **environment,
            },
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield api
        finally:
            process.kill()
            process.wait()


def test_emotion_and_its_malformed_events(tmp_path: Path) -> None:
    with running("emotion", tmp_path) as api:
        reply = api.invoke(event("emotion_image"))
        assert reply.kind == "response"
        assert len(reply.body["faces"]) == 1
        for given, code, status in malformed("emotion")[:8]:
            reply = api.invoke(given)
            assert (reply.kind, reply.body["error"]["code"], reply.body["status"]) == ("response", code, status)


def test_songs(tmp_path: Path) -> None:
    with running("songs", tmp_path) as api:
        first = api.invoke(event("songs_both"))
        assert first.kind == "response"
        assert len(first.body["songs"]) == 5
        assert api.invoke(event("songs_both")).body == first.body


def test_http_from_health_to_songs(tmp_path: Path) -> None:
    with running("http", tmp_path) as api:
        assert api.invoke(event("http_health")).body["statusCode"] == 200
        body = json.loads(api.invoke(event("http_recommend")).body["body"])
        assert (len(body["songs"]), len(body["faces"])) == (5, 1)
        assert api.invoke(event("http_page")).body["headers"]["content-type"].startswith("text/html")
        for given, code, status in malformed("http")[:6]:
            reply = api.invoke(given)
            assert reply.kind == "response"
            assert (json.loads(reply.body["body"])["error"]["code"], reply.body["statusCode"]) == (code, status)
    output = (tmp_path / OUTPUT).read_text(encoding="utf-8")
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [line["Status"] for line in lines if "_aws" in line][:3] == [200, 200, 200]
    assert [line["ColdStarts"] for line in lines if "_aws" in line][:2] == [1, 0]
    assert "수고" not in output


def test_catalogue_in_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from profile_music.index.source import store_for
    from profile_music.index.transfer import push
    from profile_music.recommender import bundled_catalog_dir

    from ..s3 import new_bucket, s3_server

    with s3_server() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        url = f"s3://{new_bucket(environment)}/main"
        push(bundled_catalog_dir(), store_for(url))
        with running("songs", tmp_path, PROFILE_MUSIC_CATALOG=url, **environment) as api:
            assert len(api.invoke(event("songs_text")).body["songs"]) == 5
        assert list((tmp_path / "cache").rglob("manifest.json"))


def test_a_catalogue_that_is_not_there_is_an_init_error(tmp_path: Path) -> None:
    with running("songs", tmp_path, PROFILE_MUSIC_CATALOG=str(tmp_path / "none")) as api:
        reply = api.reply()
    assert (reply.kind, reply.body["errorType"]) == ("error", "CatalogMissingError")
