"""Real photos: formats, modes, orientation, sizes, sources."""

from __future__ import annotations

import io
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from profile_music.errors import FileMissingError, PhotoFormatError, PhotoTooLargeError
from profile_music.photo import decode_photo, sniff_format
from tests.photo import corpus

RED, GREEN, BLUE, GREY = (220, 30, 30), (30, 200, 40), (30, 40, 220), (128, 128, 128)


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    """Colours a quarter in from the corners: top left, top right, bottom left, bottom right."""
    height, width = pixels.shape[:2]
    return [tuple(int(v) for v in pixels[y, x]) for y in (height // 4, -height // 4) for x in (width // 4, -width // 4)]


def assert_upright(pixels: np.ndarray, expected=(RED, GREEN, BLUE, GREY), tolerance: int = 12) -> None:
    assert np.abs(np.array(corners(pixels)) - np.array(expected)).max() <= tolerance


COLOURED = [
    "jpeg",
    "jpeg-progressive",
    "jpeg-icc",
    "png",
    "png-animated",
    "webp",
    "webp-animated",
    "gif",
    "gif-comment",
]


@pytest.mark.parametrize("name", [*COLOURED, "bmp", "heic"])
def test_every_format_gives_the_picture(name):
    data = corpus.valid_photos()[name]
    photo = decode_photo(data)
    assert photo.pixels.dtype == np.uint8 and photo.pixels.shape == (40, 60, 3)
    assert photo.format.lower() == name.split("-")[0] and photo.original_size == (60, 40) and photo.scale == 1
    assert photo.pixels.flags.owndata or photo.pixels.flags.writeable
    assert_upright(photo.pixels)


@pytest.mark.parametrize("name", sorted(corpus.valid_photos()))
def test_every_valid_photo_decodes(name):
    photo = decode_photo(corpus.valid_photos()[name])
    assert photo.pixels.ndim == 3 and photo.pixels.shape[2] == 3 and max(photo.pixels.shape) <= 2048


# Where the four corners of the upright picture stand in the stored one, by EXIF orientation.
UPRIGHT_FROM = {1: "0123", 2: "1032", 3: "3210", 4: "2301", 5: "0213", 6: "2031", 7: "3120", 8: "1302"}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_orientation_is_applied(orientation, kind):
    stored = (RED, GREEN, BLUE, GREY)
    photo = decode_photo(corpus.encode(corpus.picture(), kind, exif=corpus.exif(orientation), quality=95))
    assert_upright(photo.pixels, [stored[int(i)] for i in UPRIGHT_FROM[orientation]])
    assert photo.original_size == ((40, 60) if orientation >= 5 else (60, 40))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_is_ignored(orientation):
    assert_upright(decode_photo(corpus.encode(corpus.picture(), "JPEG", exif=corpus.exif(orientation))).pixels)


def test_big_endian_and_prefixed_exif_is_read():
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    assert decode_photo(corpus.encode(corpus.picture(), "JPEG", exif=b"Exif\0\0" + tiff)).pixels.shape == (60, 40, 3)


def test_alpha_is_laid_over_white():
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 5, 10))
    for data in (corpus.encode(image, "PNG"), corpus.encode(image, "WEBP", lossless=True), corpus.encode(image, "GIF")):
        pixels = decode_photo(data).pixels
        assert tuple(pixels[5, 8]) == (255, 255, 255) and tuple(pixels[5, 2]) == (255, 0, 0)


def test_cmyk_keeps_its_colours():
    photo = decode_photo(corpus.encode(corpus.picture().convert("CMYK"), "JPEG", quality=95))
    assert_upright(photo.pixels)


def test_sixteen_bits_keep_their_brightness():
    grey = np.full((8, 8), 40_000, np.uint16)
    pixels = decode_photo(corpus.encode(Image.fromarray(grey), "PNG")).pixels
    assert abs(int(pixels[0, 0, 0]) - 40_000 / 257) <= 1


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [("F", 0.5, 127), ("F", 200.0, 200), ("I", 30_000, 116), ("I;16", 30_000, 116), ("1", 1, 255), ("L", 90, 90)],
)
def test_pillow_images_of_any_mode(mode, value, expected):
    pixels = decode_photo(Image.new(mode, (4, 4), value)).pixels
    assert pixels.shape == (4, 4, 3) and abs(int(pixels[0, 0, 0]) - expected) <= 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "PA", "CMYK", "YCbCr", "HSV", "La", "RGBa"])
def test_pillow_modes_become_rgb(mode):
    image = (
        Image.new(mode, (6, 5))
        if mode in ("La", "RGBa")
        else corpus.picture(6, 5).convert("RGBA" if mode == "PA" else mode)
    )
    assert decode_photo(image).pixels.shape == (5, 6, 3)


