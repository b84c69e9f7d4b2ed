"""What Lambda allows, and the settings that stay below it."""

from __future__ import annotations

from profile_music.settings import Settings

EVENT_MAX_BYTES = 6 * 1024 * 1024
"""A synchronous invocation's payload; above it Lambda itself answers, without words of ours."""

PHOTO_MAX_BYTES = 4_400_000
"""Largest photo: in base64, with the form and the headers around it, it stays below `EVENT_MAX_BYTES`."""


def lambda_settings(settings: Settings | None = None) -> Settings:
    """Return settings (the environment's where None) whose largest photo fits through Lambda."""
    settings = settings or Settings()
    return settings.model_copy(update={"photo_max_bytes": min(settings.photo_max_bytes, PHOTO_MAX_BYTES)})
