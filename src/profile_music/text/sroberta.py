"""jhgan/ko-sroberta-multitask on onnxruntime and tokenizers: the encoder that the mission names."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from profile_music.checksums import sha256_file
from profile_music.errors import DependencyMissingError, ModelError, ModelUnavailableError
from profile_music.runtime.session import OrtSession
from profile_music.text.clean import clean_text
from profile_music.types import Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FOLDER_NAME = "ko-sroberta"
MANIFEST_NAME = "pulled.json"
GRAPH_NAMES = ("model_int8.onnx", "model.onnx", "onnx/model.onnx")
TOKENS_MAX = 128
BATCH_ROWS = 32
TEXT_LIMIT_CHARACTERS = 2000


def default_model_dir() -> Path:
    """Return the folder that fetched models are kept in."""
    from platformdirs import user_data_path

    return user_data_path("profile-music", appauthor=False) / "models"


def find_folder(model_dir: Path | None = None) -> Path | None:
    """Return the folder that holds the fetched model, or None where it has not been fetched."""
    home = model_dir or default_model_dir()
    for folder in (home / FOLDER_NAME, home):
        if (folder / "tokenizer.json").is_file() and any((folder / name).is_file() for name in GRAPH_NAMES):
            return folder
    return None


class KoSroberta:
    """Mean-pooled sentence vectors of a sentence-transformers RoBERTa. `encode_*` is thread-safe."""

    name = "ko-sroberta"

    def __init__(self, session: OrtSession, tokenizer: Tokenizer, fingerprint: str) -> None:
        """Keep a graph (input_ids, attention_mask[, token_type_ids] to token vectors) and its tokenizer."""
        self._session = session
        self._tokenizer = tokenizer
        self.fingerprint = fingerprint
        self.dimensions = int(self._embed(["가"]).shape[1])

    @classmethod
    def load(cls, *, model_dir: Path | None = None, threads: int = 0) -> KoSroberta:
        """Load from ``model_dir/ko-sroberta``, or from `model_dir` itself where that holds the files.

        Raises:
            ModelUnavailableError: Nothing there: `profile-music models pull ko-sroberta` fetches it.
            ModelError: The files cannot be used.
        """
        folder = find_folder(model_dir)
        if folder is None:
            raise ModelUnavailableError(
                name=cls.name,
                hint_ko="`profile-music models pull ko-sroberta`로 받아 주세요.",
                hint_en="Run `profile-music models pull ko-sroberta`.",
            )
        graph = _graph(folder)
        checksums = _checked(folder, (graph.relative_to(folder).as_posix(), "tokenizer.json"))
        digest = hashlib.sha256(":".join((*checksums, str(TOKENS_MAX), "mean")).encode()).hexdigest()
        session = OrtSession(graph, name=cls.name, threads=threads)
        return cls(session, _read_tokenizer(folder), f"ko-sroberta-{digest[:16]}")

    def encode_queries(self, texts: list[str]) -> Vectors:
        """Encode what users type: float32, shape (N, D), unit rows."""
        return self._encode(texts)

    def encode_passages(self, texts: list[str]) -> Vectors:
        """Encode lines that are searched: float32, shape (N, D), unit rows; the same as `encode_queries` here."""
        return self._encode(texts)

    def _encode(self, texts: list[str]) -> Vectors:
        cleaned = [clean_text(text, TEXT_LIMIT_CHARACTERS).replace("\n", " ") for text in texts]
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        # Batches of like length waste no time on padding.
        order = sorted(range(len(texts)), key=lambda index: len(cleaned[index]))
        for start in range(0, len(order), BATCH_ROWS):
            rows = order[start : start + BATCH_ROWS]
            vectors[rows] = self._embed([cleaned[row] for row in rows])
        return vectors

    def _embed(self, texts: list[str]) -> Vectors:
        encodings = self._tokenizer.encode_batch(texts)
        ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        outputs = self._session.run(*(feeds[name] for name in self._session.input_names))
        return _mean_pool(outputs[0], mask)


def _mean_pool(token_vectors: NDArray[np.float32], mask: NDArray[np.int64]) -> Vectors:
    """Average the vectors of real tokens, (N, T, D) with (N, T), to unit rows (N, D)."""
    weights = mask[:, :, None].astype(np.float32)
    sums = (token_vectors * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    unit: Vectors = sums / np.maximum(lengths, 1e-12)
    return unit


def _graph(folder: Path) -> Path:
    return next(folder / name for name in GRAPH_NAMES if (folder / name).is_file())


def _checked(folder: Path, names: tuple[str, ...]) -> list[str]:
    """Return the files' checksums; where `models pull` recorded them, they must be the same."""
    record = folder / MANIFEST_NAME
    recorded = json.loads(record.read_text(encoding="utf-8"))["files"] if record.is_file() else {}
    checksums = [sha256_file(folder / name) for name in names]
    for name, checksum in zip(names, checksums, strict=True):
        if recorded.get(name, checksum) != checksum:
            raise ModelError(name=KoSroberta.name, reason=f"{name} differs from what was pulled; pull it again")
    return checksums


def _read_tokenizer(folder: Path) -> Tokenizer:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise DependencyMissingError(extra="models") from error
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        padding = _padding(folder)
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(name=KoSroberta.name, reason="tokenizer.json cannot be read") from error
    tokenizer.enable_truncation(TOKENS_MAX)
    token = padding.get("pad_token", "[PAD]")
    name = token["content"] if isinstance(token, dict) else str(token)
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id(name) or 0, pad_token=name)
    return tokenizer


def _padding(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found
