"""The whole route on one screen: photo -> face -> emotion, text -> vectors and mood, index -> ranking -> answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from profile_music.errors import EncoderMismatchError, InputError, NothingGivenError, TextTooLongError
from profile_music.explain import Context, explain, links_for
from profile_music.lazy import LoadedOnce
from profile_music.ranking import RankingOptions, blended, certainty, lifted, rank
from profile_music.reading import PhotoReader, PhotoReading
from profile_music.settings import Settings
from profile_music.stages import stage
from profile_music.text.remembered import texts_remembered
from profile_music.types import (
    Basis,
    Emotion,
    EmotionScores,
    LineHit,
    PhotoEmotion,
    RankedSong,
    Reason,
    Recommendation,
    Song,
)

if TYPE_CHECKING:
    from PIL.Image import Image

    from profile_music.index import IndexQuery, SongFilter
    from profile_music.index.protocol import SongIndex
    from profile_music.index.source import CatalogSource
    from profile_music.text import TextEncoder
    from profile_music.text.mood import TextMood

log = logging.getLogger("profile_music.catalog")
_CANDIDATES = 400
# Weights of what is known about the wanted feeling; a face that was read counts as one.
_COLORS_WEIGHT = 0.25
_ABSTAINED_WEIGHT = 0.3
_TEXT_MOOD_WEIGHT = 1.0
_CORRECTED_WEIGHT = 3.0
_MAX_SENTENCES = 12


class Recommender:
    """Photo and text in, songs with reasons out. Thread-safe; each model loads once, on first use."""

    def __init__(self, index: SongIndex, settings: Settings) -> None:
        """Use an opened index; `load` is the usual way."""
        self.index = index
        self.source: CatalogSource | None = None
        self.settings = settings
        self.reader = PhotoReader(settings)
        self._check_encoder()

    @classmethod
    def load(cls, catalog: str | Path | None = None, settings: Settings | None = None) -> Recommender:
        """Open a catalogue (the bundled one where None) and make a recommender over it.

        Raises:
            CatalogError: The catalogue is missing, damaged, or built with another encoder.
        """
        from profile_music.index.source import CatalogSource

        settings = settings or Settings()
        source = CatalogSource(
            catalog or settings.catalog or bundled_catalog_dir(),
            cache_dir=settings.cache_dir,
            poll_s=settings.catalog_poll_s,
        )
        recommender = cls(source.open(), settings)
        recommender.source = source
        return recommender

    def latest(self) -> Recommender:
        """Return a recommender over the newest version of the catalogue, with the same loaded models.

        It is this one where nothing newer was published (or it is too soon to ask). A request that began with one
        version ends with it, so no answer ever mixes two.
        """
        newer = self.source.newer() if self.source else None
        if newer is None:
            return self
        following = copy(self)
        following.index = newer
        try:
            following._check_encoder()
        except EncoderMismatchError as error:
            log.warning("the newer catalogue cannot be used: %s", error)
            return self
        return following

    def warm(self) -> None:
        """Load every model now, so that the first request is as fast as the next."""
        self.reader.warm()
        self.mood.predict(["준비"])

    @LoadedOnce
    def encoder(self) -> TextEncoder:
        """The text encoder, the one that built the index."""
        from profile_music.text import load_encoder

        return load_encoder(self.settings.encoder, model_dir=self.settings.model_dir, threads=self.settings.threads)

    @LoadedOnce
    def mood(self) -> TextMood:
        """The mood of texts."""
        from profile_music.text.mood import TextMood

        return TextMood.load(self.encoder)

    def _check_encoder(self) -> None:
        built_with = self.index.manifest.encoder
        if built_with["name"] != self.settings.encoder:
            raise EncoderMismatchError(built_with=built_with["name"], selected=self.settings.encoder)
        if built_with["fingerprint"] != self.encoder.fingerprint:
            raise EncoderMismatchError(built_with=f"{built_with['name']} (다른 판)", selected=self.settings.encoder)

    @texts_remembered()
    def recommend(
        self,
        photo: bytes | str | Path | Image | None = None,
        text: str | None = None,
        top_k: int = 5,
        *,
        emotion: Emotion | str | None = None,
        face_index: int = 0,
        seen: PhotoEmotion | None = None,
        options: RankingOptions | None = None,
        song_filter: SongFilter | None = None,
    ) -> Recommendation:
        """Recommend songs for a photo, a text, or both.

        Args:
            photo: An encoded picture, its path, or a PIL image.
            text: A status message or any short Korean text.
            top_k: How many songs, 1 to 50.
            emotion: The person's own word on the emotion; it overrules the photo.
            face_index: Which face speaks for the photo.
            seen: What an earlier answer read from the photo, in place of the photo itself.
            options: Match or lift, fresh picks, exclusions.
            song_filter: Decade, genre, artist.

        Raises:
            NothingGivenError: Neither photo, nor text, nor emotion.
            InputError: An argument is out of range.
            PhotoError: The photo cannot be used.
            TextTooLongError: The text is longer than the limit.
        """
        if not 1 <= top_k <= 50:
            raise InputError(reason="top_k 1..50")
        sentences = self._sentences(text)
        if photo is None and emotion is None and seen is None and not sentences:
            raise NothingGivenError()
        reading = self.reader.read(photo, face_index=face_index) if photo is not None else _remembered(seen)
        with stage("mood"):
            mood = self._text_mood(sentences)
        felt, weights = self._feeling(reading, mood, Emotion(emotion) if emotion else None)
        options = options or RankingOptions(songs_per_artist=self.settings.songs_per_artist)
        wanted = lifted(felt) if felt and options.mood == "lift" else felt
        songs = self._songs(sentences, wanted, reading, options, song_filter, top_k)
        return Recommendation(
            songs=songs,
            emotion=reading.emotion if reading else None,
            faces=reading.faces if reading else (),
            text_mood=mood,
            basis=self._basis(reading, sentences, weights, emotion),
            photo_size=reading.size if reading and photo is not None else None,
        )

    @texts_remembered()
    def search_lines(self, text: str, top_k: int) -> list[tuple[LineHit, Song]]:
        """Return the songs whose lines match a text best, without moods and without variety."""
        sentences = self._sentences(text)
        if not sentences:
            raise NothingGivenError()
        hits = self.index.search(self._query(sentences, None, None), top_k)
        return [(hit, self.index.song(hit.song_index)) for hit in hits]

    def _sentences(self, text: str | None) -> list[str]:
        """Return the text's sentences, with the whole text first where there are several."""
        from profile_music.text.clean import clean_text, split_sentences

        limit = self.settings.text_max_characters
        if text and len(text) > limit:
            raise TextTooLongError(limit_characters=limit)
        cleaned = clean_text(text or "", limit)
        sentences = split_sentences(cleaned)[:_MAX_SENTENCES]
        return sentences if len(sentences) < 2 else [cleaned, *sentences]

    def _text_mood(self, sentences: Sequence[str]) -> EmotionScores | None:
        return self.mood.predict(list(sentences[:1]))[0] if sentences else None

    def _feeling(
        self, reading: PhotoReading | None, mood: EmotionScores | None, corrected: Emotion | None
    ) -> tuple[EmotionScores | None, dict[str, float]]:
        """Blend what photo and text say, by how sure each is."""
        parts: dict[str, tuple[EmotionScores, float]] = {}
        if corrected is not None:
            parts["corrected"] = (EmotionScores.from_mapping({corrected.value: 1.0}), _CORRECTED_WEIGHT)
        elif reading is not None:
            weight = _COLORS_WEIGHT if reading.emotion.source == "colors" else 1.0
            parts["photo"] = (reading.emotion.scores, _ABSTAINED_WEIGHT if reading.emotion.abstained else weight)
        if mood is not None:
            parts["text"] = (mood, _TEXT_MOOD_WEIGHT * (0.25 + 0.75 * certainty(mood)))
        return blended(list(parts.values())), {name: weight for name, (_, weight) in parts.items()}

    def _songs(
        self,
        sentences: Sequence[str],
        wanted: EmotionScores | None,
        reading: PhotoReading | None,
        options: RankingOptions,
        song_filter: SongFilter | None,
        top_k: int,
    ) -> tuple[RankedSong, ...]:
        from profile_music.named import named_first
        from profile_music.text.mentions import mentions

        with stage("text"):
            query = self._query(sentences, wanted, song_filter)
        with stage("search"):
            limit = max(_CANDIDATES, top_k * 20) + len(options.exclude_ids)
            hits = self.index.search(query, limit)
            hits = named_first(self.index, query, hits, mentions(sentences[0])) if sentences else hits
            leading = wanted if query.emotion_weight > 0 else None
            chosen = rank(hits, self.index.song, options, top_k, leading)
        face = reading.emotion if reading and reading.emotion.source == "face" else None
        context = Context(
            has_text=bool(sentences),
            face=face.scores if face and not face.abstained else None,
            lifting=options.mood == "lift",
            topics=frozenset(name for names in query.topics for name in names),
        )
        with stage("explain"):
            return tuple(self._ranked(number, hit, song, context) for number, (hit, song) in enumerate(chosen, start=1))

    def _ranked(self, number: int, hit: LineHit, song: Song, context: Context) -> RankedSong:
        return RankedSong(
            rank=number,
            song=song,
            score=hit.score,
            matched_line=self.index.line(hit.line_id) if hit.line_id >= 0 else None,
            reason=explain(song, hit, context),
            links=links_for(song),
            parts={"semantic": hit.semantic, "lexical": hit.lexical, "topic": hit.topic, "emotion": hit.affinity},
        )

    def _query(
        self, sentences: Sequence[str], wanted: EmotionScores | None, song_filter: SongFilter | None
    ) -> IndexQuery:
        from profile_music.index import IndexQuery, SongFilter
        from profile_music.text.concepts import affirmed_concepts
        from profile_music.text.lexical import tokens

        settings = self.settings
        chosen = song_filter or SongFilter()
        if settings.emotion_mode == "hard" and wanted is not None:
            chosen = replace(chosen, emotion=wanted.top)
        vectors = (
            self.encoder.encode_queries(list(sentences))
            if sentences
            else np.zeros((0, self.encoder.dimensions), dtype=np.float32)
        )
        return IndexQuery(
            vectors=vectors,
            tokens=[tokens(sentence) for sentence in sentences],
            semantic_weight=settings.text_weight * settings.semantic_share,
            lexical_weight=settings.text_weight * (1 - settings.semantic_share),
            about_weight=settings.about_weight,
            topics=[affirmed_concepts(sentence) for sentence in sentences],
            topic_weight=settings.topic_weight,
            emotion=wanted,
            # A feeling that is hardly known must not outweigh what the text says.
            emotion_weight=settings.emotion_weight * (certainty(wanted) if wanted and sentences else 1.0),
            filter=chosen,
        )

    def _basis(
        self,
        reading: PhotoReading | None,
        sentences: Sequence[str],
        weights: dict[str, float],
        corrected: Emotion | str | None,
    ) -> Basis:
        photo = "corrected" if corrected else reading.emotion.source if reading else "none"
        notes: list[Reason] = []
        if reading and reading.emotion.source == "colors":
            notes.append(_NO_FACE_TEXT if sentences else _NO_FACE)
        elif reading and reading.emotion.abstained and not corrected:
            notes.append(_UNSURE)
        if reading and not sentences:
            notes.append(_NO_TEXT)
        return Basis(photo, "sentences" if sentences else "none", weights, tuple(notes))


def _remembered(seen: PhotoEmotion | None) -> PhotoReading | None:
    return PhotoReading((0, 0), (), seen) if seen else None


_NO_FACE = Reason(
    "사진에서 얼굴을 찾지 못해 색감으로만 골랐어요. 한 줄 적어 주면 더 잘 맞아요.",
    "No face was found, so the songs rest on the photo's colours; a line of text makes them fit better.",
)
_NO_FACE_TEXT = Reason(
    "사진에서 얼굴을 찾지 못해 글을 중심으로, 색감은 살짝만 참고했어요.",
    "No face was found, so the songs rest on the text and, weakly, on the photo's colours.",
)
_UNSURE = Reason(
    "표정을 확신할 수 없어서 사진은 조금만 참고했어요.",
    "The expression was not clear, so the photo counts only a little.",
)
_NO_TEXT = Reason("글이 없어서 사진의 분위기로 골랐어요.", "There was no text, so the photo's mood chose.")


def bundled_catalog_dir() -> Path:
    """Return the folder of the catalogue that comes in the package."""
    return Path(str(files("profile_music") / "catalog" / "bundled"))
