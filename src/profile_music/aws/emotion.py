"""The mission's first function: `{"url": ...}` or `{"image_base64": ...}` to an emotion. Needs no catalogue."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from profile_music.aws.events import Handler, JsonHandler, Payload, decoded_image
from profile_music.aws.limits import lambda_settings
from profile_music.errors import DependencyMissingError, InputError, NothingGivenError
from profile_music.reading import PhotoReader
from profile_music.settings import Settings

_FIELDS = frozenset({"url", "image_base64", "face"})


def make_handler(settings: Settings | None = None) -> Handler:
    """Load both models and return the handler (settings from the environment where None)."""
    logging.getLogger("profile_music").setLevel(logging.INFO)
    reader = PhotoReader(lambda_settings(settings))
    reader.warm()
    return JsonHandler("emotion", lambda payload: _emotion(payload, reader))


def _emotion(payload: Payload, reader: PhotoReader) -> dict[str, Any]:
    unknown = sorted(set(payload) - _FIELDS)
    if unknown:
        raise InputError(reason=", ".join(unknown)[:200])
    if ("url" in payload) == ("image_base64" in payload):
        raise InputError(reason="url | image_base64") if payload.get("url") else NothingGivenError()
    face = payload.get("face", 0)
    if not isinstance(face, int) or isinstance(face, bool):
        raise InputError(reason="face")
    limit = reader.settings.photo_max_bytes
    if "url" in payload:
        photo = _fetched(payload["url"], reader.settings)
    else:
        photo = decoded_image(payload["image_base64"], limit)
    return reader.read(photo, face_index=face).to_dict()


def _fetched(url: Any, settings: Settings) -> bytes:
    """Fetch a photo from the hosts that the operator allows; without a list, from none."""
    if not isinstance(url, str):
        raise InputError(reason="url")
    try:
        from profile_music.service.fetch import GuardedClient
        from profile_music.service.fetch_url import HostList
    except ModuleNotFoundError as error:
        raise DependencyMissingError(extra="kakao") from error
    hosts = HostList(settings.photo_url_hosts)
    return asyncio.run(GuardedClient().get_photo(url, hosts, settings.photo_max_bytes))


def __getattr__(name: str) -> Any:
    """Make `handler` when it is first asked for (PEP 562)."""
    if name != "handler":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = make_handler()
    return globals()[name]
