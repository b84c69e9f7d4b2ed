"""Inference sessions and the verified model files they read.

`OrtSession` loads lazily: who only needs the manifest (text, `models verify`) does not import onnxruntime.
"""

from typing import TYPE_CHECKING, Any

from profile_music.runtime.models import ModelSpec, load_manifest, resolve_model, verify_models

if TYPE_CHECKING:
    from profile_music.runtime.session import OrtSession

__all__ = ["ModelSpec", "OrtSession", "load_manifest", "resolve_model", "verify_models"]


def __getattr__(name: str) -> Any:
    """Import `OrtSession` on first use (PEP 562)."""
    if name == "OrtSession":
        from profile_music.runtime.session import OrtSession

        return OrtSession
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
