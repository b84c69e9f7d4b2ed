"""Moving catalogues between a folder and a store: push, pull, and parts of one emotion.

A manifest with parts also names `parts/<emotion>/<file>`: whole small catalogues, one an emotion, so that a machine
that needs the sad songs fetches the sad songs. They are published in the same one step as the whole.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from profile_music.checksums import sha256_file
from profile_music.errors import CatalogDamagedError, CatalogMissingError
from profile_music.index.manifest import (
    FILES_DIR,
    FileEntry,
    Manifest,
    check_files,
    publish,
    publishing,
    read_manifest,
)
from profile_music.index.storage import CatalogStore, StoredManifest

PARTS = "parts"
KEEP_S = 24 * 3600.0
"""Files that no version names are removed by a push when they are older than this: a reader or another push that
still uses them is done by then."""
_AT_ONCE = 4
_TRIES = 5

OnFile = Callable[[str, int], None]
"""Called with a file's name and its size in bytes when it has been moved."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a push or a pull did: the version, the store's tag of it, and the files that had to be moved."""

    manifest: Manifest
    etag: str
    files: int
    moved: int
    moved_bytes: int
    removed: int = 0


def with_parts(whole: Manifest, parts: Mapping[str, Manifest]) -> Manifest:
    """Return a manifest of `whole` that also names the files of its parts."""
    files = dict(whole.files)
    facts = {}
    for part, manifest in parts.items():
        files |= {f"{PARTS}/{part}/{name}": entry for name, entry in manifest.files.items()}
        facts[part] = {
            "songs": manifest.songs,
            "lines": manifest.lines,
            "emotions": dict(manifest.emotions),
            "genres": list(manifest.genres),
        }
    return replace(whole, files=files, notes={**whole.notes, PARTS: facts} if facts else whole.notes)


def part_of(manifest: Manifest, part: str = "") -> Manifest:
    """Return the manifest of one part, or of the whole without its parts.

    Raises:
        CatalogMissingError: There is no such part.
    """
    notes = {name: value for name, value in manifest.notes.items() if name != PARTS}
    if not part:
        own = {name: entry for name, entry in manifest.files.items() if not name.startswith(f"{PARTS}/")}
        return replace(manifest, files=own, notes=notes)
    facts = manifest.notes.get(PARTS, {}).get(part)
    if facts is None:
        raise CatalogMissingError(path=f"#{part}")
    prefix = f"{PARTS}/{part}/"
    files = {name.removeprefix(prefix): entry for name, entry in manifest.files.items() if name.startswith(prefix)}
    genres = tuple(facts["genres"])
    return replace(
        manifest, files=files, notes={**notes, "part": part}, songs=facts["songs"], lines=facts["lines"],
        emotions=facts["emotions"], genres=genres,
    )  # fmt: skip


def push(
    folder: Path,
    store: CatalogStore,
    *,
    parts: Mapping[str, Path] | None = None,
    keep_s: float = KEEP_S,
    on_file: OnFile | None = None,
) -> Moved:
    """Publish a folder's version in a store: the files that are absent first, the manifest last.

    Args:
        folder: A catalogue folder; its files are checked first.
        store: Where to.
        parts: Catalogue folders by emotion, published with the whole (see `profile_music.index.parts`).
        keep_s: Files that neither this version nor the one before names are removed when older than this.
        on_file: Told of each uploaded file.

    Raises:
        CatalogError: The folder is damaged, the store unreachable, or somebody else published meanwhile; the store's
            version is then what it was.
    """
    manifest, sources = _checked(folder, parts or {})
    before = _present_manifest(store)
    old = Manifest.from_json(before.text) if before else None
    uploaded = _upload(store, manifest, sources, on_file)
    if before and old == manifest:
        return Moved(manifest, before.etag, len(sources), len(uploaded), sum(uploaded), 0)
    etag = store.write_manifest(manifest.to_json(), before.etag if before else None)
    # A file that was there already may have been removed by another push's tidying just before the manifest named it.
    uploaded += _upload(store, manifest, sources, on_file)
    removed = _tidy(store, keep_s, also=old)
    return Moved(manifest, etag, len(sources), len(uploaded), sum(uploaded), removed)


def _checked(folder: Path, parts: Mapping[str, Path]) -> tuple[Manifest, dict[str, Path]]:
    """Check all folders and return the manifest to publish and where each of its files lies."""
    sources: dict[str, Path] = {}
    manifests = {name: read_manifest(place) for name, place in {"": folder, **parts}.items()}
    for name, place in {"": folder, **parts}.items():
        check_files(place, manifests[name])
        sources |= {entry.path: place / entry.path for entry in manifests[name].files.values()}
    return with_parts(manifests.pop(""), manifests), sources


def _present_manifest(store: CatalogStore) -> StoredManifest | None:
    try:
        return store.read_manifest()
    except CatalogMissingError:
        return None


def _upload(store: CatalogStore, manifest: Manifest, sources: Mapping[str, Path], on_file: OnFile | None) -> list[int]:
    """Upload what the store lacks and return the sizes."""
    present = store.files()
    sizes = {entry.path: entry.size_bytes for entry in manifest.files.values()}
    absent = [path for path in sources if path not in present or present[path].size_bytes != sizes[path]]

    def upload(path: str) -> int:
        store.upload(sources[path], path)
        if on_file:
            on_file(path, sizes[path])
        return sizes[path]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(upload, absent))


def _tidy(store: CatalogStore, keep_s: float, also: Manifest | None) -> int:
    """Remove old files that neither the store's manifest nor `also` names; return how many."""
    current = _present_manifest(store)
    versions = [also, Manifest.from_json(current.text) if current else None]
    named = {entry.path for version in versions if version for entry in version.files.values()}
    now = time.time()
    stale = [path for path, file in store.files().items() if path not in named and now - file.written_s > keep_s]
    store.delete(stale)
    return len(stale)


