"""Photos that are odd, hostile or damaged: the corpus, and larger ones that only a server needs."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from tests.photo import corpus

ROOT = Path(__file__).resolve().parents[2]


@cache
def whole_photos() -> dict[str, bytes]:
    """Return valid photos: every format and mode small, and real faces in several formats."""
    portrait = Image.open(ROOT / "examples" / "portrait.jpg").convert("RGB").resize((320, 320))
    faces = {kind: corpus.encode(portrait, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "HEIF")}
    real = {path.stem: path.read_bytes() for path in sorted((ROOT / "tests" / "data" / "photos").glob("*.jpg"))}
    return {**corpus.valid_photos(), **{f"face-{kind.lower()}": data for kind, data in faces.items()}, **real}


@cache
def odd_photos() -> dict[str, bytes]:
    """Return files that hurt, lie, or are rarer than what cameras write."""
    rgb = corpus.picture()
    jpeg, png = corpus.encode(rgb, "JPEG"), corpus.encode(rgb, "PNG")
    frames = [Image.new("P", (200, 200), shade) for shade in range(200)]
    wide = np.zeros((300, 300, 3), ">u2") + 40_000
    return {
        **corpus.hostile_files(),
        "png-16-bit-rgb": _png(300, 300, 16, 2, wide.tobytes()),
        "png-bad-filter": _png(40, 40, 8, 2, bytes(120 * 40), row_filter=9),
        "png-interlaced-lie": png[:28] + b"\x01" + png[29:],
        "png-49-megapixels": _png(7000, 7000, 1, 0, bytes(875 * 7000)),
        "png-51-megapixels": _png(7200, 7200, 1, 0, bytes(900 * 7200)),
        "png-wide": _png(2_000_000, 1, 1, 0, bytes(250_000)),
        "gif-200-frames": corpus.encode(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "webp-100-frames": corpus.encode(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(n) for n in range(99)]),
        "jpeg-cmyk-large": corpus.encode(Image.new("CMYK", (3000, 3000), (10, 200, 30, 4)), "JPEG"),
        "jpeg-huge-icc": corpus.encode(rgb, "JPEG", icc_profile=bytes(6_000_000)),
        "jpeg-thumbnail-loop": jpeg[:2] + _app1(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0\0\0\0\x08"),
        "jpeg-orientation-text": jpeg[:2] + _app1(b"II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\xff\xff\xff\xff") + jpeg[2:],
        "jpeg-twice": jpeg + jpeg,
        "jpeg-then-html": jpeg[:-2] + b"<script>alert(1)</script>" + jpeg[-2:],
        "gif-then-jar": corpus.encode(rgb, "GIF") + b"PK\x03\x04" + bytes(500),
        "svg-with-jpeg-start": b"\xff\xd8\xff\xe0<svg xmlns='http://www.w3.org/2000/svg'/>",
        "heic-of-zeros": b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(1_000_000),
        "text": "사진이 아니에요".encode(),
        "zeros": bytes(1_000_000),
        "noise": random.Random(1).randbytes(300_000),
    }


def _png(width: int, height: int, depth: int, kind: int, pixels: bytes, row_filter: int = 0) -> bytes:
    """Return a PNG of raw rows, whatever they are."""
    row = len(pixels) // height
    rows = b"".join(bytes([row_filter]) + pixels[start : start + row] for start in range(0, len(pixels), row))
    start = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunk = corpus.png_chunk
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", start) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _app1(tiff: bytes) -> bytes:
    segment = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment


def damaged_photos(seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield endless damaged photos."""
    return corpus.mutations(seed, whole_photos())


def padded(data: bytes, size: int) -> bytes:
    """Return a file made larger by zeros at its end."""
    stream = io.BytesIO()
    stream.write(data)
    stream.write(bytes(max(0, size - len(data))))
    return stream.getvalue()
