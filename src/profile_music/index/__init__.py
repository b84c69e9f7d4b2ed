"""The on-disk catalogue: building it, opening it, searching it."""

from profile_music.index.catalog import CatalogFiles
from profile_music.index.manifest import FileEntry, Manifest, check_files, read_manifest
from profile_music.index.search import IndexQuery, LyricIndex, SongFilter
from profile_music.index.work import remove_stale_builds
from profile_music.index.writer import CatalogWriter, about_text, artist_key, line_key

__all__ = [
    "CatalogFiles",
    "CatalogWriter",
    "FileEntry",
    "IndexQuery",
    "LyricIndex",
    "Manifest",
    "SongFilter",
    "about_text",
    "artist_key",
    "check_files",
    "line_key",
    "read_manifest",
    "remove_stale_builds",
]
