"""Reading .npy files, one header at a time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

_ONE_HEADER = threading.Lock()


def read_array(file: Path | IO[bytes], mmap_mode: Literal["r"] | None = None) -> NDArray[Any]:
    """Return the array of a .npy file, mapped where `mmap_mode` says so; never a pickle.

    numpy reads the header by `ast`, which in some Python 3.11 raises SystemError ("AST constructor recursion depth
    mismatch", cpython's gh-106905) where two threads are at it, as readers of a new version and its writer are.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not such a file.
    """
    with _ONE_HEADER:
        array: NDArray[Any] = np.load(file, mmap_mode=mmap_mode, allow_pickle=False)
    return array
