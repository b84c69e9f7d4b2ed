"""Exact scores of candidate rows that came out of LanceDB as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from profile_music.index.lexical import BUCKETS, bucket_counts
from profile_music.types import Vectors

if TYPE_CHECKING:
    from profile_music.index.search import IndexQuery


@dataclass(frozen=True, slots=True)
class TokenRows:
    """The tokens of N rows: for each pair of row and bucket, both and the count (P,)."""

    rows: NDArray[np.int64]
    buckets: NDArray[np.int32]
    counts: NDArray[np.int32]
    size: int

    @classmethod
    def of(cls, table: Any, prefix: str = "") -> TokenRows:
        """Take the two columns of lists from a table."""
        buckets, counts = (_lists(table[f"{prefix}{name}"]) for name in ("buckets", "counts"))
        rows = np.repeat(np.arange(len(buckets)), np.asarray(buckets.value_lengths()))
        return cls(rows, np.asarray(buckets.flatten()), np.asarray(counts.flatten()), len(buckets))

    def cosines(self, queries: Sequence[Iterable[str]], idf: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the TF-IDF cosine of each query's tokens with each row, shape (queries, rows)."""
        values = (1 + np.log(self.counts)) * idf[self.buckets]
        lengths = np.sqrt(np.bincount(self.rows, values**2, minlength=self.size))
        result = np.zeros((len(queries), self.size), dtype=np.float32)
        for place, tokens in enumerate(queries):
            wanted = np.zeros(BUCKETS)
            for bucket, count in bucket_counts(tokens).items():
                wanted[bucket] = (1 + np.log(count)) * idf[bucket]
            shared = np.bincount(self.rows, values * wanted[self.buckets], minlength=self.size)
            np.divide(
                shared, lengths * np.linalg.norm(wanted), out=result[place], where=shared > 0, casting="same_kind"
            )
        return result


@dataclass(frozen=True, slots=True)
class BestLines:
    """Each song's best line: the song's key, the line's row in the song and text, and its scores; all (songs,)."""

    keys: NDArray[np.int64]
    rows: NDArray[np.int64]
    texts: list[str]
    scores: NDArray[np.float32]
    semantic: NDArray[np.float32]
    lexical: NDArray[np.float32]

    @classmethod
    def of(cls, lines: Any, query: IndexQuery, idf: NDArray[np.float32]) -> BestLines:
        """Score candidate lines, a table in which each may stand several times."""
        keys = np.asarray(lines["song_key"])
        semantic = query.vectors @ vectors_of(lines["vector"]).T
        lexical = TokenRows.of(lines).cosines(query.tokens, idf)
        scores = query.semantic_weight * semantic + query.lexical_weight * lexical
        rows = np.asarray(lines["row"]).astype(np.int64)
        order = np.lexsort((rows, -scores.max(axis=0), keys))
        _, first = np.unique(keys[order], return_index=True)
        best = order[first]
        at = scores[:, best].argmax(axis=0), best
        texts = lines["text"].take(best).to_pylist()
        return cls(keys[best], rows[best], texts, scores[at], semantic[at], lexical[at])


def concatenated(tables: Sequence[Any]) -> Any:
    """Return tables of the same columns as one."""
    import pyarrow

    return pyarrow.concat_tables(tables)


def vectors_of(column: Any) -> Vectors:
    """Return a column of vectors as an array (rows, dimensions)."""
    flat: Vectors = np.asarray(_lists(column).flatten(), dtype=np.float32)
    return flat.reshape(len(column), -1)


def _lists(column: Any) -> Any:
    """Return a column as one Arrow array of lists."""
    whole = column.combine_chunks()
    return whole.chunk(0) if hasattr(whole, "chunk") else whole
