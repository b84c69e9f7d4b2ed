"""API keys: the server knows their SHA-256 only. Keys are long and random, so a fast hash is the right one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from starlette.datastructures import Headers

from profile_music.errors import ProfileMusicError
from profile_music.settings import Settings

log = logging.getLogger("profile_music.service")
_ENTRY = re.compile(r"([A-Za-z0-9._-]{1,64})[:\s]\s*([0-9a-f]{64})")


class KeysUnreadableError(ProfileMusicError):
    """The list of API keys is not one."""

    code = "api_keys_invalid"
    ko = "API 키 목록을 읽지 못했어요: {where}. 한 줄에 이름:SHA-256 하나씩 적어 주세요."
    en = "The API keys cannot be read: {where}. Write one name:sha256 a line."


def new_key() -> str:
    """Return a new random key: 256 bits."""
    return f"pm_{secrets.token_urlsafe(32)}"


def entry_of(name: str, key: str) -> str:
    """Return the line that makes a server accept a key."""
    return f"{name}:{hashlib.sha256(key.encode()).hexdigest()}"


class KeyRing:
    """The keys in force. Two entries may have the same name: that is how a key is changed without a gap."""

    def __init__(self, entries: Iterable[str] = (), file: Path | None = None) -> None:
        """Read the entries, and the file where there is one.

        Raises:
            KeysUnreadableError: An entry is not name:sha256, or the file cannot be read.
        """
        self._fixed = _parse(entries, "PROFILE_MUSIC_API_KEYS")
        self._file = file
        self._seen: object = None
        self._from_file: Mapping[bytes, str] = {}
        if file is not None:
            self._seen = _state_of(file)
            self._from_file = _read(file)

    @classmethod
    def of(cls, settings: Settings) -> KeyRing | None:
        """Return the keys that the settings name; None where the server is open."""
        if not settings.api_keys and settings.api_keys_file is None:
            return None
        return cls(settings.api_keys, settings.api_keys_file)

    def name_of(self, key: str) -> str | None:
        """Return the name of a key, None where it is not in force; takes equally long for every key."""
        self._refresh()
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        name: str | None = None
        for known in (self._fixed, self._from_file):
            for expected, owner in known.items():
                if hmac.compare_digest(expected, digest):
                    name = owner
        return name

    def _refresh(self) -> None:
        """Read the file again where it has changed; a list that cannot be read leaves the one before in force."""
        if self._file is None or (state := _state_of(self._file)) == self._seen:
            return
        self._seen = state
        try:
            self._from_file = _read(self._file)
        except KeysUnreadableError as error:
            log.error("the API keys before stay in force: %s", error)


def presented_key(headers: Headers) -> str | None:
    """Return the key of a request: a bearer token, X-API-Key, or the password that a browser asked its user for."""
    if given := headers.get("x-api-key"):
        return given
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _state_of(file: Path) -> object:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(file: Path) -> Mapping[bytes, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise KeysUnreadableError(where=str(file)) from error
    return _parse((line for line in lines if line.strip() and not line.startswith("#")), str(file))


def _parse(entries: Iterable[str], where: str) -> Mapping[bytes, str]:
    found: dict[bytes, str] = {}
    for number, entry in enumerate(entries, start=1):
        match = _ENTRY.fullmatch(entry.strip())
        if match is None:
            raise KeysUnreadableError(where=f"{where}, {number}")
        found[bytes.fromhex(match[2])] = match[1]
    return found
