"""Telling the format of a photo from its first bytes, by an allow-list; names and declared types are never trusted."""

from __future__ import annotations

import struct

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "HEIC")

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_GENERAL_BRANDS = frozenset({b"mif1", b"msf1", b"mif2", b"heif"})
_BMP_HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})


def sniff_format(data: bytes) -> str | None:
    """Return one of `FORMATS`, or None for anything else (SVG, PDF, TIFF, AVIF, text, ...)."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if _is_bmp(data):
        return "BMP"
    return "HEIC" if _is_heic(data) else None


def _is_bmp(data: bytes) -> bool:
    """Two letters are too weak a mark, so the header's size must be a known one too."""
    return data[:2] == b"BM" and len(data) >= 18 and struct.unpack_from("<I", data, 14)[0] in _BMP_HEADER_SIZES


def _is_heic(data: bytes) -> bool:
    """Tell HEVC pictures from other files of the same family (AVIF, MP4) by the brands of the first box."""
    if data[4:8] != b"ftyp":
        return False
    end = min(struct.unpack_from(">I", data)[0], len(data), 256)
    brands = {data[position : position + 4] for position in (8, *range(16, end - 3, 4))}
    return data[8:12] in _HEIC_BRANDS or (data[8:12] in _GENERAL_BRANDS and bool(brands & _HEIC_BRANDS))
