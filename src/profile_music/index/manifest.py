"""A catalogue folder: content-addressed files under one checksummed manifest.

Layout::

    DIR/manifest.json            the only name that changes meaning, replaced atomically
    DIR/files/<sha256[:16]>-<name>

A reader opens the manifest and then only files that it names, so it sees one whole version or another, never a
mixture; the same layout works in a bucket.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from profile_music.checksums import sha256_file
from profile_music.errors import CatalogDamagedError, CatalogError, CatalogMissingError

FORMAT = "profile-music-catalog"
VERSION = 1
MANIFEST_NAME = "manifest.json"
FILES_DIR = "files"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a version: path relative to the catalogue, SHA-256 in hex, exact size."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a catalogue version holds and what built it."""

    encoder: Mapping[str, Any]
    songs: int
    lines: int
    emotions: Mapping[str, int]
    files: Mapping[str, FileEntry]
    genres: tuple[str, ...] = ()
    built_by: str = ""
    built_at: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the manifest as JSON text."""
        body = {
            "format": FORMAT,
            "version": VERSION,
            "built_by": self.built_by,
            "built_at": self.built_at,
            "encoder": dict(self.encoder),
            "songs": self.songs,
            "lines": self.lines,
            "emotions": dict(self.emotions),
            "genres": list(self.genres),
            "notes": dict(self.notes),
            "files": {
                name: {"path": entry.path, "sha256": entry.sha256, "size_bytes": entry.size_bytes}
                for name, entry in sorted(self.files.items())
            },
        }
        return json.dumps(body, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Parse a manifest.

        Raises:
            CatalogError: Not a catalogue manifest, or of a newer version.
        """
        try:
            body = json.loads(text)
            if body.get("format") != FORMAT:
                raise CatalogError(reason="not a profile-music catalogue")
            if body["version"] != VERSION:
                raise CatalogError(reason=f"catalogue format {body['version']}, this program reads {VERSION}")
            return cls(
                encoder=body["encoder"],
                songs=int(body["songs"]),
                lines=int(body["lines"]),
                emotions=body["emotions"],
                files={name: FileEntry(**entry) for name, entry in body["files"].items()},
                genres=tuple(body.get("genres", ())),
                built_by=body.get("built_by", ""),
                built_at=body.get("built_at", ""),
                notes=body.get("notes", {}),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CatalogDamagedError(file=MANIFEST_NAME) from error


def read_manifest(folder: Path) -> Manifest:
    """Read a catalogue folder's manifest.

    Raises:
        CatalogMissingError: There is none.
        CatalogDamagedError: It is not readable as one.
    """
    try:
        return Manifest.from_json((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise CatalogDamagedError(file=MANIFEST_NAME) from error
    except OSError as error:
        raise CatalogMissingError(path=str(folder)) from error


def check_files(folder: Path, manifest: Manifest) -> None:
    """Compare every file with the manifest.

    Raises:
        CatalogDamagedError: A file is missing, of another size, or of another checksum; it is named.
    """
    for name, entry in manifest.files.items():
        path = folder / entry.path
        if not path.is_file() or path.stat().st_size != entry.size_bytes or sha256_file(path) != entry.sha256:
            raise CatalogDamagedError(file=name)


@contextmanager
def publishing(folder: Path) -> Iterator[None]:
    """Hold the folder's publish lock: two builders at once publish one after the other, and neither loses files."""
    from filelock import FileLock

    with FileLock(str(folder / ".publish.lock")):
        yield


def adopt_file(folder: Path, name: str, source: Path) -> FileEntry:
    """Move a finished file into the catalogue under its content's address and return its entry."""
    digest = sha256_file(source)
    entry = FileEntry(f"{FILES_DIR}/{digest[:16]}-{name}", digest, source.stat().st_size)
    target = folder / entry.path
    target.parent.mkdir(parents=True, exist_ok=True)
    _sync(source)
    source.replace(target)
    return entry


def publish(folder: Path, manifest: Manifest) -> None:
    """Make `manifest` the folder's version in one atomic step, then remove files of versions before the last.

    Call it inside `publishing`.
    """
    before = _named_files(folder)
    temporary = folder / f".{MANIFEST_NAME}.{os.getpid()}"
    temporary.write_text(manifest.to_json(), encoding="utf-8")
    _sync(temporary)
    temporary.replace(folder / MANIFEST_NAME)
    # Readers that opened the version before keep working, so its files stay until the next publish.
    keep = before | {entry.path for entry in manifest.files.values()}
    for path in (folder / FILES_DIR).iterdir():
        if f"{FILES_DIR}/{path.name}" not in keep:
            path.unlink(missing_ok=True)


def _named_files(folder: Path) -> set[str]:
    try:
        return {entry.path for entry in read_manifest(folder).files.values()}
    except CatalogError:
        return set()


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
