"""A residual net that starts from face recognition: dlib's (King, 2017; weights CC0), with an emotion head.

Layers and strides are those of dlib's `dnn_face_recognition_ex.cpp`; `tools/convert_dlib.py` writes its weights as a
file for `--init`. dlib trains with batch normalisation and stores it folded into a scale and a shift; `unfold_norms`
measures what normalisation must undo, so that training can go on with it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASS_COUNT = 4
STAGES = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
"""Channels and blocks of each stage; every stage but the first begins with a stride of two."""

POOLED_STAGES = (2, 3, 4)
"""The head sees the means of these stages: the last ones forget expressions, as identity asks."""

DLIB_MEAN = (122.782, 117.001, 104.298)


class FaceBlock(nn.Module):  # type: ignore[misc]
    """Two 3x3 convolutions around a shortcut that averages where it shrinks and fills new channels with zeros."""

    def __init__(self, channels_in: int, channels: int, *, shrinks: bool) -> None:
        super().__init__()
        self.shrinks = shrinks
        stride, padding = (2, 0) if shrinks else (1, 1)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, (N, channels, H, W), halved where the block shrinks."""
        shortcut = functional.avg_pool2d(x, 2) if self.shrinks else x
        missing = self.conv2.out_channels - shortcut.shape[1]
        if missing:
            shortcut = functional.pad(shortcut, (0, 0, 0, 0, 0, missing))
        # One row and column at the end let even sizes halve as the shortcut does; odd sizes are as in dlib.
        x = functional.pad(x, (0, 1, 0, 1)) if self.shrinks else x
        x = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        return functional.relu(self.bn2(self.conv2(x)) + shortcut, inplace=True)


class EmotionFaceNet(nn.Module):  # type: ignore[misc]
    """dlib's face net up to its average, and a linear head on the means of its last stages."""

    mean: Tensor

    def __init__(self, dropout: float = 0.0, inner_px: int = 96) -> None:
        super().__init__()
        self.inner_px = inner_px
        self.register_buffer("mean", torch.tensor(DLIB_MEAN).view(1, 3, 1, 1) / 256, persistent=False)
        self.conv1 = nn.Conv2d(3, STAGES[0][0], 7, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(STAGES[0][0])
        channels, stages = STAGES[0][0], []
        for number, (width, count) in enumerate(STAGES):
            blocks = []
            for index in range(count):
                blocks.append(FaceBlock(channels, width, shrinks=number > 0 and index == 0))
                channels = width
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(sum(STAGES[number][0] for number in POOLED_STAGES), CLASS_COUNT)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def pooled(self, x: Tensor) -> list[Tensor]:
        """Return the mean of every stage's maps, [(N, channels)], of pictures (N, 3, H, W) in 0..1."""
        x = functional.interpolate(x, size=(self.inner_px, self.inner_px), mode="bilinear", align_corners=False)
        x = functional.relu(self.bn1(self.conv1(x * (255 / 256) - self.mean)), inplace=True)
        x = functional.max_pool2d(x, 3, 2)
        means = []
        for stage in self.stages:
            x = stage(x)
            means.append(x.mean((2, 3)))
        return means

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, 4) in the class order of `EMOTIONS`."""
        means = self.pooled(x)
        return self.head(self.dropout(torch.cat([means[number] for number in POOLED_STAGES], 1)))


def unfold_norms(net: nn.Module, x: Tensor) -> None:
    """Give every normalisation the statistics that `x` (N, 3, H, W) shows it, and keep its answers as they are."""
    layers = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def look(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        seen[layer] = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3))

    hooks = [layer.register_forward_pre_hook(look) for layer in layers]
    with torch.no_grad():
        net.eval()(x)
        for layer in layers:
            mean, variance = seen[layer]
            scale = layer.weight / (layer.running_var + layer.eps).sqrt()
            shift = layer.bias - scale * layer.running_mean
            layer.weight.copy_(scale * (variance + layer.eps).sqrt())
            layer.bias.copy_(shift + scale * mean)
            layer.running_mean.copy_(mean)
            layer.running_var.copy_(variance)
    for hook in hooks:
        hook.remove()