def pull(
    store: CatalogStore,
    folder: Path,
    *,
    part: str = "",
    unless_etag: str = "",
    trusted: Collection[str] = (),
    on_file: OnFile | None = None,
) -> Moved | None:
    """Make a folder hold the store's version; only files that it lacks are fetched, and every file is checked.

    Args:
        store: Where from.
        folder: A catalogue folder, made where absent; programs that read its old version go on undisturbed.
        part: An emotion's part instead of the whole.
        unless_etag: Return None where the store's version still has this tag.
        trusted: Paths of files that need no checking, as this process has checked them before.
        on_file: Told of each fetched file.

    Raises:
        CatalogError: The store is unreachable, empty or damaged; the folder's version is then what it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    damaged = CatalogDamagedError(file="manifest.json")
    tried = ""
    for _ in range(_TRIES):
        stored = store.read_manifest(unless_etag)
        if stored is None:
            return None
        if stored.etag == tried:
            # The same version failed before: its files are really gone or damaged, not just replaced meanwhile.
            raise damaged
        tried = stored.etag
        manifest = part_of(Manifest.from_json(stored.text), part)
        try:
            with publishing(folder):
                fetched = _fetch(store, folder, manifest.files, trusted, on_file)
                publish(folder, manifest)
        except CatalogDamagedError as error:
            damaged = error
            continue
        return Moved(manifest, stored.etag, len(manifest.files), len(fetched), sum(fetched))
    raise damaged


def _fetch(
    store: CatalogStore,
    folder: Path,
    files: Mapping[str, FileEntry],
    trusted: Collection[str],
    on_file: OnFile | None,
) -> list[int]:
    """Fetch what the folder lacks and return the sizes."""
    (folder / FILES_DIR).mkdir(exist_ok=True)

    def fetch(row: tuple[str, FileEntry]) -> int:
        name, entry = row
        target = folder / entry.path
        if target.is_file() and (entry.path in trusted or _fits(target, entry)):
            return 0
        _download(store.chunks(entry.path), target, name, entry)
        if on_file:
            on_file(entry.path, entry.size_bytes)
        return entry.size_bytes

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [size for size in pool.map(fetch, files.items()) if size]


def _fits(path: Path, entry: FileEntry) -> bool:
    return path.stat().st_size == entry.size_bytes and sha256_file(path) == entry.sha256


def _download(chunks: Iterable[bytes], target: Path, name: str, entry: FileEntry) -> None:
    temporary = target.with_name(f".{target.name}")
    digest = hashlib.sha256()
    try:
        with temporary.open("wb") as stream:
            for chunk in chunks:
                digest.update(chunk)
                stream.write(chunk)
    except FileNotFoundError as error:
        raise CatalogDamagedError(file=name) from error
    if digest.hexdigest() != entry.sha256:
        temporary.unlink()
        raise CatalogDamagedError(file=name)
    temporary.replace(target)
