"""The verbs of the text half: models, train text, evaluate text."""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from profile_music.cli import app
from profile_music.errors import DependencyMissingError, FileMissingError, InputError
from profile_music.text.embedded import EmbeddedEncoder

RATED = [("고양이가 창가에서 잔다", "창가에 고양이가 자고 있다", 4.8), ("기차가 떠난다", "국수를 삶는다", 0.2)] * 3
COMMENTS = [
    ("이렇게 신나는 날은 처음이다", "38,40"),
    ("어처구니가 없어서 화가 난다", "6,23"),
    ("눈물만 흐른다", "5"),
] * 5


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write_table(path: Path, rows: list[tuple[object, ...]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.writelines("\t".join(map(str, row)) + "\n" for row in rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Sets in the layout of `shared/data/text`, with sentences of our own."""
    for split in ("dev", "test"):
        write_table(tmp_path / f"korsts_{split}.tsv.gz", [("sentence1", "sentence2", "score"), *RATED])
    write_table(tmp_path / "kote.tsv.gz", [("text", "labels"), *COMMENTS])
    return tmp_path


def test_list_names_the_encoder_and_whether_the_big_one_is_there(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PROFILE_MUSIC_MODEL_DIR", str(tmp_path))
    found = json.loads(run("models", "list", "--json").stdout)
    assert "text-embedded" in {spec["name"] for spec in found["bundled"]}
    assert found["fetched"] == {"ko-sroberta": None}


def test_pull_refuses_a_folder_of_something_else(tmp_path: Path) -> None:
    result = run("models", "pull", "ko-sroberta", "--from", tmp_path, "--model-dir", tmp_path / "models")
    assert isinstance(result.exception, InputError)
    assert "config.json" in result.exception.message_en


def test_evaluate_measures_likeness_mood_finding_and_speed(data: Path) -> None:
    result = run("evaluate", "text", "--data", data, "--no-songs", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["korsts"]["test"]["spearman"] > 0.5
    assert 0 <= found["mood"]["accuracy, KOTE, held-out fifth"] <= 1
    assert {"lexical", "semantic", "hybrid", "hybrid, topics"} == set(found["finding"]["hard"])
    assert found["ms_a_sentence"] > 0


def test_evaluate_without_its_sets_says_which_is_missing(tmp_path: Path) -> None:
    result = run("evaluate", "text", "--data", tmp_path, "--no-songs")
    assert isinstance(result.exception, FileMissingError)
    assert "korsts_dev" in result.exception.message_en


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_train_without_its_extra_names_it(data: Path, tmp_path: Path) -> None:
    result = run("train", "text", "--data", data, "--out", tmp_path / "out")
    assert isinstance(result.exception, DependencyMissingError)
    assert "train" in result.exception.message_en


@pytest.mark.train
@pytest.mark.slow
def test_train_the_mood_of_a_model_anew(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from profile_music.runtime.models import resolve_model

    model, out = resolve_model("text-embedded"), tmp_path / "out"
    result = run("train", "text", "--data", data, "--out", out, "--mood-of", model)
    assert result.exit_code == 0, result.output
    report = json.loads((out / "report.json").read_text())
    assert report["mood_sentence_accuracy"] > 0.6
    shipped, trained = EmbeddedEncoder.load(), EmbeddedEncoder.load(out / "text-embedded.npz")
    assert trained.fingerprint != shipped.fingerprint
    assert trained.pieces("창가에서 잔다") == shipped.pieces("창가에서 잔다")
