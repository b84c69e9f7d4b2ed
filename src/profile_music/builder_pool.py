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

from profile_music.errors import CatalogError
from profile_music.index.lexical import Postings, postings_of
from profile_music.text import TextEncoder, load_encoder
from profile_music.text.lexical import tokens
from profile_music.types import Vectors

Tag = TypeVar("Tag")
INLINE_JOBS = 6
"""So many jobs run here first: small builds never pay for starting processes."""

_encoder: TextEncoder | None = None


@dataclass(frozen=True, slots=True)
class LineJob:
    """Lines to tokenise; `to_embed` (some of the lines, and texts on the songs) to encode; `about` to tokenise."""

    lines: Sequence[str]
    to_embed: Sequence[str]
    about: Sequence[str]


@dataclass(frozen=True, slots=True)
class LineResult:
    """The vectors of `to_embed`, and the postings of `lines` and of `about`."""

    vectors: Vectors
    lines: Postings
    about: Postings


def run_job(encoder: TextEncoder, job: LineJob) -> LineResult:
    """Do one job."""
    return LineResult(
        vectors=encoder.encode_passages(list(job.to_embed)),
        lines=postings_of([tokens(line) for line in job.lines]),
        about=postings_of([tokens(text) for text in job.about]),
    )


def run_jobs(
    encoder: TextEncoder, jobs: Iterable[tuple[Tag, LineJob]], processes: int
) -> Iterator[tuple[Tag, LineResult]]:
    """Do jobs and yield their results in order, each with its tag; only a few jobs are in memory at a time.

    Processes beyond this one are started for the embedded encoder only (others use all cores by themselves), and only
    where the jobs are more than `INLINE_JOBS`.
    """
    waiting = iter(jobs)
    few = waiting if processes < 2 or encoder.name != "embedded" else islice(waiting, INLINE_JOBS)
    for tag, job in few:
        yield tag, run_job(encoder, job)
    first = next(waiting, None)
    if first is not None:
        yield from _run_parallel(encoder, chain([first], waiting), processes)


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
    global _encoder
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _encoder = load_encoder(name)
    if _encoder.fingerprint != fingerprint:
        raise CatalogError(reason=f"the encoder {name} changed while building")


def _leave_with_parent() -> None:
    """End this process with its parent, also where that is killed: nobody else would end it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(job: LineJob) -> LineResult:
    if _encoder is None:
        raise CatalogError(reason="worker without encoder")
    return run_job(_encoder, job)
