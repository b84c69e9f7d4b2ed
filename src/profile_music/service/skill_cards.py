"""A recommendation as KakaoTalk speech bubbles, within the limits of the chatbot's guide (response JSON, version 2.0).

Numbers without a limit in the guide (titles and descriptions of list items) are held to what a phone shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from profile_music.service.skill_event import State
from profile_music.types import EMOTION_NAMES_KO, EMOTIONS, Emotion, RankedSong, Recommendation

MAX_TEXT = 1000
MAX_LIST_ITEMS = 5
MAX_LIST_TITLE = 36
MAX_LIST_DESCRIPTION = 60
MAX_CARD_TITLE = 50
MAX_TEXT_CARD_DESCRIPTION = 128
MAX_BASIC_CARD_DESCRIPTION = 76
MAX_ALT_TEXT = 50
MAX_BUTTON_LABEL = 14
MAX_QUICK_REPLIES = 10

CoverOf = Callable[[RankedSong], str | None]
Answer = dict[str, Any]

_EMOTION_LABELS = {
    Emotion.HAPPY: "😊 기뻐요",
    Emotion.ANGRY: "😠 화나요",
    Emotion.SAD: "😢 슬퍼요",
    Emotion.NEUTRAL: "😌 차분해요",
}
_HELP = (
    "안녕하세요, 프뮤예요 🎵\n프로필 사진을 보내거나 지금 마음을 한 줄로 적어 주면 어울리는 다섯 곡을 골라 드려요.\n"
    "사진은 한 번 보고 바로 잊어요."
)


class Bubbles:
    """Builds answers for one bot."""

    def __init__(
        self, cards: Literal["list", "carousel"], block_id: str | None = None, cover_of: CoverOf | None = None
    ) -> None:
        """Show songs as `cards`; quick replies call the block `block_id`, or speak their label where it is None."""
        self._cards = cards
        self._block_id = block_id
        self._cover_of = cover_of or own_cover

    def songs(self, answer: Recommendation, state: State) -> Answer:
        """Return the songs with quick replies that carry `state`, which already counts these songs as seen."""
        card = self._list(answer.songs) if self._cards == "list" else self._carousel(answer.songs)
        outputs = [_simple_text(_summary(answer, state)), card]
        return _template(outputs, self._next_steps(state))

    def say(self, text: str, state: State | None = None) -> Answer:
        """Return a sentence, with quick replies where there is a state to go on from."""
        return _template([_simple_text(text)], self._next_steps(state) if state else [])

    def help(self) -> Answer:
        """Return what the bot does."""
        return _template([_simple_text(_HELP)], [self._reply("감정 고치기", State(), "fix", label="기분으로 고르기")])

    def ask_emotion(self, state: State) -> Answer:
        """Ask which emotion it is; each quick reply answers with songs."""
        replies = [self._reply(_EMOTION_LABELS[emotion], state, emotion.value) for emotion in EMOTIONS]
        return _template([_simple_text("지금 마음은 어느 쪽에 가까워요?")], replies)

    def _next_steps(self, state: State) -> list[Answer]:
        turn = ("지금 기분 그대로", "match") if state.lift else ("기분 전환", "lift")
        return [
            self._reply(words, state, command) for words, command in (turn, ("다른 곡", "more"), ("감정 고치기", "fix"))
        ]

    def _reply(self, words: str, state: State, command: str, label: str = "") -> Answer:
        reply: Answer = {
            "label": clip(label or words, MAX_BUTTON_LABEL),
            "action": "message",
            "messageText": words,
            "extra": state.extra(command),
        }
        return {**reply, "action": "block", "blockId": self._block_id} if self._block_id else reply

    def _list(self, songs: Sequence[RankedSong]) -> Answer:
        items = [self._list_item(song) for song in songs[:MAX_LIST_ITEMS]]
        return {"listCard": {"header": {"title": f"프뮤가 고른 {len(items)}곡"}, "items": items}}

    def _list_item(self, ranked: RankedSong) -> Answer:
        item: Answer = {
            "title": clip(ranked.song.title, MAX_LIST_TITLE),
            "description": clip(f"{ranked.song.artist} · {_short_reason(ranked)}", MAX_LIST_DESCRIPTION),
            "link": {"web": ranked.links["melon"]},
        }
        cover = self._cover_of(ranked)
        return {**item, "imageUrl": cover} if cover else item

    def _carousel(self, songs: Sequence[RankedSong]) -> Answer:
        covers = [self._cover_of(song) for song in songs]
        if all(covers):
            cards = [_basic_card(song, cover) for song, cover in zip(songs, covers, strict=True) if cover]
            return {"carousel": {"type": "basicCard", "items": cards}}
        return {"carousel": {"type": "textCard", "items": [_text_card(song) for song in songs]}}


def clip(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, with an ellipsis where something is left out."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def own_cover(ranked: RankedSong) -> str | None:
    """Return the catalogue's cover, where it has one that Kakao can fetch."""
    return ranked.song.cover_url if ranked.song.cover_url.startswith("https://") else None


