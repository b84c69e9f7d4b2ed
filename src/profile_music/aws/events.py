"""From an event to a JSON object and back: direct invocations, and the same object as the body of an HTTP event."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from profile_music.aws.metrics import record
from profile_music.errors import InputError, ProfileMusicError

log = logging.getLogger("profile_music.aws")

Payload = Mapping[str, Any]
Work = Callable[[Payload], dict[str, Any]]
Handler = Callable[[Any, Any], dict[str, Any]]


class JsonHandler:
    """A Lambda handler around a function from JSON object to JSON object.

    Invoked directly, it returns the object, or `{"error": ..., "status": ...}`: never a Lambda error, whose answer
    would hold a traceback. Behind API Gateway or a Function URL it reads the body and returns status, headers, body.
    """

    def __init__(self, name: str, work: Work) -> None:
        """Name the handler (for the metrics) and keep what it does."""
        self._name = name
        self._work = work
        self._cold = True

    def __call__(self, event: Any, _context: Any = None) -> dict[str, Any]:
        """Answer one event."""
        begin = time.perf_counter()
        status, answer = self._answer(event)
        record(self._name, status, time.perf_counter() - begin, cold=self._cold)
        self._cold = False
        if is_http(event):
            return http_answer(status, answer)
        return answer if status == 200 else {**answer, "status": status}

    def _answer(self, event: Any) -> tuple[int, dict[str, Any]]:
        try:
            return 200, self._work(payload_of(event))
        except ProfileMusicError as error:
            known = error
        except Exception:
            # The traceback goes to the log without the event, which can hold a photo.
            log.exception("unexpected error in %s", self._name)
            known = ProfileMusicError()
        return known.http_status, known.to_dict()


def is_http(event: Any) -> bool:
    """Tell whether an event comes from API Gateway or a Function URL."""
    return isinstance(event, dict) and isinstance(event.get("requestContext"), dict)


def payload_of(event: Any) -> Payload:
    """Return the JSON object of an event, whichever way it came.

    Raises:
        InputError: It is not a JSON object.
    """
    if is_http(event):
        event = _parsed(event)
    if not isinstance(event, dict):
        raise InputError(reason="JSON object")
    return event


def _parsed(event: Mapping[str, Any]) -> Any:
    body = event.get("body") or ""
    try:
        return json.loads(base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(reason="JSON") from error


def http_answer(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an API Gateway v2 answer with a JSON body."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json; charset=utf-8", "cache-control": "no-store"},
        "body": json.dumps(body, ensure_ascii=False),
        "isBase64Encoded": False,
    }


def decoded_image(text: Any, max_bytes: int) -> bytes:
    """Return the bytes of a base64 image, with or without a `data:` prefix.

    Raises:
        InputError: Not base64.
        PhotoTooLargeError: More than `max_bytes`.
    """
    from profile_music.photo.source import describe_bytes

    if not isinstance(text, str):
        raise InputError(reason="image_base64")
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    if len(encoded) > max_bytes * 4 // 3 + 4:
        from profile_music.errors import PhotoTooLargeError

        raise PhotoTooLargeError(limit=describe_bytes(max_bytes))
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(reason="image_base64") from error
