"""Training on a handful of sentences: the parts fit together and the losses do what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from profile_music.evaluate.text_metrics import ranks, retrieval, spearman
from profile_music.text.embedded import SHARES, EmbeddedEncoder, PackedTable


def test_ranks_share_ties() -> None:
    np.testing.assert_array_equal(ranks(np.array([3.0, 1.0, 3.0, 2.0])), [3.5, 1, 3.5, 2])


def test_spearman_sees_order_alone() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    assert spearman(values, values**3) == pytest.approx(1)
    assert spearman(values, -values) == pytest.approx(-1)


def test_retrieval_counts_ties_against() -> None:
    scores = np.array([[0.9, 0.1, 0.2], [0.5, 0.5, 0.1]])
    found = retrieval(scores, np.array([0, 1]))
    assert (found.hit_at_5, found.mrr, found.queries) == (1.0, 0.75, 2)


@pytest.mark.train
def test_packed_rows_stay_close() -> None:
    pytest.importorskip("torch")
    from profile_music.train.text_export import pack_rows

    rows = np.random.default_rng(0).normal(size=(50, 64)).astype(np.float32)
    table = PackedTable(*pack_rows(rows))
    sums = np.stack([table.sum([number]) for number in range(50)])
    cosines = (sums * rows).sum(1) / np.linalg.norm(sums, axis=1) / np.linalg.norm(rows, axis=1)
    assert cosines.min() > 0.98
    np.testing.assert_allclose(table.sum([1, 2]), sums[1] + sums[2], atol=1e-3)


@pytest.mark.train
def test_cosent_wants_the_order_of_the_ratings() -> None:
    torch = pytest.importorskip("torch")
    from profile_music.train.text_net import cosent, info_nce

    left = torch.nn.functional.normalize(torch.eye(3), dim=1)
    right = torch.nn.functional.normalize(torch.tensor([[1.0, 0, 0], [1, 1, 0], [1, 0, 0]]), dim=1)
    scores = torch.tensor([5.0, 3.0, 0.0])
    assert cosent(left, right, scores, 20.0) < cosent(left, right, scores.flip(0), 20.0)
    assert info_nce(left, left, 20.0) < info_nce(left, right, 20.0)


@pytest.mark.train
def test_a_small_table_learns_its_pairs(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from profile_music.text.segment import Dictionary, Segmenter
    from profile_music.train.text_data import Comment, Pair, RatedPair, TextSets
    from profile_music.train.text_export import used_rows, write_model
    from profile_music.train.text_net import TextRecipe, TextTable, train_table

    words = ["바다", "여름", "이별", "눈물", "시험", "공부", "생일", "축하"]
    index = {mark + word: 2 * n + k for n, word in enumerate(words) for k, mark in enumerate(("^", ""))}
    rows = [n // 2 for n in range(len(index))]
    dictionary = Dictionary(index, [5.0] * len(index), [0] * len(index), list(range(len(index) + 1)), rows, 2, 8, 4)
    segmenter = Segmenter(dictionary)

    def tokenize(text: str) -> np.ndarray:
        return np.array([row for word in text.split() for row in segmenter.rows(word)], dtype=np.int64)

    pairs = [Pair(words[n], words[n + 1]) for n in range(0, 8, 2)]
    rated = [RatedPair("바다", "여름", 5.0), RatedPair("바다", "이별", 0.0), RatedPair("시험", "생일", 1.0)]
    comments = [Comment("이별 눈물", (5, 19)), Comment("생일 축하", (40, 42))]
    sets = TextSets({"nli": pairs}, rated, [], comments, [])
    recipe = TextRecipe(steps=150, batch=4, rated_batch=3, comment_batch=2, set_shares=(("nli", 1.0),))
    torch.manual_seed(0)
    start = np.random.default_rng(0).normal(size=(12, 32)).astype(np.float32) / 32**0.5
    table = TextTable(start, np.ones(12, np.float32), recipe)
    train_table(table, sets, tokenize, recipe)
    slim, kept = used_rows(dictionary)
    path = tmp_path / "small.npz"
    trained = table.table()
    write_model(
        path,
        slim,
        trained[kept],
        np.abs(trained[kept][:, :16]),
        None,
        dict.fromkeys(SHARES, 0.0),
        {},
    )
    encoder = EmbeddedEncoder.load(path)
    vectors = encoder.encode_queries(words)
    likeness = vectors @ vectors.T - 2 * np.eye(8)
    assert [int(row.argmax()) for row in likeness] == [1, 0, 3, 2, 5, 4, 7, 6]
