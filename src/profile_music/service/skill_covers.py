"""Covers for songs that have none: two colours from the song's own id, drawn on request, so that no bubble is bare."""

from __future__ import annotations

import colorsys
import hashlib
import io
from functools import lru_cache
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response

from profile_music.service.skill_cards import own_cover
from profile_music.types import RankedSong

_SIDE_PX = 240
_MAX_ID_CHARACTERS = 200


class SkillCovers:
    """Addresses of covers, and the route that draws them."""

    def __init__(self, public_url: str | None) -> None:
        """Kakao fetches covers from `public_url`; without it only the catalogue's own covers are shown."""
        self._public_url = public_url

    def url(self, ranked: RankedSong) -> str | None:
        """Return where Kakao finds a song's cover."""
        own = own_cover(ranked)
        if own or not self._public_url:
            return own
        return f"{self._public_url}/kakao/covers/{quote(ranked.song.song_id, safe='')}.png"

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(tags=["kakao"])
        router.add_api_route("/kakao/covers/{song_id}.png", self._cover, methods=["GET"], summary="A drawn cover")
        return router

    def _cover(self, request: Request) -> Response:  # not async: drawing belongs in a worker thread
        song_id = str(request.path_params["song_id"])[:_MAX_ID_CHARACTERS]
        return Response(
            draw_cover(song_id), media_type="image/png", headers={"cache-control": "public, max-age=604800"}
        )


@lru_cache(maxsize=512)
def draw_cover(song_id: str) -> bytes:
    """Return a PNG of 240x240 px: a diagonal gradient with a record's rings, always the same for a song."""
    from PIL import Image

    seed = hashlib.sha256(song_id.encode()).digest()
    hue = seed[0] / 256
    first = np.array(colorsys.hls_to_rgb(hue, 0.62, 0.55))
    second = np.array(colorsys.hls_to_rgb((hue + 0.12 + seed[1] / 1024) % 1, 0.38, 0.60))
    y, x = np.mgrid[0:_SIDE_PX, 0:_SIDE_PX] / (_SIDE_PX - 1)
    colours = first + ((x + y) / 2)[..., None] * (second - first)
    distance = np.hypot(x - 0.5, y - 0.5)
    rings = 0.06 * (np.cos(distance * 2 * np.pi * 14) > 0.6) * (distance < 0.42)
    hole = distance < 0.05
    pixels = np.where(hole[..., None], 1.0, np.clip(colours + rings[..., None], 0, 1))
    stream = io.BytesIO()
    Image.fromarray((pixels * 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()
