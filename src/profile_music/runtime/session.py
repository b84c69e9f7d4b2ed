"""A thin wrapper over onnxruntime: one place for threads, arena and metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from profile_music.errors import ModelError


class OrtSession:
    """One loaded ONNX graph. `run` is thread-safe; sessions are shared, never pickled."""

    def __init__(self, model: Path | bytes, *, name: str = "", threads: int = 0) -> None:
        """Load a graph from a file or from bytes.

        Args:
            model: The ONNX file, or its content.
            name: What error messages call it; the file's name where absent.
            threads: Threads for one run; 0 means one per core.

        Raises:
            ModelError: onnxruntime cannot read the graph.
        """
        self.name = name or (model.name if isinstance(model, Path) else "model")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The arena keeps the largest batch's memory for ever; without it, memory after a crowd of faces goes back.
        options.enable_cpu_mem_arena = False
        # Spinning workers burn a core between requests and fight with the other models' pools.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(
                str(model) if isinstance(model, Path) else model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises its own untyped errors
            raise ModelError(name=self.name, reason=str(error).splitlines()[0][:200]) from error
        self.input_names = tuple(node.name for node in self._session.get_inputs())
        self.input_shapes = tuple(tuple(node.shape) for node in self._session.get_inputs())
        self.output_names = tuple(node.name for node in self._session.get_outputs())

    @property
    def metadata(self) -> dict[str, str]:
        """The graph's custom metadata (class order, input size, provenance)."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, *inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        """Run the graph on its inputs in order and return all outputs in order."""
        outputs: list[NDArray[np.float32]] = self._session.run(None, dict(zip(self.input_names, inputs, strict=True)))
        return outputs
