"""The costly part of a build, line by line: vectors and tokens, in this process or in several."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from profile_music.errors import CatalogError
from profile_music.index.lexical import Postings, postings_of
from profile_music.text import TextEncoder, load_encoder
from profile_music.text.concepts import concepts_of
from profile_music.text.lexical import tokens
from profile_music.text.mood import TextMood
from profile_music.text.remembered import texts_remembered
from profile_music.types import EMOTIONS, Vectors

Tag = TypeVar("Tag")
INLINE_JOBS = 6
"""So many jobs run here first: small builds never pay for starting processes."""

_reader: LineReader | None = None


@dataclass(frozen=True, slots=True)
class LineJob:
    """What to do with a batch: tokenise `lines` and `about`, encode `to_embed`, read the mood of `to_feel`."""

    lines: Sequence[str]
    about: Sequence[str]
    to_embed: Sequence[str]
    to_feel: Sequence[str]


@dataclass(frozen=True, slots=True)
class LineResult:
    """Postings of `lines` and `about`, concepts of `lines`, vectors of `to_embed`, emotions (N, 4) of `to_feel`."""

    lines: Postings
    concepts: Sequence[Sequence[str]]
    about: Postings
    vectors: Vectors
    emotions: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LineReader:
    """The models of a build."""

    encoder: TextEncoder
    mood: TextMood

    def run(self, job: LineJob) -> LineResult:
        """Do one job."""
        with texts_remembered():
            felt = [scores.as_array() for scores in self.mood.predict(list(job.to_feel))]
            return LineResult(
                lines=postings_of([tokens(line) for line in job.lines]),
                concepts=[concepts_of(line) for line in job.lines],
                about=postings_of([tokens(text) for text in job.about]),
                vectors=self.encoder.encode_passages(list(job.to_embed)),
                emotions=np.array(felt, dtype=np.float64).reshape(-1, len(EMOTIONS)),
            )


def run_jobs(
    reader: LineReader, jobs: Iterable[tuple[Tag, LineJob]], processes: int
) -> Iterator[tuple[Tag, LineResult]]:
    """Do jobs and yield their results in order, each with its tag; only a few jobs are in memory at a time.

    Processes beyond this one are started for the embedded encoder only (others use all cores by themselves), and only
    where the jobs are more than `INLINE_JOBS`.
    """
    waiting = iter(jobs)
    few = waiting if processes < 2 or reader.encoder.name != "embedded" else islice(waiting, INLINE_JOBS)
    for tag, job in few:
        yield tag, reader.run(job)
    first = next(waiting, None)
    if first is not None:
        yield from _run_parallel(reader.encoder, chain([first], waiting), processes)


def _run_parallel(
    encoder: TextEncoder, jobs: Iterable[tuple[Tag, LineJob]], processes: int
) -> Iterator[tuple[Tag, LineResult]]:
    # Spawned, not forked: this process has threads (progress bar, inference).
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), _start_worker, (encoder.name, encoder.fingerprint)
    )
    pending: deque[tuple[Tag, Future[LineResult]]] = deque()
    try:
        for tag, job in jobs:
            pending.append((tag, pool.submit(_work, job)))
            if len(pending) > processes + 1:
                done_tag, future = pending.popleft()
                yield done_tag, future.result()
        while pending:
            done_tag, future = pending.popleft()
            yield done_tag, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker(name: str, fingerprint: str) -> None:
    global _reader
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    encoder = load_encoder(name)
    if encoder.fingerprint != fingerprint:
        raise CatalogError(reason=f"the encoder {name} changed while building")
    _reader = LineReader(encoder, TextMood.load(encoder))


def _leave_with_parent() -> None:
    """End this process with its parent, also where that is killed: nobody else would end it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(job: LineJob) -> LineResult:
    if _reader is None:
        raise CatalogError(reason="worker without encoder")
    return _reader.run(job)
