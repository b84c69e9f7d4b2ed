"""The training loop: data wholly on the device, augmentation in batches, a schedule by progress, resumable.

Progress is the share of the budget that is spent (minutes where a budget is given, epochs otherwise), so a busy
machine makes the run shorter, never undecayed.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from profile_music.train.data_faces import LabelledFaces
from profile_music.train.emotion_augment import AugmentSpec, BatchAugment, as_rgb, to_float
from profile_music.train.emotion_facenet import unfold_norms
from profile_music.train.emotion_net import blocks_of, load_initial_weights, make_net, reduction_matrix
from profile_music.train.emotion_recipe import EmotionRecipe

CHECKPOINT_EVERY_S = 240.0


@dataclass
class RunOptions:
    """What does not change the result's kind: where, how long, on what.

    Attributes:
        out: Folder of the checkpoint, the log and the best weights.
        minutes: Budget of training time; None trains `recipe.epochs`.
        init: Weights to start from (torchvision's ResNet50 names).
        teacher: A trained model whose answers are mixed into the labels.
        device: cuda, cpu or mps; chosen where None.
        compile: Use torch.compile.
        validate_every: Share of the run between validations.
        say: Receives one line of progress at a time.
    """

    out: Path
    minutes: float | None = None
    init: Path | None = None
    teacher: Path | None = None
    device: str | None = None
    compile: bool = False
    validate_every: float = 0.1
    say: Callable[[str], None] = print


@dataclass
class RunState:
    """Where a run stands; stored in its checkpoint."""

    step: int = 0
    images: int = 0
    spent_s: float = 0.0
    best_score: float = -1.0
    history: list[dict[str, Any]] = field(default_factory=list)


def learning_rate(recipe: EmotionRecipe, progress: float) -> float:
    """Return the learning rate at `progress` (0..1)."""
    if recipe.schedule == "constant":
        return recipe.lr
    if progress < recipe.warmup:
        return recipe.lr * (0.05 + 0.95 * progress / recipe.warmup)
    if progress < recipe.hold:
        return recipe.lr
    share = min(1.0, (progress - recipe.hold) / (1 - recipe.hold))
    return recipe.lr * (0.5 * (1 + math.cos(math.pi * share)) * 0.998 + 0.002)


def sampling_weights(labels: NDArray[np.float32], balance: str) -> NDArray[np.float64]:
    """Return how often each row is drawn an epoch on average, (N,), mean one."""
    if balance == "none":
        return np.ones(len(labels))
    weights: NDArray[np.float64] = labels.astype(np.float64) @ (1 / np.sqrt(labels.mean(axis=0) + 1e-9))
    weights /= weights.mean()
    return weights


def draw_epoch(weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the rows of one epoch in random order: each floor(weight) times or once more, at random."""
    counts = np.floor(weights + rng.random(len(weights))).astype(np.int64)
    return rng.permutation(np.repeat(np.arange(len(weights)), counts))


def soft_cross_entropy(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Cross entropy against label shares (N, 4)."""
    targets = targets * (1 - smoothing) + smoothing / targets.shape[1]
    return -(targets * torch.log_softmax(logits.float(), 1)).sum(1).mean()


def make_optimizer(recipe: EmotionRecipe, net: nn.Module) -> torch.optim.Optimizer:
    """Build the recipe's optimiser; biases, gammas and betas are not decayed."""
    weights = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": recipe.weight_decay}, {"params": rest, "weight_decay": 0.0}]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.betas[0], nesterov=True, fused=True)
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=recipe.lr, betas=recipe.betas, eps=1e-6, fused=True)


class WeightAverage:
    """An exponential moving average of weights and normalisation statistics, with a warm-up of its horizon."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in net.state_dict().items()}

    def update(self, net: nn.Module, step: int) -> None:
        """Move towards the network's present values."""
        keep = min(self.decay, (step + 1) / (step + 10))
        state = net.state_dict()
        floats = [name for name, value in state.items() if value.is_floating_point()]
        with torch.no_grad():
            torch._foreach_lerp_([self.values[n] for n in floats], [state[n] for n in floats], 1 - keep)


class EmotionTrainer:
    """One run of one seed."""

    def __init__(self, recipe: EmotionRecipe, options: RunOptions, seed: int) -> None:
        self.recipe, self.options, self.seed = recipe, options, seed
        self.device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.manual_seed(seed)
        self.net = make_net(recipe)
        if options.init:
            taken, total = load_initial_weights(self.net, options.init)
            options.say(f"init: {taken} of {total} tensors from {options.init.name}")
        self.net.to(self.device, memory_format=torch.channels_last)
        self.grown = not recipe.grow_from
        self._make_runnable()
        self.optimizer = make_optimizer(recipe, self.net)
        self.average = WeightAverage(self.net, recipe.ema)
        self.state = RunState()
        options.out.mkdir(parents=True, exist_ok=True)
        self.checkpoint = options.out / f"seed{seed}-last.pt"
        self._resume()

    def train(self, train: LabelledFaces, valid: LabelledFaces | None) -> dict[str, Tensor]:
        """Train to the end of the budget and return the averaged weights."""
        spec = AugmentSpec().scaled(self.recipe.augment)
        augment = BatchAugment(spec, self.device, self.seed + 1000 * self.state.step)
        rng = np.random.default_rng([self.seed, self.state.step])
        images = torch.from_numpy(train.images).to(self.device)
        if self.options.init and self.recipe.net == "face" and not self.state.step:
            self._fit_norms(images)
        labels = train.labels if self.recipe.soft_labels else np.eye(4, dtype=np.float32)[train.majority]
        targets = torch.from_numpy(labels).to(self.device)
        weights = sampling_weights(labels, self.recipe.balance)
        next_validation = self._progress(len(train)) + self.options.validate_every
        saved_at = logged_at = started = time.monotonic()
        spent_before, losses = self.state.spent_s, []
        while (progress := self._progress(len(train))) < 1:
            rows = torch.from_numpy(draw_epoch(weights, rng)).to(self.device)
            for chosen in rows.split(self.recipe.batch):
                if len(chosen) < min(self.recipe.batch, len(train)) or (progress := self._progress(len(train))) >= 1:
                    break
                losses.append(self._step(augment, images[chosen], targets[chosen], progress))
                now = time.monotonic()
                self.state.spent_s = spent_before + now - started
                if now - logged_at > 60:
                    self._log(torch.stack(losses).mean().item(), progress)
                    losses, logged_at = [], now
                if now - saved_at > CHECKPOINT_EVERY_S:
                    self._save()
                    saved_at = now
                if valid is not None and progress >= next_validation:
                    self._validate(valid)
                    next_validation += self.options.validate_every
        self._save()
        if valid is not None:
            self._validate(valid)
        return self.average.values

    def _make_runnable(self) -> None:
        self.run_net = torch.compile(self.net) if self.options.compile else self.net

    def _fit_norms(self, images: Tensor) -> None:
        px = self.recipe.warm_px if self.recipe.warm_share else self.recipe.body_px
        x = functional.interpolate(to_float(images[:512]), size=(px, px), mode="bilinear", align_corners=False)
        unfold_norms(self.net, as_rgb(x))
        self.average = WeightAverage(self.net, self.recipe.ema)

    def _grow(self) -> None:
        self.net.grow(self.recipe.blocks)
        self.grown = True
        self._make_runnable()
        optimizer = make_optimizer(self.recipe, self.net)
        optimizer.state.update(self.optimizer.state)
        self.optimizer = optimizer
        fresh = {name: value.detach().clone() for name, value in self.net.state_dict().items()}
        self.average.values = {**fresh, **self.average.values}
        self.options.say(f"grown to {blocks_of(fresh)} blocks at step {self.state.step}")

    def _progress(self, count: int) -> float:
        if self.options.minutes is not None:
            return self.state.spent_s / (60 * self.options.minutes)
        return self.state.images / (self.recipe.epochs * count)

    def _step(self, augment: BatchAugment, images: Tensor, targets: Tensor, progress: float) -> Tensor:
        if not self.grown and progress >= self.recipe.grow_share:
            self._grow()
        px = self.recipe.warm_px if progress < self.recipe.warm_share else self.recipe.body_px
        x = as_rgb(augment(images, px)).contiguous(memory_format=torch.channels_last)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, progress)
        self.run_net.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self.run_net(x)
        loss = soft_cross_entropy(logits, targets, self.recipe.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.average.update(self.net, self.state.step)
        self.state.step += 1
        self.state.images += len(images)
        return loss.detach()

    def _log(self, loss: float, progress: float) -> None:
        state = self.state
        self.options.say(
            f"{time.strftime('%H:%M:%S')} step {state.step} images {state.images} progress {progress:.3f} "
            f"loss {loss:.4f} images/s {state.images / max(1e-9, state.spent_s):.1f}"
        )

    def _validate(self, valid: LabelledFaces) -> None:
        clean = valid.take(~valid.duplicate)
        logits = predict_logits(self.recipe, self.average.values, clean.images, self.device)
        top = logits.argmax(1)
        recalls = [float((top[clean.majority == c] == c).mean()) for c in range(4) if (clean.majority == c).any()]
        accuracy = float((top == clean.majority).mean())
        row = {"step": self.state.step, "accuracy": round(accuracy, 4), "recalls": [round(r, 4) for r in recalls]}
        self.state.history.append(row)
        self.options.say(f"{time.strftime('%H:%M:%S')} valid {json.dumps(row)}")
        score = accuracy + float(np.mean(recalls))
        if score > self.state.best_score:
            self.state.best_score = score
            torch.save({"ema": self.average.values, "recipe": self.recipe.to_dict()}, self._path("best"))

    def _path(self, kind: str) -> Path:
        return self.options.out / f"seed{self.seed}-{kind}.pt"

    def _save(self) -> None:
        body: dict[str, Any] = {
            "net": self.net.state_dict(),
            "ema": self.average.values,
            "optimizer": self.optimizer.state_dict(),
            "state": vars(self.state),
            "recipe": self.recipe.to_dict(),
        }
        partial = self.checkpoint.with_suffix(".tmp")
        torch.save(body, partial)
        partial.replace(self.checkpoint)

    def _resume(self) -> None:
        if not self.checkpoint.is_file():
            return
        body = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        if not self.grown:
            self.net.grow(blocks_of(body["net"]))
            self.grown = blocks_of(body["net"]) == self.recipe.blocks
        self._make_runnable()
        self.optimizer = make_optimizer(self.recipe, self.net)
        self.net.load_state_dict(body["net"])
        self.average.values = body["ema"]
        self.optimizer.load_state_dict(body["optimizer"])
        self.state = RunState(**body["state"])
        self.options.say(f"resumed at step {self.state.step}, {self.state.spent_s / 60:.1f} min spent")


def predict_logits(
    recipe: EmotionRecipe,
    weights: dict[str, Tensor],
    images: NDArray[np.uint8],
    device: torch.device | None = None,
) -> NDArray[np.float32]:
    """Return logits (N, 4) of pictures, resized to the body's size."""
    device = device or torch.device("cpu")
    net = make_net(recipe, weights)
    net.eval().to(device, memory_format=torch.channels_last)
    matrix = reduction_matrix(images.shape[1], recipe.body_px).to(device)
    rows = []
    with torch.no_grad():
        for chunk in np.array_split(images, max(1, len(images) // 256)):
            x = matrix @ to_float(torch.from_numpy(chunk).to(device)) @ matrix.T
            rows.append(net(as_rgb(x).contiguous(memory_format=torch.channels_last)).float().cpu())
    logits: NDArray[np.float32] = torch.cat(rows).numpy()
    return logits
