"""ResNet50 (He et al., 2015) with a 128-unit head, in torch; state names as in torchvision.

The picture that enters is 128x128 as the mission names it. `body_px` is what the residual stages see: the network
begins with a fixed, antialiased reduction. FER+ pictures carry 48 px, so nothing is lost there, and training and
serving on two cores become affordable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from profile_music.train.emotion_efficientnet import EmotionEfficientNet
from profile_music.train.emotion_facenet import CLASS_COUNT, EmotionFaceNet
from profile_music.train.emotion_recipe import EmotionRecipe

INPUT_PX = 128
RESNET50_BLOCKS = (3, 4, 6, 3)
EXPANSION = 4


class Bottleneck(nn.Module):  # type: ignore[misc]
    """1x1, 3x3, 1x1 convolutions around a shortcut; the stride sits on the 3x3 as in torchvision ("v1.5")."""

    def __init__(self, channels_in: int, width: int, stride: int = 1) -> None:
        super().__init__()
        channels_out = width * EXPANSION
        self.conv1 = nn.Conv2d(channels_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, channels_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels_out)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels_in != channels_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, (N, 4 * width, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        x = functional.relu(self.bn2(self.conv2(x)), inplace=True)
        return functional.relu(self.bn3(self.conv3(x)) + shortcut, inplace=True)


class EmotionResNet(nn.Module):  # type: ignore[misc]
    """Residual stages, global average pooling, Dense 128 ReLU, Dense 4: (N, 3, H, W) in 0..1 to logits (N, 4)."""

    def __init__(
        self, blocks: Sequence[int] = RESNET50_BLOCKS, width: int = 64, hidden: int = 128, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        for index, count in enumerate(blocks):
            stage_width = width * 2**index
            stage = [Bottleneck(channels, stage_width, stride=1 if index == 0 else 2)]
            channels = stage_width * EXPANSION
            stage += [Bottleneck(channels, stage_width) for _ in range(count - 1)]
            setattr(self, f"layer{index + 1}", nn.Sequential(*stage))
        self.stage_count = len(blocks)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(channels, hidden)
        self.head = nn.Linear(hidden, CLASS_COUNT)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """He initialisation; the last gamma of each block at zero, so that a deep net starts as a shallow one."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, Bottleneck):
                nn.init.zeros_(module.bn3.weight)

    def grow(self, blocks: Sequence[int]) -> None:
        """Append blocks up to `blocks` a stage; with their last gamma at zero the function stays what it was."""
        for index, count in enumerate(blocks):
            stage = getattr(self, f"layer{index + 1}")
            channels = stage[0].conv3.out_channels
            for _ in range(count - len(stage)):
                block = Bottleneck(channels, channels // EXPANSION).to(stage[0].conv1.weight.device)
                nn.init.zeros_(block.bn3.weight)
                stage.append(block.to(memory_format=torch.channels_last))

    def features(self, x: Tensor) -> Tensor:
        """Return the last stage's maps, (N, 2048, H / 32, W / 32)."""
        x = functional.relu(self.bn1(self.conv1(x * 2 - 1)), inplace=True)
        x = functional.max_pool2d(x, 3, 2, 1)
        for index in range(self.stage_count):
            x = getattr(self, f"layer{index + 1}")(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, 4) in the class order of `EMOTIONS`."""
        pooled = self.features(x).mean((2, 3))
        return self.head(self.dropout(functional.relu(self.hidden(pooled))))


class BasicBlock(nn.Module):  # type: ignore[misc]
    """Two 3x3 convolutions around a shortcut that averages where it shrinks."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = nn.Sequential(nn.Conv2d(channels_in, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, (N, channels, H / 2, W / 2)."""
        shortcut = self.downsample(functional.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False))
        x = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        return functional.relu(self.bn2(self.conv2(x)) + shortcut, inplace=True)


class EmotionSmallNet(nn.Module):  # type: ignore[misc]
    """A small residual net with a stem that keeps the picture's own resolution: what 48 px on two cores ask for."""

    def __init__(self, width: int = 16, stages: int = 4, hidden: int = 128, dropout: float = 0.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        sizes = [width * 2**index for index in range(stages + 1)]
        self.blocks = nn.Sequential(*(BasicBlock(a, b) for a, b in pairwise(sizes)))
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(sizes[-1], hidden)
        self.head = nn.Linear(hidden, CLASS_COUNT)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, 4) of pictures (N, 3, H, W) in 0..1."""
        x = functional.relu(self.bn1(self.conv1(x * 2 - 1)), inplace=True)
        pooled = self.blocks(x).mean((2, 3))
        return self.head(self.dropout(functional.relu(self.hidden(pooled))))


def make_net(recipe: EmotionRecipe, weights: Mapping[str, Tensor] | None = None) -> nn.Module:
    """Build the recipe's network as it starts, or as `weights` need it, with these loaded."""
    if recipe.net == "small":
        net: nn.Module = EmotionSmallNet(recipe.width, len(recipe.blocks), recipe.hidden, recipe.dropout)
    elif recipe.net == "face":
        net = EmotionFaceNet(recipe.dropout, recipe.inner_px)
    elif recipe.net == "efficientnet":
        net = EmotionEfficientNet(recipe.dropout, recipe.inner_px)
    else:
        blocks = blocks_of(weights) if weights else recipe.grow_from or recipe.blocks
        net = EmotionResNet(blocks, recipe.width, recipe.hidden, recipe.dropout)
    if weights:
        net.load_state_dict(dict(weights))
    return net


def blocks_of(weights: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Return the blocks a stage of stored weights."""
    counts: list[int] = []
    while any(name.startswith(f"layer{len(counts) + 1}.") for name in weights):
        stage = f"layer{len(counts) + 1}."
        counts.append(len({name.split(".")[1] for name in weights if name.startswith(stage)}))
    return tuple(counts)


def reduction_matrix(source_px: int, target_px: int, share: float = 1.0) -> Tensor:
    """Return the (target, source) matrix of an antialiased triangle filter over the middle `share`: rows sum to one."""
    middle = min(source_px, max(1, round(source_px * share)))
    cut = (source_px - middle) // 2
    eye = torch.eye(source_px)[None, None, cut : cut + middle]
    return functional.interpolate(
        eye, size=(target_px, source_px), mode="bilinear", antialias=True, align_corners=False
    )[0, 0]


def load_initial_weights(net: nn.Module, path: Path) -> tuple[int, int]:
    """Copy every tensor of `path` whose name and shape fit (a torchvision ResNet50 file, or one of ours).

    Returns:
        How many tensors were taken and how many the network has.
    """
    stored = torch.load(path, map_location="cpu", weights_only=True)
    stored = stored.get("ema", stored.get("state_dict", stored))
    own = net.state_dict()
    taken = {name: value for name, value in stored.items() if name in own and own[name].shape == value.shape}
    net.load_state_dict({**own, **taken})
    return len(taken), len(own)
