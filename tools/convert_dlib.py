"""Write dlib's face-recognition weights as a file for `profile-music train emotion --recipe face --init FILE`.

    python tools/convert_dlib.py dlib_face_recognition_resnet_model_v1.dat dlib-face.pt

The weights are Davis King's (CC0 1.0, https://github.com/davisking/dlib-models); the package face_recognition_models
on the package index carries the .dat file. Needs the extra `train`.

A .dat file is dlib's own serialisation. Only its tensors are read: each begins with a version, its length and three
sizes of one, as integers of a length byte and little-endian bytes, and goes on with float32.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from profile_music.train.emotion_facenet import EmotionFaceNet

KNOWN_SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"


class TensorReader:
    """Reads tensors one after the other, by the lengths that the network expects."""

    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def take(self, length: int) -> NDArray[np.float32]:
        """Return the next tensor of `length` values.

        Raises:
            ValueError: None follows.
        """
        header = b"".join(_integer(value) for value in (2, length, 1, 1, 1))
        found = self.body.find(header, self.at)
        if found < 0:
            raise ValueError(f"no tensor of {length} values after byte {self.at}: not dlib's face-recognition net")
        start = found + len(header)
        self.at = start + 4 * length
        return np.frombuffer(self.body, "<f4", length, start).copy()


def _integer(value: int) -> bytes:
    size = max(1, (value.bit_length() + 7) // 8)
    return bytes([size]) + value.to_bytes(size, "little")


def fill(conv: nn.Conv2d, norm: nn.BatchNorm2d, reader: TensorReader) -> None:
    """Read a convolution and the scale and shift behind it; the convolution's bias joins the shift."""
    count, channels = conv.weight.numel(), conv.out_channels
    filters, affine = reader.take(count + channels), reader.take(2 * channels)
    scale, shift = torch.from_numpy(affine).split(channels)
    bias = torch.from_numpy(filters[count:])
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(filters[:count]).view_as(conv.weight))
        norm.weight.copy_(scale)
        norm.bias.copy_(shift + scale * bias)
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)


def convert(body: bytes) -> EmotionFaceNet:
    """Return the network with the weights of a .dat file; its head stays at random."""
    net, reader = EmotionFaceNet(), TensorReader(body)
    fill(net.conv1, net.bn1, reader)
    for stage in net.stages:
        for block in stage:
            fill(block.conv1, block.bn1, reader)
            fill(block.conv2, block.bn2, reader)
    return net


def main() -> None:
    """Convert one file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    body = options.source.read_bytes()
    if hashlib.sha256(body).hexdigest() != KNOWN_SHA256:
        parser.error(f"{options.source.name} is not the file this was written for")
    weights = convert(body).state_dict()
    torch.save({name: value for name, value in weights.items() if not name.startswith("head.")}, options.target)
    print(f"{options.target}: {len(weights) - 2} tensors")


if __name__ == "__main__":
    main()
