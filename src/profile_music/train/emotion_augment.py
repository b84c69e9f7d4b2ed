"""Augmentation in batches on the training device: what lies between a 48 px grey crop and a profile photo."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class AugmentSpec:
    """Strengths; a probability of zero switches a step off.

    Attributes:
        rotate_deg: Largest rotation to either side.
        scale: Largest relative enlargement or reduction.
        shift: Largest shift as a share of the side.
        shear: Largest horizontal shear.
        contrast: Largest relative change of contrast and of gamma.
        brightness: Largest change of brightness (0..1 scale).
        blur: Probability of a reduction to a smaller size and back (a small or soft face).
        noise: Largest standard deviation of added noise.
        erase: Probability that a rectangle is covered (hands, hair, stickers).
        mask: Probability that everything below the nose is covered, as a mask does.
        colour: Probability of a colour cast on colour pictures (no effect on grey ones).
    """

    rotate_deg: float = 15.0
    scale: float = 0.15
    shift: float = 0.08
    shear: float = 0.05
    contrast: float = 0.3
    brightness: float = 0.15
    blur: float = 0.2
    noise: float = 0.03
    erase: float = 0.3
    mask: float = 0.1
    colour: float = 0.3

    def scaled(self, strength: float) -> AugmentSpec:
        """Return the spec with every strength multiplied."""
        return AugmentSpec(**{name: getattr(self, name) * strength for name in self.__dataclass_fields__})


class BatchAugment:
    """Augments uint8 pictures (N, H, W) or (N, H, W, 3) into float32 (N, C, px, px) in 0..1, each on its own."""

    def __init__(self, spec: AugmentSpec, device: torch.device, seed: int) -> None:
        self.spec = spec
        self.device = device
        self.generator = torch.Generator(device).manual_seed(seed)

    def __call__(self, images: Tensor, out_px: int) -> Tensor:
        """Return the augmented batch at `out_px`."""
        x = self._warp(to_float(images), out_px)
        x = self._soften(x)
        x = self._relight(x)
        return self._cover_mouth(self._erase(x)).clamp_(0, 1)

    def _uniform(self, count: int, low: float = -1.0, high: float = 1.0) -> Tensor:
        return torch.rand(count, device=self.device, generator=self.generator) * (high - low) + low

    def _chosen(self, count: int, probability: float) -> Tensor:
        return torch.rand(count, device=self.device, generator=self.generator) < probability

    def _warp(self, x: Tensor, out_px: int) -> Tensor:
        spec, count = self.spec, len(x)
        angle = self._uniform(count) * math.radians(spec.rotate_deg)
        zoom = torch.exp(self._uniform(count) * spec.scale)
        aspect = torch.exp(self._uniform(count) * spec.scale / 3)
        mirror = torch.where(self._chosen(count, 0.5), -1.0, 1.0)
        shear = self._uniform(count) * spec.shear
        cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
        theta = torch.stack(
            [
                torch.stack([mirror * cos * aspect, -sin + shear, self._uniform(count) * 2 * spec.shift], 1),
                torch.stack([mirror * sin * aspect, cos, self._uniform(count) * 2 * spec.shift], 1),
            ],
            1,
        )
        grid = functional.affine_grid(theta, [count, x.shape[1], out_px, out_px], align_corners=False)
        return functional.grid_sample(x, grid, padding_mode="reflection", align_corners=False)

    def _soften(self, x: Tensor) -> Tensor:
        if not self.spec.blur:
            return x
        side = x.shape[-1]
        small = max(8, int(side * float(self._uniform(1, 0.35, 0.85))))
        soft = functional.interpolate(x, size=(small, small), mode="bilinear", antialias=True, align_corners=False)
        soft = functional.interpolate(soft, size=(side, side), mode="bilinear", align_corners=False)
        return torch.where(self._chosen(len(x), self.spec.blur)[:, None, None, None], soft, x)

    def _relight(self, x: Tensor) -> Tensor:
        spec, count = self.spec, len(x)
        column = (count, 1, 1, 1)
        x = x.clamp(0, 1) ** torch.exp(self._uniform(count) * spec.contrast).view(column)
        mean = x.mean((1, 2, 3), keepdim=True)
        x = (x - mean) * torch.exp(self._uniform(count) * spec.contrast).view(column) + mean
        x = x + (self._uniform(count) * spec.brightness).view(column)
        if spec.colour and x.shape[1] == 3:
            cast = self._uniform(count * 3).view(count, 3, 1, 1) * 0.1
            x = x + cast * self._chosen(count, spec.colour).view(column)
        level = self._uniform(count, 0, spec.noise).view(column)
        return x + level * torch.randn(x.shape, device=x.device, generator=self.generator)

    def _erase(self, x: Tensor) -> Tensor:
        count, _, height, width = x.shape
        centre_x, centre_y = self._uniform(count, 0, 1), self._uniform(count, 0, 1)
        half_x, half_y = self._uniform(count, 0.05, 0.2), self._uniform(count, 0.05, 0.2)
        column = (torch.arange(width, device=x.device) + 0.5) / width
        row = (torch.arange(height, device=x.device) + 0.5) / height
        inside = ((row[None, :, None] - centre_y[:, None, None]).abs() < half_y[:, None, None]) & (
            (column[None, None, :] - centre_x[:, None, None]).abs() < half_x[:, None, None]
        )
        inside &= self._chosen(count, self.spec.erase)[:, None, None]
        fill = torch.rand((count, 1, 1, 1), device=x.device, generator=self.generator)
        return torch.where(inside[:, None], fill, x)

    def _cover_mouth(self, x: Tensor) -> Tensor:
        count, _, height, width = x.shape
        top = self._uniform(count, 0.5, 0.68)
        bend = self._uniform(count, 0, 0.15)
        column = (torch.arange(width, device=x.device) + 0.5) / width * 2 - 1
        row = (torch.arange(height, device=x.device) + 0.5) / height
        edge = top[:, None] + bend[:, None] * column[None] ** 2
        inside = (row[None, :, None] > edge[:, None, :]) & self._chosen(count, self.spec.mask)[:, None, None]
        fill = self._uniform(count, 0, 1).view(count, 1, 1, 1) + 0.1 * (row[None, None, :, None] - 0.5)
        return torch.where(inside[:, None], fill, x)


def to_float(images: Tensor) -> Tensor:
    """Turn uint8 (N, H, W) or (N, H, W, 3) into float32 (N, C, H, W) in 0..1, with C = 1 for grey."""
    channels_first = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
    return channels_first.float() / 255


def as_rgb(x: Tensor) -> Tensor:
    """Repeat a grey batch (N, 1, H, W) to three channels; colour passes through."""
    return x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x
