"""Cutting photo files down to what their pixels need, before a decoder sees them.

Metadata is where cheap attacks hide: millions of tiny segments, comments joined in quadratic time, EXIF tables whose
entries share one huge block, compressed profiles that unfold to gigabytes, thousands of empty progressive scans.
None of it is needed but the EXIF orientation, which is read here by hand. Every walk is bounded.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from profile_music.errors import PhotoDamagedError

_MAX_SEGMENTS = 4096
_MAX_CHUNKS = 20_000
_SCAN_PIXELS = 1_500_000_000
_MIN_SCANS, _MAX_SCANS = 24, 128

_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_JPEG_KEPT = _JPEG_FRAMES | {0xC4, 0xCC, 0xDB, 0xDD, 0xE0, 0xEE}
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True, slots=True)
class Stripped:
    """A file's decodable part.

    Attributes:
        data: What the decoder is to see.
        orientation: EXIF orientation, 1 to 8; 1 where there is none.
        size: The declared width and height, where the decoder would reserve them at once; else None.
    """

    data: bytes
    orientation: int = 1
    size: tuple[int, int] | None = None


def strip_jpeg(data: bytes) -> Stripped:
    """Keep the tables, frame, JFIF and Adobe segments, and everything from the first scan on.

    Raises:
        PhotoDamagedError: No picture inside, too many segments, or more progressive scans than an encoder writes.
    """
    kept, orientation, position, frame = [b"\xff\xd8"], 1, 2, b""
    for _ in range(_MAX_SEGMENTS):
        if data[position : position + 1] != b"\xff":
            break
        marker = data[position + 1] if position + 1 < len(data) else 0xD9
        if marker == 0xFF or marker in _JPEG_BARE:
            position += 1 if marker == 0xFF else 2
            continue
        if marker == 0xDA and frame:
            _check_scans(data, position, frame)
            return Stripped(b"".join(kept) + data[position:], orientation)
        segment = data[position : position + 2 + _u16(data, position + 2)]
        if marker in _JPEG_KEPT:
            kept.append(segment)
        if marker in _JPEG_FRAMES:
            frame = segment
        if marker == 0xE1 and segment[4:10] == b"Exif\0\0" and orientation == 1:
            orientation = exif_orientation(segment[10:])
        position += max(2, len(segment))
    raise PhotoDamagedError


def _check_scans(data: bytes, position: int, frame: bytes) -> None:
    """Refuse progressive files whose scans would keep a core busy for minutes: an empty scan is a few bytes long."""
    if frame[1] not in _JPEG_PROGRESSIVE or len(frame) < 9:
        return
    height, width = struct.unpack_from(">HH", frame, 5)
    limit = min(_MAX_SCANS, max(_MIN_SCANS, _SCAN_PIXELS // max(1, width * height)))
    for _ in range(limit):
        while (match := _NEXT_MARKER.search(data, position + 2)) and data[match.start() + 1] != 0xDA:
            if data[match.start() + 1] == 0xD9:
                return
            # A marker's own segment is skipped whole, as its bytes may look like markers.
            position = match.start() + _u16(data, match.start() + 2)
        if match is None:
            return
        position = match.start()
    raise PhotoDamagedError


def strip_png(data: bytes) -> Stripped:
    """Keep the critical chunks and transparency, up to the end of the first picture.

    Raises:
        PhotoDamagedError: More chunks than any encoder writes.
    """
    kept, orientation, position = [data[:8]], 1, 8
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            break
        (length,) = struct.unpack_from(">I", data, position)
        name, end = data[position + 4 : position + 8], position + 12 + length
        if name in _PNG_KEPT:
            kept.append(data[position:end])
        elif name == b"eXIf":
            orientation = exif_orientation(data[position + 8 : end - 4])
        if name == b"IEND":
            break
        position = end
    else:
        raise PhotoDamagedError
    return Stripped(b"".join(kept), orientation)


def strip_gif(data: bytes) -> Stripped:
    """Keep the header, the palette, the last graphic control (transparency) and the data from the first picture on.

    Raises:
        PhotoDamagedError: No picture inside, or more extension blocks before it than any encoder writes.
    """
    flags = data[10] if len(data) > 10 else 0
    position = start = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    control, blocks = b"", 0
    while data[position : position + 1] == b"\x21" and blocks < _MAX_CHUNKS:
        begin, position = position, position + 2
        while position < len(data) and data[position] and blocks < _MAX_CHUNKS:
            position, blocks = position + 1 + data[position], blocks + 1
        position, blocks = position + 1, blocks + 1
        if data[begin + 1 : begin + 2] == b"\xf9":
            control = data[begin:position]
    if data[position : position + 1] != b"\x2c" or len(control) > 64 or len(data) < position + 10:
        raise PhotoDamagedError
    canvas = struct.unpack_from("<HH", data, 6)
    left, top, width, height = struct.unpack_from("<HHHH", data, position + 1)
    size = max(canvas[0], left + width), max(canvas[1], top + height)
    return Stripped(data[:start] + control + data[position:], size=size)


def strip_webp(data: bytes) -> Stripped:
    """Leave a WebP file as it is; read its canvas and its orientation."""
    orientation, position = 1, 12
    for _ in range(_MAX_SEGMENTS):
        if position + 8 > len(data):
            break
        (length,) = struct.unpack_from("<I", data, position + 4)
        if data[position : position + 4] == b"EXIF":
            orientation = exif_orientation(data[position + 8 : position + 8 + length])
            break
        position += 8 + length + (length & 1)
    return Stripped(data, orientation, _webp_size(data))


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return the canvas size (width, height) that a WebP file declares; (0, 0) where it declares none."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return 0, 0
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def exif_orientation(tiff: bytes) -> int:
    """Return the orientation (1 to 8) that an EXIF block's first directory gives; 1 where it gives none."""
    if tiff[:6] == b"Exif\0\0":
        tiff = tiff[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 1
    (offset,) = struct.unpack_from(order + "I", tiff, 4)
    if offset + 2 > len(tiff):
        return 1
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    for entry in range(offset + 2, min(offset + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind = struct.unpack_from(order + "HH", tiff, entry)
        if tag == _ORIENTATION_TAG:
            value = struct.unpack_from(order + ("I" if kind == 4 else "H"), tiff, entry + 8)[0]
            return int(value) if 1 <= value <= 8 else 1
    return 1


def bmp_is_run_length_coded(data: bytes) -> bool:
    """Tell whether a BMP file uses one of the run-length codings (1 and 2)."""
    return len(data) >= 34 and data[14] >= 40 and struct.unpack_from("<I", data, 30)[0] in (1, 2)


def _u16(data: bytes, position: int) -> int:
    """Read a big-endian length; beyond the end it is zero."""
    return int.from_bytes(data[position : position + 2], "big")
