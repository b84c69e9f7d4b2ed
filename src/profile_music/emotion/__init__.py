"""Reading the emotion of a face: the one preprocessing, the classifier, the explanation of an answer."""

from profile_music.emotion.classifier import EmotionClassifier
from profile_music.emotion.heatmap import overlay_heat
from profile_music.emotion.preprocess import prepare_crops

__all__ = ["EmotionClassifier", "overlay_heat", "prepare_crops"]
