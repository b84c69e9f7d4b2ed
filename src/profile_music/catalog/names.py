"""Names of songs and artists, for comparing."""

from __future__ import annotations

import unicodedata


def normalized_name(text: str) -> str:
    """Return a name for comparing: NFKC, case-folded, letters and digits only."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())
