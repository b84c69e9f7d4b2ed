"""A corpus of photos: valid ones in every format and mode, files made to hurt, and mutations of both.

Also a command for load tests: `python tests/photo/corpus.py FOLDER --count 1000 --seed 1` writes files.
"""

from __future__ import annotations

import argparse
import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image


def picture(width: int = 60, height: int = 40) -> Image.Image:
    """Return a picture whose corners differ: red top left, green top right, blue bottom left, grey bottom right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    y, x = height // 2, width // 2
    pixels[:y, :x], pixels[:y, x:], pixels[y:, :x], pixels[y:, x:] = (220, 30, 30), (30, 200, 40), (30, 40, 220), 128
    return Image.fromarray(pixels)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """Encode a picture with Pillow (HEIF through pillow-heif, which is registered at the first use)."""
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def exif(orientation: int) -> bytes:
    """Return an EXIF block with nothing but an orientation."""
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def valid_photos() -> dict[str, bytes]:
    """Return small valid photos: every format, and the modes and options that real ones come in."""
    rgb = picture()
    rgba, grey = rgb.convert("RGBA"), rgb.convert("L")
    rgba.putalpha(Image.linear_gradient("L").resize(rgba.size))
    wide = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    frames = [rgb.convert("P"), Image.new("P", rgb.size)]
    return {
        "jpeg": encode(rgb, "JPEG"),
        "jpeg-progressive": encode(rgb, "JPEG", progressive=True),
        "jpeg-grey": encode(grey, "JPEG"),
        "jpeg-cmyk": encode(rgb.convert("CMYK"), "JPEG"),
        "jpeg-exif": encode(rgb, "JPEG", exif=exif(6)),
        "jpeg-icc": encode(rgb, "JPEG", icc_profile=b"not a profile" * 50),
        "png": encode(rgb, "PNG"),
        "png-rgba": encode(rgba, "PNG"),
        "png-grey-alpha": encode(rgba.convert("LA"), "PNG"),
        "png-palette": encode(rgb.convert("P"), "PNG", transparency=3),
        "png-16-bit": encode(wide, "PNG"),
        "png-1-bit": encode(rgb.convert("1"), "PNG"),
        "png-exif": encode(rgb, "PNG", exif=exif(3)),
        "png-animated": encode(rgb, "PNG", save_all=True, append_images=[rgb.rotate(180)]),
        "webp": encode(rgb, "WEBP"),
        "webp-lossless-alpha": encode(rgba, "WEBP", lossless=True),
        "webp-animated": encode(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(180)]),
        "webp-exif": encode(rgb, "WEBP", exif=exif(8)),
        "gif": encode(rgb, "GIF"),
        "gif-animated": encode(frames[0], "GIF", save_all=True, append_images=frames[1:], transparency=0),
        "gif-comment": encode(rgb, "GIF", comment=b"hello " * 100),
        "bmp": encode(rgb, "BMP"),
        "bmp-grey": encode(grey, "BMP"),
        "heic": encode(rgb, "HEIF"),
        "heic-rgba": encode(rgba, "HEIF"),
        "one-pixel": encode(Image.new("RGB", (1, 1)), "PNG"),
        "thin": encode(Image.new("RGB", (30_000, 1)), "PNG"),
        "tall": encode(Image.new("RGB", (1, 30_000)), "JPEG"),
    }


def png_chunk(name: bytes, body: bytes) -> bytes:
    """Return one PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header(width: int, height: int) -> bytes:
    """Return a PNG's signature and IHDR for 8-bit RGB."""
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def progressive_bomb(scans: int, side: int = 8000) -> bytes:
    """Return a small progressive JPEG of `side` squared pixels with very many scans that say nothing."""
    data = encode(Image.new("L", (64, 64), 100), "JPEG", progressive=True)
    frame = data.index(b"\xff\xc2")
    data = data[: frame + 5] + struct.pack(">HH", side, side) + data[frame + 9 :]
    table = b"\xff\xc4" + struct.pack(">H", 20) + b"\x10" + bytes([1, *[0] * 15]) + b"\xe0"
    # An end-of-band run of 2^14 blocks a code: a scan over the whole picture takes a few bytes.
    codes = -(-((side // 8) ** 2) // (1 << 14)) * 15 // 8 + 2
    scan = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 63, 0) + b"\x00" * codes
    return data[:-2] + table + scan * scans + b"\xff\xd9"


def exif_bomb() -> bytes:
    """Return a JPEG whose EXIF entries each claim the same 60 kB as their value."""
    count = 5000
    entries = b"".join(struct.pack("<HHII", tag + 1000, 1, 60_000, 8) for tag in range(count))
    tiff = b"II*\0" + struct.pack("<IH", 8, count) + entries
    segment = b"Exif\0\0" + tiff
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + encode(picture(), "JPEG")[2:]


def hostile_files() -> dict[str, bytes]:
    """Return files made to hurt a decoder, or that are not what they say."""
    jpeg, png, gif = encode(picture(), "JPEG"), encode(picture(), "PNG"), encode(picture(), "GIF")
    zeros = zlib.compress(b"\0" * 10_000_000, 9)
    palette_end, comment = 13 + (3 << ((gif[10] & 7) + 1)), b"\x21\xfe" + (b"\xff" + b"c" * 255) * 15_000 + b"\0"
    bmp = bytearray(encode(picture(), "BMP"))
    lying_bmp = bytes(bmp[:18]) + struct.pack("<ii", 30_000, 30_000) + bytes(bmp[26:])
    return {
        "empty": b"",
        "one-byte": b"\xff",
        "signature-only": b"\xff\xd8\xff",
        "svg": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF",
        "html": b"<!doctype html><script>alert(1)</script>",
        "zip": b"PK\x03\x04" + bytes(100),
        "tiff": encode(picture(), "TIFF"),
        "ico": encode(picture(), "ICO"),
        "text-like-bmp": b"BM is how this letter begins, and it goes on for a while.",
        "mp4": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(200),
        "avif-brand": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(200),
        "heic-brand-only": b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(200),
        "png-bomb": png_header(60_000, 60_000) + png_chunk(b"IDAT", zeros) + png_chunk(b"IEND", b""),
        "png-lying-small": png_header(4, 4) + png_chunk(b"IDAT", zeros) + png_chunk(b"IEND", b""),
        "png-lying-large": png_header(5000, 5000) + png_chunk(b"IDAT", zlib.compress(b"\0")) + png_chunk(b"IEND", b""),
        "png-zero-size": png_header(0, 10) + png_chunk(b"IDAT", zeros),
        "png-text-bomb": png[:33] + png_chunk(b"zTXt", b"k\0\0" + zeros) * 20 + png[33:],
        "png-profile-bomb": png[:33] + png_chunk(b"iCCP", b"p\0\0" + zeros) + png[33:],
        "png-many-chunks": png[:33] + png_chunk(b"prVt", b"") * 200_000 + png[33:],
        "jpeg-lying-large": jpeg.replace(struct.pack(">HH", 40, 60), struct.pack(">HH", 7000, 7000), 1),
        "jpeg-bomb": jpeg.replace(struct.pack(">HH", 40, 60), struct.pack(">HH", 65_500, 65_500), 1),
        "jpeg-many-segments": b"\xff\xd8" + b"\xff\xe2\x00\x02" * 500_000 + jpeg[2:],
        "jpeg-fill-bytes": b"\xff\xd8" + b"\xff" * 5_000_000 + jpeg[2:],
        "jpeg-exif-bomb": exif_bomb(),
        "jpeg-many-scans": progressive_bomb(3000),
        "gif-long-comment": gif[:palette_end] + comment + gif[palette_end:],
        "gif-bomb": gif[:6] + struct.pack("<HH", 65_000, 65_000) + gif[10:],
        "bmp-bomb": lying_bmp,
        "webp-bomb": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0\xff\x3f\0" + bytes(40),
        "polyglot-jpeg-zip": jpeg + b"PK\x03\x04" + bytes(300),
        "polyglot-gif-script": b"GIF89a=1;/*" + gif[11:] + b"*/alert(1)",
        "polyglot-png-html": png + b"<script>alert(1)</script>",
    }


def truncate(data: bytes, rng: random.Random) -> bytes:
    """Cut the end off."""
    return data[: rng.randrange(len(data) + 1)]


def flip_bytes(data: bytes, rng: random.Random) -> bytes:
    """Change up to a dozen bytes."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 12)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(changed)


def flip_header(data: bytes, rng: random.Random) -> bytes:
    """Change bytes of the first 100, where sizes and types stand."""
    return flip_bytes(data[:100], rng) + data[100:]


def cut_out(data: bytes, rng: random.Random) -> bytes:
    """Remove a piece from the middle."""
    start = rng.randrange(len(data) + 1)
    return data[:start] + data[start + rng.randint(1, 200) :]


def repeat(data: bytes, rng: random.Random) -> bytes:
    """Repeat a piece many times."""
    start = rng.randrange(len(data) + 1)
    end = start + rng.randint(1, 60)
    return data[:end] + data[start:end] * rng.randint(1, 300) + data[end:]


def insert_noise(data: bytes, rng: random.Random) -> bytes:
    """Insert random bytes."""
    start = rng.randrange(len(data) + 1)
    return data[:start] + rng.randbytes(rng.randint(1, 300)) + data[start:]


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    truncate,
    flip_bytes,
    flip_header,
    cut_out,
    repeat,
    insert_noise,
)


def mutations(seed: int, photos: dict[str, bytes] | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield endless (name, bytes): valid photos damaged in one to three ways, the same for the same seed."""
    rng = random.Random(seed)
    sources = list((photos or valid_photos()).items())
    while True:
        name, data = rng.choice(sources)
        steps = rng.choices(MUTATIONS, k=rng.randint(1, 3))
        for step in steps:
            data = step(data, rng)
        yield f"{name}+{'+'.join(step.__name__ for step in steps)}", data


def main() -> None:
    """Write valid, hostile and mutated files into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1000, help="mutated files")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    whole = {**valid_photos(), **hostile_files()}
    for name, data in whole.items():
        (args.folder / f"{name}.bin").write_bytes(data)
    for index, (name, data) in zip(range(args.count), mutations(args.seed), strict=False):
        (args.folder / f"{index:06d}-{name}.bin").write_bytes(data)


if __name__ == "__main__":
    main()
