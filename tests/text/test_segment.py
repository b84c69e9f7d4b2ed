"""The segmenter on a dictionary small enough to check by eye."""

from __future__ import annotations

from profile_music.text.segment import CLOSES_AS_STEM, OPENS_AS_ENDING, Dictionary, Segmenter


def make(chunks: dict[str, tuple[float, list[int], int]]) -> Segmenter:
    offsets, rows = [0], []
    for _, own, _ in chunks.values():
        rows += own
        offsets.append(len(rows))
    return Segmenter(
        Dictionary(
            index={chunk: number for number, chunk in enumerate(chunks)},
            costs=[cost for cost, _, _ in chunks.values()],
            flags=[flags for _, _, flags in chunks.values()],
            offsets=offsets,
            rows=rows,
            longest=4,
            first_bucket=100,
            buckets=10,
        )
    )


CHUNKS = {
    "^수": (4.0, [1], 0),
    "^수고": (9.0, [2], 0),
    "고": (3.0, [3], OPENS_AS_ENDING),
    "했": (4.0, [4, 5], CLOSES_AS_STEM),
    "어": (3.0, [6], OPENS_AS_ENDING),
    "ok": (1.0, [7], 0),
}


def test_grammar_outweighs_frequency() -> None:
    segmenter = make(CHUNKS)
    assert segmenter.pieces("수고했어") == ["수고", "했", "어"]
    assert segmenter.rows("수고했어") == (2, 4, 5, 6)


def test_a_letter_that_no_chunk_covers_gets_a_shared_row() -> None:
    (row,) = make(CHUNKS).rows("뷁")
    assert 100 <= row < 110


def test_foreign_words_are_whole() -> None:
    segmenter = make(CHUNKS)
    assert segmenter.rows("ok") == (7,)
    assert segmenter.pieces("lol") == ["lol"]
    assert 100 <= segmenter.rows("lol")[0] < 110


def test_empty_word() -> None:
    assert make(CHUNKS).rows("") == ()
    assert make(CHUNKS).pieces("") == []


def test_long_words_are_not_kept() -> None:
    segmenter = make(CHUNKS)
    for number in range(50):
        assert segmenter.rows("수고했어" * 10 + "고" * number)
    assert not segmenter._cache
    assert segmenter.rows("수고") == segmenter.rows("수고") and len(segmenter._cache) == 1
