"""Inference sessions and the verified model files they read."""

from profile_music.runtime.models import ModelSpec, load_manifest, resolve_model, verify_models
from profile_music.runtime.session import OrtSession

__all__ = ["ModelSpec", "OrtSession", "load_manifest", "resolve_model", "verify_models"]
