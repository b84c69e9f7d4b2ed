"""Fetching ko-sroberta: from the hub or from a folder, checked, converted where needed, put in place in one step."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from profile_music.checksums import sha256_file
from profile_music.errors import DependencyMissingError, InputError, ModelError, ModelUnavailableError
from profile_music.text.sroberta import FOLDER_NAME, MANIFEST_NAME, KoSroberta, default_model_dir

REPOSITORY = "jhgan/ko-sroberta-multitask"
TEXT_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
POOLING_FILE = "1_Pooling/config.json"
GRAPH_FILES = ("onnx/model.onnx", "model.onnx")
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")

Convert = Callable[[Path, Path], None]
"""Writes an ONNX graph (second path) from a folder with a RoBERTa's weights (first path)."""


@dataclass(frozen=True, slots=True)
class PulledFile:
    """One file in place: name, size in bytes, SHA-256 in hex."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PullResult:
    """Where the model is now, where it came from, and its files."""

    folder: Path
    source: str
    files: tuple[PulledFile, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        files = [{"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256} for file in self.files]
        return {"folder": str(self.folder), "source": self.source, "files": files}


def pull_sroberta(
    model_dir: Path | None,
    *,
    convert: Convert,
    source: Path | None = None,
    revision: str | None = None,
    int8: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> PullResult:
    """Put ko-sroberta under `model_dir` (the user's data folder where None), ready for `KoSroberta.load`.

    Args:
        model_dir: Folder of fetched models.
        convert: Used where the source holds no ONNX graph.
        source: A sentence-transformers folder; the hub where None.
        revision: A commit or tag of the hub.
        int8: Also quantize the weights to eight bits.
        say: Gets a line per step.

    Raises:
        InputError: The folder is not a mean-pooling RoBERTa of sentence-transformers.
        ModelUnavailableError: The hub cannot be reached.
        DependencyMissingError: huggingface_hub, onnx, or what the conversion needs is not installed.
        ModelError: A fetched file differs from its checksum, or the result does not run.
    """
    home = model_dir or default_model_dir()
    home.mkdir(parents=True, exist_ok=True)
    origin = source or _download(home / "downloads", revision, say)
    _check_source(origin)
    with tempfile.TemporaryDirectory(dir=home, prefix=".pull-") as scratch:
        staged = Path(scratch) / FOLDER_NAME
        _stage(origin, staged, convert, say)
        if int8:
            say("8비트로 줄이는 중 / quantizing")
            _quantize(staged)
        label = str(source) if source else f"{REPOSITORY}@{revision or 'main'}"
        files = _write_manifest(staged, label)
        KoSroberta.load(model_dir=staged)
        _replace(staged, home / FOLDER_NAME)
    if source is None:
        shutil.rmtree(origin, ignore_errors=True)
    return PullResult(home / FOLDER_NAME, label, files)


def _check_source(origin: Path) -> None:
    missing = [name for name in ("config.json", "tokenizer.json") if not (origin / name).is_file()]
    if missing:
        raise InputError(reason=f"{origin} has no {', '.join(missing)}")
    pooling = origin / POOLING_FILE
    if pooling.is_file() and not json.loads(pooling.read_text(encoding="utf-8")).get("pooling_mode_mean_tokens", True):
        raise InputError(reason=f"{origin} does not use mean pooling")


def _stage(origin: Path, staged: Path, convert: Convert, say: Callable[[str], None]) -> None:
    staged.mkdir()
    for name in TEXT_FILES:
        if (origin / name).is_file():
            shutil.copyfile(origin / name, staged / name)
    graph = next((origin / name for name in GRAPH_FILES if (origin / name).is_file()), None)
    if graph is not None:
        shutil.copyfile(graph, staged / "model.onnx")
        return
    if not any((origin / name).is_file() for name in WEIGHT_FILES):
        raise InputError(reason=f"{origin} holds neither an ONNX graph nor weights")
    say("ONNX로 바꾸는 중 / converting to ONNX")
    convert(origin, staged / "model.onnx")


def _quantize(staged: Path) -> None:
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise DependencyMissingError(extra="sroberta") from error
    quantize_dynamic(
        staged / "model.onnx",
        staged / "model_int8.onnx",
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul", "Gather"],
    )
    (staged / "model.onnx").unlink()


def _write_manifest(staged: Path, source: str) -> tuple[PulledFile, ...]:
    names = sorted(path.name for path in staged.iterdir() if path.is_file())
    files = tuple(PulledFile(n, (staged / n).stat().st_size, sha256_file(staged / n)) for n in names)
    body = {"format": 1, "source": source, "files": {file.name: file.sha256 for file in files}}
    (staged / MANIFEST_NAME).write_text(json.dumps(body, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return files


def _replace(staged: Path, target: Path) -> None:
    """Put the new folder in place of an older one; the older one stays until the new one is complete."""
    old = target.with_name(f".{target.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    staged.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _download(folder: Path, revision: str | None, say: Callable[[str], None]) -> Path:
    """Fetch what is needed from the hub into `folder`; an interrupted fetch goes on where it stopped."""
    try:
        from huggingface_hub import HfApi, hf_hub_download
    except ImportError as error:
        raise DependencyMissingError(extra="models") from error
    try:
        say(f"{REPOSITORY} 받는 중 / fetching")
        info = HfApi().model_info(REPOSITORY, revision=revision, files_metadata=True)
        checksums = {file.rfilename: file.lfs.sha256 if file.lfs else None for file in info.siblings or []}
        for name in _wanted(checksums):
            path = Path(hf_hub_download(REPOSITORY, name, revision=info.sha, local_dir=folder))
            _check_download(path, checksums[name])
    except ModelError:
        raise
    except Exception as error:  # the hub's client lets its HTTP library's own errors through
        raise ModelUnavailableError(
            name=KoSroberta.name,
            hint_ko="허깅페이스 허브에 닿지 못했어요. 연결을 확인하고 다시 하거나, --from 폴더로 넣어 주세요.",
            hint_en="The Hugging Face hub could not be reached: check the connection and try again, or use --from DIR.",
        ) from error
    return folder


def _wanted(available: Mapping[str, str | None]) -> list[str]:
    texts = [name for name in (*TEXT_FILES, POOLING_FILE) if name in available]
    heavy = next((name for name in (*GRAPH_FILES, *WEIGHT_FILES) if name in available), None)
    return [*texts, heavy] if heavy else texts


def _check_download(path: Path, sha256: str | None) -> None:
    if sha256 is not None and sha256_file(path) != sha256:
        path.unlink()
        raise ModelError(name=KoSroberta.name, reason=f"{path.name} differs from the hub's checksum; pull it again")
