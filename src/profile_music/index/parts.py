"""Splitting a catalogue by emotion: each song goes to the part of its strongest feeling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from profile_music.index.catalog import CatalogFiles
from profile_music.index.writer import CatalogWriter, about_text
from profile_music.types import EMOTIONS

_BATCH_SONGS = 256


def split_by_emotion(whole: CatalogFiles, out: Path, tokenize: Callable[[str], Iterable[str]]) -> dict[str, Path]:
    """Write one catalogue folder per emotion under `out`, from stored vectors: nothing is embedded again.

    Args:
        whole: An opened catalogue.
        out: Where the folders go, each named after its emotion; an emotion without songs has none.
        tokenize: What made the catalogue's lexical tokens (`profile_music.text.lexical.tokens`).

    Returns:
        The folders by emotion.
    """
    strongest = whole.emotions.argmax(axis=1)
    folders = {}
    for number, emotion in enumerate(EMOTIONS):
        chosen = np.flatnonzero(strongest == number)
        if len(chosen):
            folders[emotion.value] = out / emotion.value
            _write_part(whole, [int(song) for song in chosen], folders[emotion.value], tokenize)
    return folders


def _write_part(whole: CatalogFiles, chosen: list[int], folder: Path, tokenize: Callable[[str], Iterable[str]]) -> None:
    manifest = whole.manifest
    with CatalogWriter(folder, manifest.encoder, vector_dtype=str(whole.vectors.dtype)) as writer:
        for begin in range(0, len(chosen), _BATCH_SONGS):
            batch = chosen[begin : begin + _BATCH_SONGS]
            songs = [whole.song(number, with_lines=True) for number in batch]
            rows = [line_id for number in batch for line_id in whole.line_ids(number)]
            writer.add(
                songs,
                whole.vectors[rows],
                [tokenize(line) for song in songs for line in song.lines],
                whole.about_vectors[batch],
                [tokenize(f"{song.artist} {about_text(song)}") for song in songs],
            )
        writer.publish(built_by=manifest.built_by)
