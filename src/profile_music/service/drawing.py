"""Pictures that the service answers with."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profile_music.reading import PhotoReader

_SIDE_PX = 256


def draw_heat(reader: PhotoReader, photo: bytes, face_index: int) -> bytes:
    """Return a PNG of one face, 256 px a side, warm where it spoke for the emotion that was read.

    Raises:
        PhotoError: The photo cannot be used.
        InputError: There is no such face.
    """
    from PIL import Image

    from profile_music.emotion import overlay_heat

    crop, heat = reader.explain(photo, face_index=face_index)
    picture = Image.fromarray(overlay_heat(crop, heat)).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.LANCZOS)
    sink = BytesIO()
    picture.save(sink, "PNG")
    return sink.getvalue()
