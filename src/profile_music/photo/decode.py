"""Bytes of unknown origin to upright RGB pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from profile_music.errors import PhotoDamagedError, PhotoFormatError, PhotoTooLargeError, ProfileMusicError
from profile_music.photo import containers
from profile_music.photo.sniff import sniff_format
from profile_music.photo.source import describe_bytes, describe_pixels, read_bytes
from profile_music.types import RgbImage

if TYPE_CHECKING:
    from PIL import Image, ImageFile

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_SIDE_PX = 2048
_DRAFT_SIDE_PX = 1024
_MAX_RUN_LENGTH_PIXELS = 4_000_000
# More than this cannot come out of a byte: a JPEG block of 64 pixels takes a bit at least, deflate yields 1,032 bytes
# of up to 8 pixels each. A file that claims more is cut short, and would only make the decoder reserve memory.
_MAX_PIXELS_A_BYTE = {"JPEG": 512, "PNG": 8 * 1032}

_PLUGINS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
}
_STRIP = {
    "JPEG": containers.strip_jpeg,
    "PNG": containers.strip_png,
    "GIF": containers.strip_gif,
    "WEBP": containers.strip_webp,
}


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """An upright photo of the working size.

    Attributes:
        pixels: uint8, shape (H, W, 3), RGB; the longer side is at most 2,048 px.
        original_size: Width and height of the file's picture, upright.
        format: JPEG, PNG, WEBP, GIF, BMP or HEIC; the Pillow format or "image" for a Pillow image.
    """

    pixels: RgbImage
    original_size: tuple[int, int]
    format: str

    @property
    def scale(self) -> float:
        """Original pixels per working pixel (1.0 where the photo was not made smaller)."""
        return float(max(self.original_size) / max(self.pixels.shape))


def decode_photo(
    source: bytes | bytearray | memoryview | str | Path | Image.Image,
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    max_side_px: int = MAX_SIDE_PX,
) -> Photo:
    """Decode a photo: JPEG, PNG, WebP, GIF (first frame), BMP or HEIC, told by content.

    EXIF orientation is applied, alpha is laid over white, and CMYK, palettes and 16 bits become plain RGB. Large photos
    are decoded smaller (JPEG to no less than half of 2,048 px) and resampled to at most `max_side_px`.

    Args:
        source: The file's bytes, its path, or a Pillow image (its `orientation` is applied; it is not changed).
        max_bytes: Larger files are refused before they are read.
        max_pixels: Larger pictures are refused before they are decoded.
        max_side_px: Longest side of the result.

    Raises:
        PhotoTooLargeError: More bytes or pixels than allowed.
        PhotoFormatError: Not one of the formats.
        PhotoDamagedError: The bytes do not decode.
        FileMissingError: The path names no file.
        TypeError: `source` is none of these kinds.
    """
    if isinstance(source, (str, Path)):
        data = read_bytes(source, max_bytes)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        if memoryview(source).nbytes > max_bytes:
            raise PhotoTooLargeError(limit=describe_bytes(max_bytes))
        data = bytes(source)
    else:
        return _from_pillow(source, max_pixels, max_side_px)
    kind = sniff_format(data)
    if kind is None:
        raise PhotoFormatError
    try:
        return _decode(data, kind, max_pixels, max_side_px)
    except ProfileMusicError:
        raise
    except MemoryError as error:
        raise PhotoTooLargeError(limit=describe_pixels(max_pixels)) from error
    except Exception as error:  # decoders raise nearly anything on hostile input
        raise PhotoDamagedError from error


def _decode(data: bytes, kind: str, max_pixels: int, max_side_px: int) -> Photo:
    """Decode bytes of a known format."""
    if kind == "HEIC":
        return _finish(_open_heic(data, max_pixels), 1, kind, max_side_px)
    image, orientation = _open(data, kind, max_pixels)
    size = image.size
    image.draft(None, _draft_size(size, max_side_px))  # only JPEG can; others do nothing
    return _finish(image, orientation, kind, max_side_px, size)


def _open(data: bytes, kind: str, max_pixels: int) -> tuple[ImageFile.ImageFile, int]:
    """Open with the one decoder of the format; only the header is read here."""
    stripped = _STRIP[kind](data) if kind in _STRIP else containers.Stripped(data)
    if stripped.size:
        _check_pixels(stripped.size, max_pixels)
    # The class itself, not Image.open: no other format is tried, and no process-wide limit or warning is involved.
    module, name = _PLUGINS[kind]
    image = cast("ImageFile.ImageFile", getattr(import_module(module), name)(io.BytesIO(stripped.data)))
    slow = kind == "BMP" and containers.bmp_is_run_length_coded(data)
    _check_pixels(image.size, min(max_pixels, _MAX_RUN_LENGTH_PIXELS) if slow else max_pixels)
    if image.width * image.height > _MAX_PIXELS_A_BYTE.get(kind, max_pixels) * len(data):
        raise PhotoDamagedError
    return image, stripped.orientation


def _open_heic(data: bytes, max_pixels: int) -> Image.Image:
    """Open the primary picture of a HEIC file; its rotation is applied by the decoder."""
    # Imported here: it loads a codec of several megabytes that few photos need.
    import pillow_heif

    container = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    picture = container[container.primary_index]
    _check_pixels(picture.size, max_pixels)
    return cast("Image.Image", picture.to_pillow())


def _from_pillow(source: Image.Image, max_pixels: int, max_side_px: int) -> Photo:
    """Take a Pillow image, which may not be loaded yet."""
    from PIL import Image

    if not isinstance(source, Image.Image):
        raise TypeError(f"a photo is bytes, a path or a Pillow image, not {type(source).__name__}")
    _check_pixels(source.size, max_pixels)
    try:
        exif = source.info.get("exif") or b""
        orientation = containers.exif_orientation(exif) if isinstance(exif, bytes) else 1
        return _finish(source, orientation, source.format or "image", max_side_px)
    except Exception as error:  # a lazy image decodes here
        raise PhotoDamagedError from error


def _finish(
    image: Image.Image, orientation: int, kind: str, max_side_px: int, size: tuple[int, int] | None = None
) -> Photo:
    """Bring an image to the common form; `size` is the file's where the decoder has already made it smaller."""
    from profile_music.photo.pixels import to_pixels

    width, height = size or image.size
    pixels = to_pixels(image, orientation, max_side_px)
    return Photo(pixels, (height, width) if orientation >= 5 else (width, height), kind)


def _draft_size(size: tuple[int, int], max_side_px: int) -> tuple[int, int]:
    """Return the least size that the JPEG decoder may scale down to (by 2, 4 or 8)."""
    ratio = min(1.0, min(_DRAFT_SIDE_PX, max_side_px) / max(size))
    return max(1, int(size[0] * ratio)), max(1, int(size[1] * ratio))


def _check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    """Refuse a declared size before anything of that size is made."""
    if size[0] * size[1] > max_pixels:
        raise PhotoTooLargeError(limit=describe_pixels(max_pixels))
    if min(size) < 1:
        raise PhotoDamagedError
