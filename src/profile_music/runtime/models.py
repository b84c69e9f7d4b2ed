"""The model manifest: every weight file with its checksum, size, licence and source, verified at load."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from profile_music.checksums import sha256_file
from profile_music.errors import ModelError

MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model file: `file` is relative to the models folder, `sha256` in hex, `size_bytes` exact."""

    name: str
    file: str
    sha256: str
    size_bytes: int
    licence: str
    source: str
    description: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest's entry."""
        return {slot: getattr(self, slot) for slot in self.__slots__}


def bundled_models_dir() -> Path:
    """Return the folder of the models that come in the package."""
    return Path(str(files("profile_music") / "models"))


def load_manifest(folder: Path | None = None) -> dict[str, ModelSpec]:
    """Read a models folder's manifest.

    Raises:
        ModelError: The manifest is missing or not of the expected shape.
    """
    path = (folder or bundled_models_dir()) / MANIFEST_NAME
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["models"]
        return {entry["name"]: ModelSpec(**entry) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(name=MANIFEST_NAME, reason=type(error).__name__) from error


def check_model(spec: ModelSpec, folder: Path) -> Path:
    """Return the file of `spec` after checking its size and checksum.

    Raises:
        ModelError: The file is missing or differs from the manifest.
    """
    path = folder / spec.file
    if not path.is_file():
        raise ModelError(name=spec.name, reason="file missing")
    if path.stat().st_size != spec.size_bytes:
        raise ModelError(name=spec.name, reason="size differs from the manifest")
    if sha256_file(path) != spec.sha256:
        raise ModelError(name=spec.name, reason="checksum differs from the manifest")
    return path


@lru_cache(maxsize=64)
def resolve_model(name: str, folder: Path | None = None) -> Path:
    """Return the verified file of a model by its manifest name (checked once a process).

    Raises:
        ModelError: Unknown name, or the file is missing or damaged.
    """
    home = folder or bundled_models_dir()
    spec = load_manifest(home).get(name)
    if spec is None:
        raise ModelError(name=name, reason="not in the manifest")
    return check_model(spec, home)


def verify_models(folder: Path | None = None) -> list[tuple[ModelSpec, str | None]]:
    """Check every file of a manifest; each row is (spec, None) or (spec, what is wrong)."""
    home = folder or bundled_models_dir()
    rows: list[tuple[ModelSpec, str | None]] = []
    for spec in load_manifest(home).values():
        try:
            check_model(spec, home)
            rows.append((spec, None))
        except ModelError as error:
            rows.append((spec, str(error.details["reason"])))
    return rows
