"""Why this song: one sentence in Korean and one in English, from the parts of its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from profile_music.types import Emotion, EmotionScores, LineHit, Reason, Song

_CLOSE_SEMANTIC = 0.5
_SHARED_LEXICAL = 0.25
_SHARED_TOPICS = 0.2
_SAME_FEELING = 0.8

_FACE_KO = {
    Emotion.HAPPY: "환하게 웃는 표정",
    Emotion.ANGRY: "강렬한 표정",
    Emotion.SAD: "쓸쓸한 표정",
    Emotion.NEUTRAL: "차분한 표정",
}
_FACE_EN = {
    Emotion.HAPPY: "the bright face",
    Emotion.ANGRY: "the fierce face",
    Emotion.SAD: "the wistful face",
    Emotion.NEUTRAL: "the calm face",
}
_FEELING_KO = {
    Emotion.HAPPY: "기분 좋은",
    Emotion.ANGRY: "속이 후련해지는",
    Emotion.SAD: "마음이 먹먹해지는",
    Emotion.NEUTRAL: "편안하게 머무는",
}
_FEELING_EN = {
    Emotion.HAPPY: "a feel-good song",
    Emotion.ANGRY: "a song that lets it all out",
    Emotion.SAD: "a song for a heavy heart",
    Emotion.NEUTRAL: "a calm, easy song",
}


@dataclass(frozen=True, slots=True)
class Context:
    """What the answer rests on, as far as reasons speak of it.

    Attributes:
        has_text: Whether a text was given.
        face: The emotion read from a face, if one was read with confidence.
        lifting: Whether songs that lift were asked for.
        topics: The concepts of the text.
    """

    has_text: bool
    face: EmotionScores | None
    lifting: bool = False
    topics: frozenset[str] = frozenset()


def explain(song: Song, hit: LineHit, context: Context) -> Reason:
    """Return why a song was chosen; every claim in it follows from the song's score."""
    parts_ko = [_description_ko(song)]
    parts_en = [_description_en(song)]
    why = _reasons(song, hit, context)
    return Reason(ko=" ".join(parts_ko + [ko for ko, _ in why]), en=" ".join(parts_en + [en for _, en in why]))


def _reasons(song: Song, hit: LineHit, context: Context) -> Sequence[tuple[str, str]]:
    why: list[tuple[str, str]] = []
    if hit.named:
        why.append(("써 준 글에 나온 이름을 따라 골랐어요.", "Your text names this song or its artist."))
    elif context.has_text and hit.line_id >= 0:
        why.append(_text_reason(song, hit, context))
    if context.lifting:
        why.append(("기분을 바꿔 줄 곡으로 골랐어요.", "It was picked to lift the mood."))
    elif context.face is not None and hit.affinity >= _SAME_FEELING:
        top = context.face.top
        why.append((f"사진 속 {_FACE_KO[top]}과도 결이 같아요.", f"It goes with {_FACE_EN[top]} in the photo."))
    elif hit.affinity >= _SAME_FEELING and not context.has_text:
        why.append(("사진의 분위기와 결이 같아요.", "It goes with the mood of the photo."))
    return why


def _text_reason(song: Song, hit: LineHit, context: Context) -> tuple[str, str]:
    if hit.lexical >= _SHARED_LEXICAL:
        return "써 준 말이 그대로 닿는 한 줄이 있어요.", "One of its lines says it in nearly your own words."
    if hit.semantic >= _CLOSE_SEMANTIC:
        return "써 준 글과 뜻이 가까운 한 줄이 있어요.", "One of its lines is close in meaning to your text."
    shared = [name for name in song.topics if name in context.topics]
    if shared and hit.topic >= _SHARED_TOPICS:
        topic = max(shared, key=song.topics.__getitem__)
        return f"써 준 글처럼 ‘{topic}’에 닿아 있는 노래예요.", "Like your text, it turns on the same topic."
    return "써 준 글과 느슨하게 이어지는 한 줄이 있어요.", "One of its lines is loosely related to your text."


def _description_ko(song: Song) -> str:
    feeling = f"{_join_and(song.moods[:2])} 담긴" if song.moods else _feeling_ko(song)
    facts = " ".join(part for part in (f"{song.year}년" if song.year else "", song.genre or "노래") if part)
    return f"{feeling} {facts}{_copula(facts)}."


def _description_en(song: Song) -> str:
    feeling = _FEELING_EN[song.emotions.top] if song.emotions else "a song"
    return f"{feeling[0].upper()}{feeling[1:]}{f' from {song.year}' if song.year else ''}."


def _feeling_ko(song: Song) -> str:
    return _FEELING_KO[song.emotions.top] if song.emotions else "어울리는"


def _join_and(words: Sequence[str]) -> str:
    """Join one or two nouns and add the subject particle: 위로와 희망이."""
    if len(words) == 1:
        return words[0] + ("이" if has_final(words[0]) else "가")
    first, second = words
    return first + ("과 " if has_final(first) else "와 ") + second + ("이" if has_final(second) else "가")


def _copula(word: str) -> str:
    return "이에요" if has_final(word) else "예요"


# How Latin letters and digits end when they are read aloud in Korean: 엘, 엠, 엔, 알 and 일, 삼, 육, 칠, 팔, 영.
_LATIN_FINAL = frozenset("lmnr013678")


def has_final(word: str) -> bool:
    """Return whether a word's last syllable ends in a consonant (받침), for choosing particles."""
    last = word.rstrip(")\"'”’ ")[-1:].lower()
    if "가" <= last <= "힣":
        return (ord(last) - ord("가")) % 28 != 0
    return last in _LATIN_FINAL


def links_for(song: Song) -> dict[str, str]:
    """Return where to hear a song: Melon (its page where the id is known), YouTube Music, Spotify.

    With a store address comes ``store``: iTunes lends previews and covers only beside a link to its store.
    """
    query = quote_plus(f"{song.artist} {song.title}")
    melon = (
        f"https://www.melon.com/song/detail.htm?songId={quote_plus(song.melon_id)}"
        if song.melon_id
        else f"https://www.melon.com/search/total/index.htm?q={query}"
    )
    links = {
        "melon": melon,
        "youtube_music": f"https://music.youtube.com/search?q={query}",
        "spotify": f"https://open.spotify.com/search/{query.replace('+', '%20')}",
    }
    return links | {"store": song.store_url} if song.store_url else links
