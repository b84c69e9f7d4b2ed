"""Reading a photo's bytes from where the caller says it is, within a cap."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from profile_music.errors import FileMissingError, InputError, PhotoTooLargeError


def read_bytes(path: str | Path, max_bytes: int) -> bytes:
    """Read a file of at most `max_bytes`.

    Raises:
        FileMissingError: There is no regular file of that name, in any normal form of Unicode.
        PhotoTooLargeError: The file is larger; nothing of it was read.
        InputError: The file may not be read.
    """
    try:
        found = find_file(Path(path))
        if found is None:
            raise FileMissingError(path=str(path))
        with found.open("rb") as stream:
            # One byte more than allowed: the file may have grown since, or its size may not be true.
            data = stream.read(max_bytes + 1) if found.stat().st_size <= max_bytes else b""
            too_large = len(data) > max_bytes or found.stat().st_size > max_bytes
    except (OSError, ValueError) as error:
        raise InputError(reason=f"{path} ({type(error).__name__})") from error
    if too_large:
        raise PhotoTooLargeError(limit=describe_bytes(max_bytes))
    return data


def find_file(path: Path) -> Path | None:
    """Return the regular file that `path` names, or None.

    Korean names come composed (NFC) from most systems and decomposed (NFD) from macOS; a part of the path that is not
    found as written is tried in both forms.
    """
    if path.is_file():
        return path
    found = Path(path.anchor)
    for part in path.parts[1:] if path.anchor else path.parts:
        forms = dict.fromkeys([part, unicodedata.normalize("NFC", part), unicodedata.normalize("NFD", part)])
        existing = next((found / form for form in forms if (found / form).exists()), None)
        if existing is None:
            return None
        found = existing
    return found if found.is_file() else None


def describe_bytes(count: int) -> str:
    """Return a size for people, such as 20 MB."""
    for unit, size in (("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def describe_pixels(count: int) -> str:
    """Return a number of pixels for people, such as 50 MP."""
    return f"{count / 1_000_000:.3g} MP" if count >= 1_000_000 else f"{count} px"
