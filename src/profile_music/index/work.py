"""Working folders of builds: each belongs to one living process, and what killed builds leave is swept away."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from profile_music.index.manifest import MANIFEST_NAME, publishing

_PREFIX = ".build-"
_LOCK_NAME = ".lock"


@contextmanager
def working_folder(folder: Path) -> Iterator[Path]:
    """Make a working folder inside a catalogue's, held by a lock that ends with the process, and remove it at the end.

    The lock of the operating system is what tells a living build from a killed one.
    """
    from filelock import FileLock

    # Under the publish lock, so that no other build sweeps the folder before its own lock is held.
    with publishing(folder):
        work = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
        lock = FileLock(str(work / _LOCK_NAME))
        lock.acquire()
    try:
        yield work
    finally:
        # Removed while the lock is held, so that nobody else takes it for stale; once more for systems that cannot
        # remove an open file.
        shutil.rmtree(work, ignore_errors=True)
        lock.release()
        shutil.rmtree(work, ignore_errors=True)


def remove_stale_builds(folder: Path) -> list[Path]:
    """Remove what killed builds left in a catalogue's folder, and return it; living builds are left alone."""
    from filelock import FileLock, Timeout

    removed: list[Path] = []
    with publishing(folder):
        for work in sorted(folder.glob(f"{_PREFIX}*")):
            lock = FileLock(str(work / _LOCK_NAME))
            try:
                lock.acquire(timeout=0)
            except (Timeout, OSError):
                # Alive, or gone since it was listed.
                continue
            lock.release()
            shutil.rmtree(work, ignore_errors=True)
            removed.append(work)
        for leftover in sorted(folder.glob(f".{MANIFEST_NAME}.*")):
            leftover.unlink(missing_ok=True)
            removed.append(leftover)
    return removed
