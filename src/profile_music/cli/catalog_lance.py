"""`profile-music catalog build --backend lance`: LanceDB tables, made in this process or by Ray."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from profile_music._version import __version__
from profile_music.cli.common import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from profile_music.builder import BuildResult, EmotionMode
    from profile_music.types import Song


def build_tables(
    songs: Iterable[Song],
    out: str,
    *,
    encoder: str | None,
    emotions: EmotionMode,
    workers: str,
    ray_address: str | None,
    update: bool,
    on_progress: Callable[[int, int], None],
) -> BuildResult:
    """Build tables at `out`; shards that a killed build left in the cache folder are not made again."""
    from profile_music.builder_lance import ShardMaker, build_lance
    from profile_music.text import load_encoder

    settings = load_settings(encoder=encoder)
    model = load_encoder(settings.encoder, model_dir=settings.model_dir, threads=settings.threads)
    maker = ShardMaker(model.name, model.fingerprint, emotions)
    location = out.rstrip("/") if out.startswith("s3://") else str(Path(out).resolve())
    staging = _staging(location, settings.cache_dir)
    built_by = f"profile-music {__version__}"
    if workers == "local":
        return build_lance(songs, location, maker, staging, update=update, built_by=built_by, on_progress=on_progress)
    from profile_music.builder_ray import RayJobs

    with RayJobs(maker, ray_address) as jobs:
        return build_lance(
            songs, location, maker, staging, run=jobs.run, index=jobs.build_indexes, update=update,
            built_by=built_by, on_progress=on_progress,
        )  # fmt: skip


def _staging(location: str, cache_dir: Path | None) -> Path:
    from platformdirs import user_cache_path

    name = hashlib.sha256(location.encode()).hexdigest()[:16]
    return (cache_dir or user_cache_path("profile-music")) / "builds" / name
