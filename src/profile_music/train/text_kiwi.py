"""What training takes from Kiwi: its morphemes, its vectors, and its reading of the training sentences.

Kiwi (kiwipiepy, LGPL) runs only here, offline; its language model `kiwipiepy_model` is Apache-2.0 and holds, for
each morpheme, an output vector and a vector for its effect on words further on in the text ("distant"), four bits a
number. The layout follows the published source of Kiwi's CoNgram model.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Reading = tuple[tuple[int, str, str], ...]
"""A chunk's morphemes: (id, form, tag)."""

ChunkKey = tuple[str, bool, Reading]
"""Surface, whether it begins a word, morphemes."""

_HEADER = "<QQHBBBBBBQQQQQ"
_ENDINGS = (
    *(("다", "EF"), ("고", "EC"), ("어", "EF"), ("어요", "EF"), ("은", "ETM"), ("ᆫ", "ETM"), ("는", "ETM")),
    *(("ᆯ", "ETM"), ("습니다", "EF"), ("네", "EF"), ("으면", "EC"), ("지", "EF"), ("ᆫ다", "EF"), ("기", "ETN")),
    *(("ᆷ", "ETN"), ("게", "EC"), ("자", "EF"), ("으니까", "EC")),
)
_PAST = (("었", "EP"), ("다", "EF"))
_VERBAL = ("VV", "VA", "VX", "VCN")


@dataclass(frozen=True)
class Morphemes:
    """Kiwi's vocabulary: forms and tags by id, and vectors of shape (V, 256)."""

    forms: list[str]
    tags: list[str]
    distant: Vectors
    output: Vectors

    def __len__(self) -> int:
        return len(self.forms)


KiwiReading = tuple[Morphemes, Counter[ChunkKey], list[tuple[str, Reading]], Vectors]
"""Morphemes, counts of chunks, inflected chunks, association vectors (V, 256)."""


def save_reading(path: Path, reading: KiwiReading) -> None:
    """Keep what Kiwi said for the next run, as arrays and JSON."""
    morphemes, counts, inflected, associations = reading
    words = json.dumps([morphemes.forms, morphemes.tags, list(counts.items()), inflected]).encode()
    np.savez(
        path, distant=morphemes.distant, output=morphemes.output, associations=associations,
        words=np.frombuffer(words, dtype=np.uint8),
    )  # fmt: skip


def load_reading(path: Path) -> KiwiReading:
    """Return what `save_reading` kept."""
    with np.load(path, allow_pickle=False) as kept:
        forms, tags, counts, inflected = json.loads(kept["words"].tobytes())
        morphemes = Morphemes(forms, tags, kept["distant"], kept["output"])
        associations: Vectors = kept["associations"]
    counted = Counter({(surface, begins, _reading(parts)): count for (surface, begins, parts), count in counts})
    return morphemes, counted, [(surface, _reading(parts)) for surface, parts in inflected], associations


def _reading(parts: Iterable[Sequence[Any]]) -> Reading:
    return tuple((int(number), str(form), str(tag)) for number, form, tag in parts)


def load_morphemes(kiwi: Any) -> Morphemes:
    """Read forms and tags through Kiwi, and the vectors from its model file."""
    import kiwipiepy_model  # type: ignore[import-not-found,unused-ignore]

    distant, output = _read_vectors(Path(kiwipiepy_model.__file__).parent / "cong.mdl")
    forms, tags = [], []
    for number in range(len(output)):
        token = kiwi.morpheme(number)
        forms.append(token.form or "")
        tags.append(str(token.tag).split("-")[0])
    return Morphemes(forms, tags, distant, output)


def _read_vectors(path: Path) -> tuple[Vectors, Vectors]:
    with path.open("rb") as stream:
        header = struct.unpack(_HEADER, stream.read(struct.calcsize(_HEADER)))
    vocabulary, contexts, dim, bits, group, start = header[0], header[1], header[2], header[7], header[8], header[13]
    if bits != 4:
        raise ValueError(f"{path.name}: expected four bits a number, found {bits}")
    packed = dim // 2 + 2 + dim // group
    outputs = start + contexts * (packed + 6)
    raw = np.memmap(path, np.uint8, mode="r")
    output = _unpack(raw, outputs, vocabulary, packed, dim, group)
    distant = _unpack(raw, outputs + vocabulary * packed, vocabulary, packed + 4, dim, group)
    return distant, output


def _unpack(raw: NDArray[np.uint8], start: int, rows: int, stride: int, dim: int, group: int) -> Vectors:
    """Rows of nibbles, one half-float scale a row, and a byte a group: two bits of zero point, six of scale."""
    block = np.asarray(raw[start : start + rows * stride]).reshape(rows, stride)
    half, groups = dim // 2, dim // group
    row_scale = block[:, half : half + 2].copy().view(np.float16)[:, 0].astype(np.float32)
    local = block[:, half + 2 : half + 2 + groups]
    numbers = np.empty((rows, dim), np.float32)
    numbers[:, 0::2], numbers[:, 1::2] = block[:, :half] & 15, block[:, :half] >> 4
    grouped = numbers.reshape(rows, groups, group)
    zero, scale = (local >> 6) + 6.0, (local & 63) + 9.0
    unpacked = ((grouped - zero[:, :, None]) * scale[:, :, None]).reshape(rows, dim)
    vectors: Vectors = (unpacked * (row_scale / 72)[:, None]).astype(np.float32)
    return vectors


