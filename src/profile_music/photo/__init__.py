"""Bytes of unknown origin to an upright RGB photo, and the mood of its colours."""

from profile_music.photo.decode import Photo, decode_photo
from profile_music.photo.mood import color_mood
from profile_music.photo.sniff import FORMATS, sniff_format

__all__ = ["FORMATS", "Photo", "color_mood", "decode_photo", "sniff_format"]
