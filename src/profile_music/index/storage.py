"""Where a catalogue lives: a folder, memory, or a bucket (`profile_music.index.s3`), behind one protocol.

A store holds `files/<sha256[:16]>-<name>`, which never change, and one manifest, which is replaced in one step. So a
push that dies half-way leaves the old version whole, and a reader of a manifest finds only files that belong to it.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from profile_music.errors import CatalogChangedError, CatalogMissingError
from profile_music.index.manifest import FILES_DIR, MANIFEST_NAME, publishing

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest's text and the store's tag of exactly this text."""

    text: str
    etag: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One content file in a store: exact size, and when it was written (seconds since 1970)."""

    size_bytes: int
    written_s: float


class CatalogStore(Protocol):
    """The few operations that publishing and reading a catalogue need.

    All paths are relative to the catalogue (`files/...`). Every operation may raise CatalogUnreachableError.
    """

    @property
    def location(self) -> str:
        """What messages call this store."""
        ...

    def read_manifest(self, unless_etag: str = "") -> StoredManifest | None:
        """Return the current manifest, or None where its tag is still `unless_etag`.

        Raises:
            CatalogMissingError: There is none.
        """
        ...

    def write_manifest(self, text: str, replaces_etag: str | None) -> str:
        """Make `text` the manifest in one step and return its tag.

        Args:
            text: The new manifest.
            replaces_etag: The tag that the present manifest must have; None where there must be none yet.

        Raises:
            CatalogChangedError: The present manifest is another one.
        """
        ...

    def chunks(self, path: str) -> Iterator[bytes]:
        """Iterate over a content file's bytes.

        Raises:
            FileNotFoundError: It is not there (any more).
        """
        ...

    def upload(self, source: Path, path: str) -> None:
        """Store a file under `path`; it appears whole or not at all."""
        ...

    def files(self) -> Mapping[str, StoredFile]:
        """Return all content files by path."""
        ...

    def delete(self, paths: Collection[str]) -> None:
        """Remove content files; absent ones are no error."""
        ...


class FolderStore:
    """A catalogue in a folder, on this machine or on a shared drive."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`; it is made at the first upload."""
        self.folder = folder

    @property
    def location(self) -> str:
        """The folder's path."""
        return str(self.folder)

    def read_manifest(self, unless_etag: str = "") -> StoredManifest | None:
        """Return the current manifest (see `CatalogStore`)."""
        found = self._manifest()
        if found is None:
            raise CatalogMissingError(path=self.location)
        return None if found.etag == unless_etag else found

    def write_manifest(self, text: str, replaces_etag: str | None) -> str:
        """Replace the manifest (see `CatalogStore`)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with publishing(self.folder):
            found = self._manifest()
            if (found.etag if found else None) != replaces_etag:
                raise CatalogChangedError(location=self.location)
            temporary = self.folder / f".{MANIFEST_NAME}.push"
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self.folder / MANIFEST_NAME)
        return _tag(text)

    def chunks(self, path: str) -> Iterator[bytes]:
        """Iterate over a content file's bytes."""
        with (self.folder / path).open("rb") as stream:
            yield from pieces(stream)

    def upload(self, source: Path, path: str) -> None:
        """Copy a file in."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{time.monotonic_ns()}")
        with temporary.open("wb") as copy, source.open("rb") as stream:
            for chunk in pieces(stream):
                copy.write(chunk)
        temporary.replace(target)

    def files(self) -> Mapping[str, StoredFile]:
        """Return all content files by path."""
        found = {}
        for path in (self.folder / FILES_DIR).glob("[!.]*"):
            facts = path.stat()
            found[f"{FILES_DIR}/{path.name}"] = StoredFile(facts.st_size, facts.st_mtime)
        return found

    def delete(self, paths: Collection[str]) -> None:
        """Remove content files."""
        for path in paths:
            (self.folder / path).unlink(missing_ok=True)

    def _manifest(self) -> StoredManifest | None:
        try:
            text = (self.folder / MANIFEST_NAME).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        return StoredManifest(text, _tag(text))


class MemoryStore:
    """A catalogue in this process's memory: for programs that make small catalogues on the fly, and for tests."""

    def __init__(self, name: str = "memory") -> None:
        """Start empty."""
        self._name = name
        self._lock = threading.Lock()
        self._manifest: StoredManifest | None = None
        self._files: dict[str, tuple[bytes, float]] = {}

    @property
    def location(self) -> str:
        """The name given."""
        return self._name

    def read_manifest(self, unless_etag: str = "") -> StoredManifest | None:
        """Return the current manifest (see `CatalogStore`)."""
        found = self._manifest
        if found is None:
            raise CatalogMissingError(path=self.location)
        return None if found.etag == unless_etag else found

    def write_manifest(self, text: str, replaces_etag: str | None) -> str:
        """Replace the manifest (see `CatalogStore`)."""
        with self._lock:
            if (self._manifest.etag if self._manifest else None) != replaces_etag:
                raise CatalogChangedError(location=self.location)
            self._manifest = StoredManifest(text, _tag(text))
        return self._manifest.etag

    def chunks(self, path: str) -> Iterator[bytes]:
        """Iterate over a content file's bytes."""
        if path not in self._files:
            raise FileNotFoundError(path)
        content, _ = self._files[path]
        for begin in range(0, len(content), CHUNK_BYTES):
            yield content[begin : begin + CHUNK_BYTES]

    def upload(self, source: Path, path: str) -> None:
        """Take a file's content."""
        self._files[path] = (source.read_bytes(), time.time())

    def files(self) -> Mapping[str, StoredFile]:
        """Return all content files by path."""
        return {path: StoredFile(len(content), written) for path, (content, written) in list(self._files.items())}

    def delete(self, paths: Collection[str]) -> None:
        """Forget content files."""
        for path in paths:
            self._files.pop(path, None)


def pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Iterate over a stream in pieces of one MiB."""
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _tag(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