def count_chunks(kiwi: Any, sentences: Sequence[str]) -> Counter[ChunkKey]:
    """Count the surface chunks of sentences: the shortest stretches whose morphemes do not overlap."""
    counts: Counter[ChunkKey] = Counter()
    for sentence, tokens in zip(sentences, kiwi.tokenize(sentences), strict=True):
        for start, end, reading in _chunks(tokens):
            surface = sentence[start:end]
            if " " not in surface:
                counts[surface.lower(), start == 0 or sentence[start - 1] == " ", reading] += 1
    return counts


def inflect(kiwi: Any, morphemes: Morphemes) -> Iterator[tuple[str, Reading]]:
    """Yield the first chunk of Kiwi's verbs and adjectives under common endings ("예뻤" of 예쁘다)."""
    words: list[tuple[str, str]] = []
    for form, tag in zip(morphemes.forms, morphemes.tags, strict=True):
        if form and tag in _VERBAL:
            stems = ([(form, tag), ending] for ending in _ENDINGS)
            words.extend((form, kiwi.join(stem)) for stem in (*stems, [(form, tag), *_PAST]))
    for (form, word), tokens in zip(words, kiwi.tokenize([word for _, word in words]), strict=True):
        if tokens and tokens[0].form == form:
            start, end, reading = next(_chunks(tokens))
            yield word[start:end], reading


def _chunks(tokens: Iterable[Any]) -> Iterator[tuple[int, int, Reading]]:
    """Group tokens that share letters ("했" is 하 and 었) into (start, end, reading)."""
    start = end = -1
    reading: list[tuple[int, str, str]] = []
    for token in tokens:
        if reading and not (token.start < end or token.len == 0 or token.start == start):
            yield start, end, tuple(reading)
            reading = []
        if not reading:
            start, end = token.start, token.start
        end = max(end, token.start + token.len)
        reading.append((token.id, token.form, str(token.tag).split("-")[0]))
    if reading:
        yield start, end, tuple(reading)


def association_vectors(morphemes: Morphemes, *, contexts: int = 8000, dim: int = 256, seed: int = 0) -> Vectors:
    """Return vectors (V, `dim`) whose dot products say which morphemes stand in the same texts.

    Kiwi's distant and output vectors give, for a pair of morphemes, how much one raises the other's probability
    further on: a pointwise mutual information. Its positive part against the commonest content morphemes is
    factorised (a randomised SVD after Halko et al. 2011; PPMI-SVD after Levy & Goldberg 2014), which lets 졸업 meet
    교복. Rows are centred and scaled so that the median length is one.
    """
    usual = slice(100, 30_000)
    distant = morphemes.distant - morphemes.distant[usual].mean(0)
    output = morphemes.output - morphemes.output[usual].mean(0)
    content = [n for n, tag in enumerate(morphemes.tags) if tag in ("NNG", "NNP", "VV", "VA", "XR", "MAG", "IC")]
    columns = np.array([number for number in content if number > 96][:contexts])
    spread = float(_associations(distant, output, columns[:3000], columns).std())

    def positive(rows: NDArray[np.int64]) -> Vectors:
        part: Vectors = np.sqrt(np.maximum(_associations(distant, output, rows, columns) / spread - 1, 0))
        return part

    def blocks(stop: int) -> Iterator[NDArray[np.int64]]:
        return (np.arange(start, min(start + 4000, stop)) for start in range(0, stop, 4000))

    common = 40_000
    sketch = np.random.default_rng(seed).normal(size=(len(columns), dim + 30)).astype(np.float32)
    basis, _ = np.linalg.qr(np.concatenate([positive(rows) @ sketch for rows in blocks(common)]))
    small = sum(basis[rows].T @ positive(rows) for rows in blocks(common))
    _, _, axes = np.linalg.svd(small, full_matrices=False)
    vectors = np.concatenate([positive(rows) @ axes[:dim].T for rows in blocks(len(morphemes))])
    energy = np.sqrt((vectors[usual] ** 2).mean(0))
    vectors = (vectors - vectors[usual].mean(0)) / np.sqrt(energy)
    scaled: Vectors = (vectors / np.median(np.linalg.norm(vectors, axis=1)[usual])).astype(np.float32)
    return scaled


def _associations(distant: Vectors, output: Vectors, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Vectors:
    both: Vectors = distant[rows] @ output[columns].T + output[rows] @ distant[columns].T
    centred: Vectors = both - both.mean(1, keepdims=True)
    return centred
