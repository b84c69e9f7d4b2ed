"""Event files, with the example photo put where they say so."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from profile_music.aws.limits import PHOTO_MAX_BYTES

FOLDER = Path(__file__).parent / "events"
PORTRAIT = Path(__file__).resolve().parents[2] / "examples" / "portrait.jpg"


def multipart() -> str:
    """A form with the example photo and a text, in base64."""
    head = (
        '------profilemusic\r\nContent-Disposition: form-data; name="text"\r\n\r\n오늘 하루도 수고했어\r\n'
        '------profilemusic\r\nContent-Disposition: form-data; name="photo"; filename="프로필.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return base64.b64encode(head.encode() + PORTRAIT.read_bytes() + b"\r\n------profilemusic--\r\n").decode()


def filled(value: Any) -> Any:
    """Replace the placeholders of an event."""
    if isinstance(value, dict):
        return {name: filled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item) for item in value]
    if not isinstance(value, str) or "@" not in value:
        return value
    value = value.replace("@portrait", base64.b64encode(PORTRAIT.read_bytes()).decode())
    value = value.replace("@too_large", base64.b64encode(b"\xff\xd8" + bytes(PHOTO_MAX_BYTES + 400_000)).decode())
    return value.replace("@multipart", multipart()).replace("@long_text", "가" * 1001)


def event(name: str) -> Any:
    return filled(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def malformed(handler: str) -> list[tuple[Any, str, int]]:
    rows = json.loads((FOLDER / "malformed.json").read_text(encoding="utf-8"))[handler]
    return [(given, code, status) for given, code, status in rows]
