"""The trainable table of the embedded encoder and its losses.

A row is a linear map of its morpheme's association vector plus a residual, times a weight of its own; so what the
pairs teach reaches morphemes that no pair holds. A sentence is the unit sum of its rows. While training, a share of
each vector is a fixed random code of its rows: with word identity taken care of, the rows learn meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from profile_music.train.text_data import KOTE_LABELS, Pair, TextSets

Rows = NDArray[np.int64]
Tokenize = Callable[[str], Rows]

IDENTITY_DIM = 128
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class TextRecipe:
    """How the table is trained; see `_step` for the losses.

    `averaged` seeds are trained and averaged; `with_dev` adds KorSTS dev to the rated pairs, so that only the test
    part is left to measure on.
    """

    steps: int = 1700
    batch: int = 128
    rated_batch: int = 128
    comment_batch: int = 96
    tokens_max: int = 40
    scale: float = 20.0
    rated_share: float = 0.5
    comment_share: float = 1.5
    identity_share: float = 0.5
    dropout: float = 0.0
    averaged: int = 4
    with_dev: bool = True
    seed: int = 0
    set_shares: tuple[tuple[str, float], ...] = (
        ("nli", 3.0), ("parakqc", 1.0), ("sae4k", 1.5), ("question_pair", 0.5), ("chatbot", 0.8),
    )  # fmt: skip


class TextTable(nn.Module):  # type: ignore[misc]
    """Rows of meaning, shape (R, D)."""

    def __init__(self, start: NDArray[np.float32], weights: NDArray[np.float32], recipe: TextRecipe) -> None:
        """Start from vectors of shape (R, D) and weights of shape (R,)."""
        super().__init__()
        count, dim = start.shape
        self.start = torch.from_numpy(start)
        codes = np.random.default_rng(7).integers(0, 2, size=(count, IDENTITY_DIM)) * 2 - 1
        self.codes = torch.from_numpy((codes / IDENTITY_DIM**0.5).astype(np.float32))
        self.identity_share = recipe.identity_share
        self.map = nn.Parameter(torch.eye(dim))
        self.residual = nn.Embedding(count, dim, sparse=True)
        nn.init.zeros_(self.residual.weight)
        self.weight = nn.Embedding(count, 1, sparse=True)
        self.weight.weight.data[:, 0] = torch.from_numpy(np.log(np.expm1(weights)))
        self.comment_head = nn.Linear(dim, KOTE_LABELS)

    def rows(self, numbers: Tensor) -> Tensor:
        """Return rows, shape (N, D)."""
        weights = functional.softplus(self.weight(numbers))
        found: Tensor = (self.start[numbers] @ self.map + self.residual(numbers)) * weights
        return found

    def forward(self, texts: Sequence[Rows]) -> tuple[Tensor, Tensor]:
        """Return the texts' unit vectors, shape (N, D), and the same with their identity codes beside."""
        flat = torch.from_numpy(np.concatenate(texts))
        starts = torch.from_numpy(np.cumsum([0, *(len(text) for text in texts[:-1])]))
        numbers, places = torch.unique(flat, return_inverse=True)
        rows = self.rows(numbers)
        meaning = functional.normalize(functional.embedding_bag(places, rows, starts, mode="sum"), dim=-1)
        coded = self.codes[numbers] * rows.norm(dim=1, keepdim=True)
        identity = functional.normalize(functional.embedding_bag(places, coded, starts, mode="sum"), dim=-1)
        share = self.identity_share
        return meaning, torch.cat([meaning, share**0.5 * identity], 1) / (1 + share) ** 0.5

    def table(self) -> NDArray[np.float32]:
        """Return all rows, shape (R, D)."""
        with torch.no_grad():
            found: NDArray[np.float32] = self.rows(torch.arange(len(self.start))).numpy()
        return found


