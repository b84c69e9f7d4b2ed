"""Korean text: cleaning, sentences, encoders, mood."""

from profile_music.text.encoder import ENCODER_NAMES, TextEncoder, load_encoder

__all__ = ["ENCODER_NAMES", "TextEncoder", "load_encoder"]