def waiting() -> Answer:
    """Return the answer that promises a later one; the block's waiting bubble may show ``{{#webhook.text}}``."""
    return {
        "version": "2.0",
        "useCallback": True,
        "data": {"text": "사진과 글을 살펴보고 있어요. 잠시만 기다려 주세요 🎧"},
    }


def _template(outputs: list[Answer], replies: list[Answer]) -> Answer:
    template: Answer = {"outputs": outputs}
    if replies:
        template["quickReplies"] = replies[:MAX_QUICK_REPLIES]
    return {"version": "2.0", "template": template}


def _simple_text(text: str) -> Answer:
    return {"simpleText": {"text": text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"}}


def _summary(answer: Recommendation, state: State) -> str:
    lines: list[str] = []
    feeling = answer.emotion
    if feeling is not None and feeling.source == "face" and not feeling.abstained:
        name = EMOTION_NAMES_KO[feeling.scores.top]
        lines.append(f"사진 속 표정은 '{name}'에 가까워 보여요({feeling.scores.confidence:.0%}).")
    lines += [note.ko for note in answer.basis.notes]
    count = f"{len(answer.songs)}곡"
    lines.append(f"기분을 바꿔 줄 {count}이에요." if state.lift else f"지금 마음에 어울리는 {count}이에요.")
    return "\n".join(lines)


def _short_reason(ranked: RankedSong) -> str:
    """Return the last sentence of the reason: the first describes the song, the later ones say why it was chosen."""
    return ranked.reason.ko.rstrip(".").rpartition(". ")[2]


def _text_card(ranked: RankedSong) -> Answer:
    links = (("멜론에서 듣기", "melon"), ("유튜브 뮤직에서 듣기", "youtube_music"), ("스포티파이에서 듣기", "spotify"))
    return {
        "title": clip(f"{ranked.song.title} - {ranked.song.artist}", MAX_CARD_TITLE),
        "description": clip(ranked.reason.ko, MAX_TEXT_CARD_DESCRIPTION),
        "buttons": [_button(label, ranked.links, name) for label, name in links],
    }


def _basic_card(ranked: RankedSong, cover: str) -> Answer:
    # A square cover puts the buttons side by side: two of them, of eight characters.
    return {
        "title": clip(f"{ranked.song.title} - {ranked.song.artist}", MAX_CARD_TITLE),
        "description": clip(ranked.reason.ko, MAX_BASIC_CARD_DESCRIPTION),
        "thumbnail": {
            "imageUrl": cover,
            "altText": clip(f"{ranked.song.title} 표지", MAX_ALT_TEXT),
            "fixedRatio": True,
            "link": {"web": ranked.links["melon"]},
        },
        "buttons": [_button("멜론", ranked.links, "melon"), _button("유튜브 뮤직", ranked.links, "youtube_music")],
        "buttonLayout": "horizontal",
    }


def _button(label: str, links: Mapping[str, str], name: str) -> Answer:
    return {"label": label, "action": "webLink", "webLinkUrl": links[name]}