def train_table(
    table: TextTable,
    sets: TextSets,
    tokenize: Tokenize,
    recipe: TextRecipe,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
) -> None:
    """Train in place: Adam on the map and the head, sparse Adam on the rows, rates falling to zero in a line."""
    rng = np.random.default_rng(recipe.seed)
    optimizers: list[tuple[torch.optim.Optimizer, float]] = [
        (torch.optim.Adam([table.map]), 1e-3),
        (torch.optim.SparseAdam([table.residual.weight]), 2e-3),
        (torch.optim.SparseAdam([table.weight.weight]), 2e-2),
        (torch.optim.Adam(table.comment_head.parameters()), 1e-2),
    ]
    for step in range(recipe.steps):
        loss = _step(table, sets, tokenize, recipe, rng)
        loss.backward()
        for optimizer, rate in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * (1 - step / recipe.steps)
            optimizer.step()
            optimizer.zero_grad()
        on_step(step + 1, float(loss.detach()))


def _step(table: TextTable, sets: TextSets, tokenize: Tokenize, recipe: TextRecipe, rng: np.random.Generator) -> Tensor:
    """InfoNCE on one pair set, CoSENT on rated pairs, and the 44 labels of comments, in one pass of the table."""
    pairs = _draw(sets.pairs[_draw_set(recipe, rng)], recipe.batch, rng)
    rated = _draw(sets.rated, recipe.rated_batch, rng)
    comments = _draw(sets.comments, recipe.comment_batch, rng)
    parts = [[pair.first for pair in pairs], [pair.second for pair in pairs] + _contraries(pairs)]
    parts += [[pair.first for pair in rated], [pair.second for pair in rated], [each.text for each in comments]]
    meaning, coded = table([_thinned(tokenize(text), recipe, rng) for part in parts for text in part])
    bounds = np.cumsum([0, *map(len, parts)])
    first, second, left, right = (coded[bounds[n] : bounds[n + 1]] for n in range(4))
    wanted = torch.zeros(len(comments), KOTE_LABELS)
    for row, comment in enumerate(comments):
        wanted[row, list(comment.labels)] = 1
    guesses = table.comment_head(meaning[bounds[4] :] * 4)
    return (
        info_nce(first, second, recipe.scale)
        + recipe.rated_share * cosent(left, right, torch.tensor([pair.score for pair in rated]), recipe.scale)
        + recipe.comment_share * functional.binary_cross_entropy_with_logits(guesses, wanted)
    )


def info_nce(first: Tensor, second: Tensor, scale: float) -> Tensor:
    """Each of `first` (N, D) finds its partner among `second` (N or more, D), and back (van den Oord et al. 2018)."""
    likeness = first @ second.T * scale
    partners = torch.arange(len(first))
    forth = functional.cross_entropy(likeness, partners)
    back = functional.cross_entropy(likeness[:, : len(first)].T, partners)
    return (forth + back) / 2


def cosent(left: Tensor, right: Tensor, scores: Tensor, scale: float) -> Tensor:
    """Pairs rated higher shall have higher cosines (CoSENT, Su 2022)."""
    cosines = (left * right).sum(1) * scale
    wrong = (cosines[:, None] - cosines[None, :])[scores[:, None] < scores[None, :]]
    return torch.logsumexp(torch.cat([torch.zeros(1), wrong]), 0)


def _thinned(rows: Rows, recipe: TextRecipe, rng: np.random.Generator) -> Rows:
    """Drop some rows at random, never all, so that no pair is learnt by heart."""
    short = rows[: recipe.tokens_max]
    kept = short[rng.random(len(short)) >= recipe.dropout]
    return kept if len(kept) else short


def _draw(items: Sequence[_Item], count: int, rng: np.random.Generator) -> list[_Item]:
    return [items[number] for number in rng.choice(len(items), min(count, len(items)), replace=False)]


def _draw_set(recipe: TextRecipe, rng: np.random.Generator) -> str:
    shares = np.array([share for _, share in recipe.set_shares])
    return recipe.set_shares[rng.choice(len(shares), p=shares / shares.sum())][0]


def _contraries(pairs: Sequence[Pair]) -> list[str]:
    return [pair.contrary for pair in pairs if pair.contrary]
