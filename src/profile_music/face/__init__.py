"""Finding, choosing and cropping faces: MTCNN on onnxruntime and numpy."""

from profile_music.face.cascade import CascadeSettings
from profile_music.face.crop import crop_square, most_prominent, prominence, scaled
from profile_music.face.detector import FaceDetector

__all__ = ["CascadeSettings", "FaceDetector", "crop_square", "most_prominent", "prominence", "scaled"]
