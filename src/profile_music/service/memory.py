"""How the C library keeps memory, so that a server's does not grow with the largest uploads it has seen."""

from __future__ import annotations

import ctypes
import mmap
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

# From malloc.h of glibc. Large blocks come from the system and go back to it at once; by default the limit between
# small and large rises up to 32 MB by itself, and uploads then leave holes that nothing else fills.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 4 << 20
_KEPT_BYTES = 32 << 20
_ARENAS = 2
_LOOK_EVERY_S = 1.0


def give_memory_back() -> bool:
    """Set glibc's allocator for a server, before its threads start; False where there is another C library.

    benchmarks/bad_inputs.py shows what a server keeps after large uploads. A limit below 4 MB would keep less still,
    but a photo of 640 px then gets its buffers from the system anew at every step. The holes that smaller buffers
    leave in the heaps are given back by a thread that looks every second, once they have grown by 32 MB.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "malloc_trim")):
        return False
    options = ((_MMAP_THRESHOLD, _LARGE_BYTES), (_TRIM_THRESHOLD, _KEPT_BYTES), (_ARENA_MAX, _ARENAS))
    if not all(library.mallopt(name, value) == 1 for name, value in options):
        return False
    tidier = Tidier(anonymous_bytes, lambda: library.malloc_trim(0))
    threading.Thread(target=tidier.run, name="memory", daemon=True).start()
    return True


class Tidier:
    """Gives the holes of the heaps back whenever memory has grown; a server at rest is left alone."""

    def __init__(self, used: Callable[[], int], trim: Callable[[], object], grown_bytes: int = _KEPT_BYTES) -> None:
        """Watch what `used` returns (bytes) and call `trim` when it has grown by `grown_bytes` since the last time."""
        self._used, self._trim, self._grown_bytes = used, trim, grown_bytes
        self._settled = used()

    def look(self) -> bool:
        """Trim if memory has grown; True where it did. What is in use after that is where growth counts from."""
        now = self._used()
        grown = now > self._settled + self._grown_bytes
        if grown:
            self._trim()
            now = self._used()
        self._settled = now if grown else min(self._settled, now)
        return grown

    def run(self) -> None:
        """Look for ever."""
        while True:
            time.sleep(_LOOK_EVERY_S)
            self.look()


def anonymous_bytes() -> int:
    """Return the resident memory of this process that no file backs, bytes (Linux: proc_pid_statm(5))."""
    _, resident, shared, *_ = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return (int(resident) - int(shared)) * mmap.PAGESIZE
