"""Files made to hurt, and damaged ones: an answer or an error of ours, quickly, in little memory."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_music.errors import PhotoDamagedError, PhotoError, PhotoFormatError, PhotoTooLargeError, ProfileMusicError
from profile_music.photo import color_mood, decode_photo
from profile_music.photo.containers import exif_orientation, strip_gif, strip_jpeg, strip_png
from tests.photo import corpus

HOSTILE = corpus.hostile_files()
VALID = corpus.valid_photos()

REFUSED = {
    "empty": PhotoFormatError,
    "one-byte": PhotoFormatError,
    "svg": PhotoFormatError,
    "pdf": PhotoFormatError,
    "html": PhotoFormatError,
    "zip": PhotoFormatError,
    "tiff": PhotoFormatError,
    "ico": PhotoFormatError,
    "text-like-bmp": PhotoFormatError,
    "mp4": PhotoFormatError,
    "avif-brand": PhotoFormatError,
    "signature-only": PhotoDamagedError,
    "heic-brand-only": PhotoDamagedError,
    "png-lying-large": PhotoDamagedError,
    "jpeg-lying-large": PhotoDamagedError,
    "png-zero-size": PhotoDamagedError,
    "png-many-chunks": PhotoDamagedError,
    "jpeg-many-segments": PhotoDamagedError,
    "jpeg-fill-bytes": PhotoDamagedError,
    "jpeg-many-scans": PhotoDamagedError,
    "polyglot-gif-script": PhotoDamagedError,
    "png-bomb": PhotoTooLargeError,
    "jpeg-bomb": PhotoTooLargeError,
    "gif-bomb": PhotoTooLargeError,
    "bmp-bomb": PhotoTooLargeError,
    "webp-bomb": PhotoTooLargeError,
}
READ = {
    "png-lying-small",
    "png-text-bomb",
    "png-profile-bomb",
    "jpeg-exif-bomb",
    "gif-long-comment",
    "polyglot-jpeg-zip",
    "polyglot-png-html",
}


def test_every_hostile_file_has_an_expected_outcome():
    assert set(HOSTILE) == set(REFUSED) | READ


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_files_cost_little(name):
    data = HOSTILE[name]
    tracemalloc.start()
    start = time.thread_time()
    try:
        if name in REFUSED:
            with pytest.raises(REFUSED[name]):
                decode_photo(data)
        else:
            assert decode_photo(data).pixels.size
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert time.thread_time() - start < 1.0
    assert peak < 4 * len(data) + 5_000_000


def test_an_ordinary_number_of_scans_is_read():
    data = corpus.progressive_bomb(3, side=64)
    assert decode_photo(data).pixels.shape == (64, 64, 3)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes(data):
    with pytest.raises(PhotoError):
        decode_photo(data)


SIGNATURES = [
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"RIFF\xff\0\0\0WEBPVP8X",
    b"BM" + bytes(12) + b"\x28\0\0\0",
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*SIGNATURES, b"\0\0\0\x18ftypheic"]), st.binary(max_size=400))
def test_random_bytes_after_a_signature(signature, data):
    check(signature + data)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damaged_photos(data):
    """Any valid photo with bytes changed, removed, repeated or cut off."""
    body = bytearray(VALID[data.draw(st.sampled_from(sorted(VALID)))])
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, max(0, len(body) - 1)))
        action = data.draw(st.sampled_from(["set", "cut", "drop", "insert"]))
        if action == "set" and body:
            body[position] = data.draw(st.integers(0, 255))
        elif action == "cut":
            del body[position:]
        elif action == "drop":
            del body[position : position + data.draw(st.integers(1, 40))]
        else:
            body[position:position] = data.draw(st.binary(max_size=40))
    check(bytes(body))


@pytest.mark.parametrize("seed", range(4))
def test_the_corpus_mutations(seed):
    for _, data in itertools.islice(corpus.mutations(seed, VALID), 400):
        check(data)


def test_the_corpus_is_the_same_for_the_same_seed():
    one, two = (list(itertools.islice(corpus.mutations(5, VALID), 20)) for _ in range(2))
    assert one == two and len({name for name, _ in one}) > 5


def check(data: bytes) -> None:
    """Decode: pixels of the right shape, or an error of ours with both messages."""
    try:
        photo = decode_photo(data, max_pixels=4_000_000)
    except ProfileMusicError as error:
        assert 400 <= error.http_status < 500 and error.message_ko and error.message_en
        return
    assert photo.pixels.dtype == np.uint8 and photo.pixels.ndim == 3 and photo.pixels.shape[2] == 3
    assert sum(color_mood(photo.pixels).as_array()) == pytest.approx(1)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a"]), st.binary(max_size=300))
def test_walks_end_on_any_bytes(start, data):
    for strip in (strip_jpeg, strip_png, strip_gif):
        with contextlib.suppress(PhotoDamagedError):
            assert len(strip(start + data).data) <= len(start + data) + 2
    assert 1 <= exif_orientation(data) <= 8
    assert 1 <= exif_orientation(b"II*\0" + data) <= 8


def test_threads_decode_at_once():
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for data in VALID.values():
                check(data)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
