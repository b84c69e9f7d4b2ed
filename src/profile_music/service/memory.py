"""How the C library keeps memory, so that a server's does not grow with the largest uploads it has seen."""

from __future__ import annotations

import ctypes
import sys

# From malloc.h of glibc. Large blocks come from the system and go back to it at once; by default the limit between
# small and large rises up to 32 MB by itself, and uploads then leave holes that nothing else fills.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 4 << 20
_KEPT_BYTES = 32 << 20
_ARENAS = 2


def give_memory_back() -> bool:
    """Set glibc's allocator for a server, before its threads start; False where there is another C library.

    benchmarks/bad_inputs.py shows what a server keeps after large uploads. A limit below 4 MB would keep less still,
    but a photo of 640 px then gets its buffers from the system anew at every step.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    options = ((_MMAP_THRESHOLD, _LARGE_BYTES), (_TRIM_THRESHOLD, _KEPT_BYTES), (_ARENA_MAX, _ARENAS))
    return mallopt is not None and all(mallopt(name, value) == 1 for name, value in options)
