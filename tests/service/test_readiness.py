"""Ready means verified: a damaged model or catalogue is never served, and what was good goes on being served."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from profile_music import Settings
from profile_music.recommender import bundled_catalog_dir
from profile_music.runtime import models
from profile_music.service import readiness
from profile_music.service.app import create_app
from profile_music.settings import Settings as AllSettings
from tests.service.conftest import code_of


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundled_catalog_dir(), tmp_path / "catalog"))


def damage(folder: Path) -> tuple[Path, bytes]:
    """Turn over one byte of the vectors; return the file and what it held."""
    entry = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]["vectors.npy"]
    file = folder / entry["path"]
    good = file.read_bytes()
    file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    return file, good


def wait_until(client: TestClient, status: int) -> None:
    end = time.monotonic() + 60
    while client.get("/readyz").status_code != status:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_damaged_catalogue_is_not_served_until_it_is_whole(catalog: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, good = damage(catalog)
    with TestClient(create_app(Settings(catalog=str(catalog), catalog_poll_s=1))) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "failed", "reason": "catalog_damaged"})
        for refused in (client.post("/v1/songs", json={"text": "a"}), client.get("/v1/config")):
            assert (refused.status_code, code_of(refused)) == (503, "not_ready")
            assert refused.headers["retry-after"]
        assert client.get("/").status_code == 200
        assert "vectors.npy" in caplog.text
        file.write_bytes(good)
        wait_until(client, 200)
        assert client.post("/v1/songs", json={"text": "바다"}).status_code == 200


def test_a_damaged_newer_version_leaves_the_last_good_one(catalog: Path) -> None:
    with TestClient(create_app(Settings(catalog=str(catalog), catalog_poll_s=1))) as client:
        before = client.post("/v1/songs", json={"text": "바다"}).json()
        # A newer manifest that names a file which is not what it should be.
        manifest = json.loads((catalog / "manifest.json").read_text(encoding="utf-8"))
        entry = manifest["files"]["songs.jsonl"]
        good = (catalog / entry["path"]).read_bytes()
        (catalog / "files" / "newer").write_bytes(b"x" * len(good))
        entry["path"] = "files/newer"
        (catalog / "new").write_text(json.dumps(manifest), encoding="utf-8")
        (catalog / "new").replace(catalog / "manifest.json")
        first = client.app.state.recommender
        time.sleep(2.5)
        assert client.get("/readyz").status_code == 200
        assert client.app.state.recommender is first
        assert client.post("/v1/songs", json={"text": "바다"}).json() == before
        # Once the file has arrived whole, the new version is taken.
        (catalog / "files" / "newer").write_bytes(good)
        end = time.monotonic() + 60
        while client.app.state.recommender is first:
            assert time.monotonic() < end
            time.sleep(0.1)


def test_a_damaged_model_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(shutil.copytree(models.bundled_models_dir(), tmp_path / "models"))
    file = folder / "mtcnn-onet.onnx"
    file.write_bytes(file.read_bytes()[:-1] + b"\x00")
    monkeypatch.setattr(models, "bundled_models_dir", lambda: folder)
    models.resolve_model.cache_clear()
    try:
        with TestClient(create_app(AllSettings())) as client:
            assert client.get("/readyz").json() == {"status": "failed", "reason": "model_invalid"}
    finally:
        models.resolve_model.cache_clear()


def test_while_it_loads_it_is_alive_and_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_PATIENCE_S", 0.05)
    release = asyncio.Event()

    async def slowly(self: readiness.Readiness) -> None:
        await release.wait()

    monkeypatch.setattr(readiness.Readiness, "_try_once", slowly)
    with TestClient(create_app(Settings())) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "starting"})
        assert code_of(client.post("/v1/recommendations", data={"text": "a"})) == "not_ready"