def test_a_pillow_image_is_turned_and_left_as_it_was():
    image = Image.open(io.BytesIO(corpus.valid_photos()["jpeg-exif"]))
    photo = decode_photo(image)
    assert photo.pixels.shape == (60, 40, 3) and photo.format == "JPEG"
    assert image.size == (60, 40) and image.getexif()[0x0112] == 6
    photo.pixels[:] = 0
    assert image.getpixel((1, 1)) != (0, 0, 0)


def test_large_photos_come_out_at_the_working_size():
    big = corpus.picture().resize((4000, 3000), Image.Resampling.NEAREST)
    jpeg, png = decode_photo(corpus.encode(big, "JPEG")), decode_photo(corpus.encode(big, "PNG", compress_level=1))
    assert jpeg.original_size == png.original_size == (4000, 3000)
    assert jpeg.pixels.shape == (1500, 2000, 3) and jpeg.scale == 2
    assert png.pixels.shape == (1536, 2048, 3) and png.scale == pytest.approx(4000 / 2048)
    assert decode_photo(big, max_side_px=100).pixels.shape == (75, 100, 3)
    for photo in (jpeg, png):
        assert_upright(photo.pixels)


def test_a_turned_large_photo_names_its_upright_size():
    big = corpus.picture().resize((3000, 2000))
    photo = decode_photo(corpus.encode(big, "JPEG", exif=corpus.exif(8)))
    assert photo.original_size == (2000, 3000) and photo.pixels.shape == (1500, 1000, 3)


def test_caps_are_checked_before_decoding(tmp_path):
    data = corpus.valid_photos()["png"]
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for source in (data, path, bytearray(data), memoryview(data)):
        with pytest.raises(PhotoTooLargeError) as caught:
            decode_photo(source, max_bytes=len(data) - 1)
        assert caught.value.details["limit"] == f"{len(data) - 1} bytes"
    decode_photo(data, max_bytes=len(data), max_pixels=2400)
    for source in (data, corpus.picture(), corpus.valid_photos()["heic"], corpus.valid_photos()["webp"]):
        with pytest.raises(PhotoTooLargeError, match="2399 px"):
            decode_photo(source, max_pixels=2399)


def test_the_name_does_not_decide(tmp_path):
    svg = tmp_path / "photo.jpg"
    svg.write_bytes(corpus.hostile_files()["svg"])
    with pytest.raises(PhotoFormatError):
        decode_photo(svg)
    png = tmp_path / "photo.pdf"
    png.write_bytes(corpus.valid_photos()["png"])
    assert decode_photo(str(png)).format == "PNG"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_korean_names_in_either_form(tmp_path, form, asked):
    folder = tmp_path / unicodedata.normalize(form, "프로필 사진")
    folder.mkdir()
    (folder / unicodedata.normalize(form, "여름휴가.jpg")).write_bytes(corpus.valid_photos()["jpeg"])
    path = tmp_path / unicodedata.normalize(asked, "프로필 사진") / unicodedata.normalize(asked, "여름휴가.jpg")
    assert decode_photo(path).format == "JPEG"
    assert decode_photo(str(path)).format == "JPEG"


@pytest.mark.parametrize("name", ["absent.jpg", "", "a\0b.jpg", "x" * 5000])
def test_a_missing_file_is_said_by_name(tmp_path, name):
    from profile_music.errors import InputError

    with pytest.raises(InputError) as caught:
        decode_photo(str(tmp_path / name))
    assert "absent" not in name or isinstance(caught.value, FileMissingError)


def test_what_is_no_photo_source_is_a_type_error():
    with pytest.raises(TypeError, match="not int"):
        decode_photo(5)


def test_formats_by_first_bytes():
    for name, data in corpus.valid_photos().items():
        kind = name.split("-")[0]
        assert sniff_format(data) == {"one": "PNG", "thin": "PNG", "tall": "JPEG"}.get(kind, kind.upper())


def test_heif_and_other_decoders_are_not_imported_for_a_jpeg():
    code = (
        "import sys; from profile_music.photo import decode_photo; assert 'PIL.Image' not in sys.modules; "
        f"decode_photo({str(Path(__file__).parents[2] / 'examples' / 'portrait.jpg')!r}); from PIL import Image; "
        "assert Image.MAX_IMAGE_PIXELS == 1024 * 1024 * 1024 // 4 // 3; "
        "print(sorted(m for m in sys.modules if 'heif' in m or m == 'PIL.PngImagePlugin' or m == 'onnxruntime'))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
