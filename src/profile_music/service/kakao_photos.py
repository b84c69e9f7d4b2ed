"""A photo on its way from Kakao to the page: in memory, for a minute, handed out once."""

from __future__ import annotations

import asyncio
import secrets

_KEPT_S = 60.0
_MAX_PHOTOS = 64


class PhotoHandoff:
    """Photos by a random id that only the session's cookie knows."""

    def __init__(self, kept_s: float = _KEPT_S, max_photos: int = _MAX_PHOTOS) -> None:
        """Keep each photo at most `kept_s` seconds, and at most `max_photos` of them."""
        self._kept_s = kept_s
        self._max_photos = max_photos
        self._photos: dict[str, bytes] = {}

    def put(self, photo: bytes) -> str:
        """Take a photo in and return its id; where it is full, the oldest goes. Needs a running event loop."""
        while len(self._photos) >= self._max_photos:
            del self._photos[next(iter(self._photos))]
        photo_id = secrets.token_urlsafe(24)
        self._photos[photo_id] = photo
        asyncio.get_running_loop().call_later(self._kept_s, self._photos.pop, photo_id, None)
        return photo_id

    def take(self, photo_id: str) -> bytes | None:
        """Return a photo and forget it."""
        return self._photos.pop(photo_id, None)

    def __len__(self) -> int:
        """Return how many photos wait."""
        return len(self._photos)
