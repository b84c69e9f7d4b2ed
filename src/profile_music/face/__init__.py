"""Faces in a photo: MTCNN, choosing and cropping."""
