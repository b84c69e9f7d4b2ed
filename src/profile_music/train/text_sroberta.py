"""A sentence-transformers RoBERTa to the ONNX graph that `profile_music.text.sroberta` runs (extra: sroberta)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

OPSET = 17


class _TokenVectors(nn.Module):  # type: ignore[misc]
    """A RoBERTa that takes and returns plain tensors."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the token vectors, shape (N, T, D), of ids and mask, shape (N, T)."""
        vectors: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return vectors


def export_sroberta(source: Path, graph: Path) -> None:
    """Write the ONNX graph of the RoBERTa in a sentence-transformers folder.

    Args:
        source: The folder (config.json with model.safetensors or pytorch_model.bin).
        graph: The file to write: input_ids and attention_mask, int64 (N, T), to token vectors, float32 (N, T, D).

    Raises:
        ModuleNotFoundError: transformers or onnx is not installed.
    """
    from transformers import AutoModel

    # Eager attention: the fused kernels trace to graphs with the mask's shape frozen.
    model = AutoModel.from_pretrained(source, attn_implementation="eager", local_files_only=True).eval()
    example = torch.ones(2, 5, dtype=torch.int64)
    names = {0: "texts", 1: "tokens"}
    torch.onnx.export(
        _TokenVectors(model).eval(),
        (example, example.clone()),
        str(graph),
        input_names=["input_ids", "attention_mask"],
        output_names=["token_embeddings"],
        dynamic_axes={"input_ids": names, "attention_mask": names, "token_embeddings": names},
        opset_version=OPSET,
        dynamo=False,
    )
