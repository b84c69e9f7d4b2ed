"""From validated requests to answers, without FastAPI: the server and the Lambda handlers share these."""

from __future__ import annotations

from profile_music.index import SongFilter
from profile_music.ranking import RankingOptions
from profile_music.recommender import Recommender
from profile_music.service.schemas import SeenPhoto, SongsRequest
from profile_music.types import EmotionScores, PhotoEmotion, Recommendation


def recommend_songs(body: SongsRequest, recommender: Recommender) -> Recommendation:
    """Answer /v1/songs: songs for an emotion, a text, or what a photo said.

    Raises:
        ProfileMusicError: As `Recommender.recommend`.
    """
    options = RankingOptions(mood=body.mood, fresh_seed=body.fresh, exclude_ids=frozenset(body.exclude))
    chosen = SongFilter(decades=tuple(body.decades), genres=tuple(body.genres), artists=tuple(body.artists))
    return recommender.recommend(
        None,
        body.text,
        body.top_k,
        emotion=body.emotion,
        seen=seen_photo(body.photo, recommender),
        options=options,
        song_filter=chosen,
    )


def seen_photo(photo: SeenPhoto | None, recommender: Recommender) -> PhotoEmotion | None:
    """Return what an earlier answer read from a photo, judged as a fresh reading would be."""
    if photo is None:
        return None
    scores = EmotionScores.from_mapping(dict(photo.probabilities.items()))
    unsure = photo.source == "face" and scores.confidence < recommender.reader.classifier.abstain_below
    return PhotoEmotion(scores, photo.source, unsure)
