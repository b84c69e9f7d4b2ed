"""From `--catalog` to an open index: a folder, `s3://bucket/prefix`, and `#sad` for one emotion's part."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from pathlib import Path

from profile_music.errors import CatalogDamagedError, CatalogError, CatalogMissingError, CatalogUnreachableError
from profile_music.index.manifest import MANIFEST_NAME, Manifest, read_manifest
from profile_music.index.protocol import SongIndex
from profile_music.index.search import LyricIndex
from profile_music.index.storage import CatalogStore, FolderStore
from profile_music.index.transfer import pull
from profile_music.types import EMOTIONS

log = logging.getLogger("profile_music.catalog")
DEFAULT_POLL_S = 60.0
_ETAG_NAME = ".etag"


def split_location(location: str | Path) -> tuple[str, str]:
    """Return a location without its part, and the part ('' for the whole catalogue)."""
    text = str(location)
    base, mark, part = text.rpartition("#")
    return (base, part) if mark and part in EMOTIONS else (text, "")


def store_for(location: str | Path) -> CatalogStore:
    """Return the store of a location.

    Raises:
        InputError: An `s3://` address without a bucket.
        DependencyMissingError: A bucket is named and boto3 is not installed.
    """
    base, _ = split_location(location)
    if base.startswith("s3://"):
        from profile_music.index.s3 import S3Store

        return S3Store(base)
    return FolderStore(Path(base))


def cache_folder(location: str | Path, cache_dir: Path | None) -> Path:
    """Return the folder that keeps a remote catalogue's files (under the user's cache folder where None)."""
    if cache_dir is None:
        from platformdirs import user_cache_path

        cache_dir = user_cache_path("profile-music")
    base, part = split_location(location)
    return cache_dir / "catalogs" / hashlib.sha256(f"{base.rstrip('/')}#{part}".encode()).hexdigest()[:16]


def local_catalog(location: str | Path, cache_dir: Path | None = None) -> Path:
    """Return a folder with a catalogue's current version: the folder itself, or a checked copy of what is remote."""
    return CatalogSource(location, cache_dir=cache_dir).folder()


class CatalogSource:
    """Where a catalogue comes from; opens its current version, and later versions when there are any. Thread-safe."""

    def __init__(
        self,
        location: str | Path,
        *,
        cache_dir: Path | None = None,
        poll_s: float = DEFAULT_POLL_S,
        store: CatalogStore | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            location: A folder or `s3://bucket/prefix`, with `#emotion` for a part.
            cache_dir: Where files of remote catalogues are kept; the user's cache folder where None.
            poll_s: `newer` asks the store at most this often.
            store: Used as it is; found from the location where None.
        """
        self._base, self._part = split_location(location)
        self._store = store or store_for(location)
        self._is_local = isinstance(self._store, FolderStore) and not self._part
        self._folder = Path(self._base) if self._is_local else cache_folder(location, cache_dir)
        self._poll_s = poll_s
        self._etag = ""
        self._checked: frozenset[str] = frozenset()
        self._next_poll_s = 0.0
        self._lock = threading.Lock()

    def folder(self) -> Path:
        """Bring the current version here and return the folder that holds it.

        A store that cannot be reached is no error where an earlier version was kept: that one then answers.
        """
        if not self._is_local:
            try:
                self._bring(self._kept_etag())
            except CatalogUnreachableError as error:
                if not (self._folder / MANIFEST_NAME).is_file():
                    raise
                log.warning("the catalogue's store is unreachable, the kept version answers: %s", error)
        return self._folder

    def open(self) -> SongIndex:
        """Open the current version.

        Raises:
            CatalogError: There is none, it is damaged, or its store cannot be reached and none was kept.
        """
        with self._lock:
            self._next_poll_s = time.monotonic() + self._poll_s
            if self._is_local:
                # The tag is read first: a version published in between is then only opened twice, never missed.
                self._etag = self._current_etag()
                return self._open()
            self.folder()
            try:
                return self._open()
            except (CatalogDamagedError, CatalogMissingError):
                # What was kept is damaged, not the store: fetch what does not fit.
                self._checked = frozenset()
                self._bring("")
                return self._open()

    def newer(self) -> SongIndex | None:
        """Open a version published since `open` or the last `newer`; None where there is none or it is too soon.

        Failures leave the open version in place: they are logged, not raised.
        """
        if time.monotonic() < self._next_poll_s or not self._lock.acquire(blocking=False):
            return None
        before = self._etag
        try:
            self._next_poll_s = time.monotonic() + self._poll_s
            if not self._has_newer():
                return None
            return self._open()
        except CatalogError as error:
            log.warning("no newer catalogue: %s", error)
            # Its files may still be on their way (a folder that is being copied): it is looked at again.
            self._etag = before
            return None
        finally:
            self._lock.release()

    def _has_newer(self) -> bool:
        before = self._etag
        if self._is_local:
            self._etag = self._current_etag()
        else:
            self._bring(self._etag)
        return self._etag != before

    def _bring(self, known_etag: str) -> None:
        """Fetch the store's version, unless its tag is `known_etag`."""
        moved = pull(self._store, self._folder, part=self._part, unless_etag=known_etag, trusted=self._checked)
        self._etag = moved.etag if moved else known_etag
        if moved:
            # What was fetched just now is checked; reading it all once more would double a cold start.
            self._checked = _paths(moved.manifest)
            (self._folder / _ETAG_NAME).write_text(moved.etag, encoding="utf-8")

    def _open(self) -> SongIndex:
        manifest = read_manifest(self._folder)
        if manifest.notes.get("engine") == "lance":
            from profile_music.index.lance import LanceIndex

            return LanceIndex(self._base, self._folder, manifest)
        index = LyricIndex.open(self._folder, verify=not _paths(manifest) <= self._checked)
        self._checked = _paths(index.manifest)
        return index

    def _current_etag(self) -> str:
        stored = self._store.read_manifest()
        return stored.etag if stored else ""

    def _kept_etag(self) -> str:
        try:
            return (self._folder / _ETAG_NAME).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""


def _paths(manifest: Manifest) -> frozenset[str]:
    return frozenset(entry.path for entry in manifest.files.values())
