"""The chatbot over real HTTP: recorded-shape events, Kakao's limits, the buttons, five seconds, late answers."""

from __future__ import annotations

import copy
import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from profile_music import Recommender
from profile_music.service.skill_cards import Bubbles, clip
from profile_music.service.skill_covers import draw_cover
from profile_music.service.skill_event import State, understand
from profile_music.types import RankedSong, Reason, Song
from tests.kakao.conftest import SKILL_SECRET, Serve
from tests.kakao.limits import check_answer
from tests.kakao.standin import PHOTOS, KakaoStandIn, Person
from tests.kakao.standin_servers import StandInServers

EVENTS = Path(__file__).parent / "events"
SECRET = {"x-skill-secret": SKILL_SECRET}
NAMES = sorted(path.stem for path in EVENTS.glob("*.json"))


def event(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def ask(service: str, payload: dict[str, Any]) -> dict[str, Any]:
    response = httpx.post(f"{service}/kakao/skill", json=payload, headers=SECRET, timeout=10)
    assert response.status_code == 200, response.text
    return response.json()


def titles(answer: dict[str, Any]) -> list[str]:
    return [item["title"] for item in answer["template"]["outputs"][1]["listCard"]["items"]]


def text_of(answer: dict[str, Any]) -> str:
    return answer["template"]["outputs"][0]["simpleText"]["text"]


def press(answer: dict[str, Any], label: str) -> dict[str, Any]:
    """Return the event that Kakao sends when somebody presses a quick reply."""
    (reply,) = [reply for reply in answer["template"]["quickReplies"] if reply["label"] == label]
    pressed = copy.deepcopy(event("text"))
    pressed["userRequest"]["utterance"] = reply["messageText"]
    pressed["action"]["clientExtra"] = reply["extra"]
    return pressed


def test_there_are_ten_events_and_more() -> None:
    assert len(NAMES) >= 10


@pytest.mark.parametrize("cards", ["list", "carousel"])
@pytest.mark.parametrize("name", NAMES)
def test_every_event_is_answered_within_kakaos_limits(serve: Serve, kakao: KakaoStandIn, name: str, cards: str) -> None:
    kakao.person = Person(photo=PHOTOS / "coffee.jpg")
    service = serve(skill_cards=cards, public_url="https://music.example").url
    begin = time.monotonic()
    answer = ask(service, event(name))
    assert time.monotonic() - begin < 5
    check_answer(answer)


@pytest.mark.parametrize(
    "name",
    ["text", "photo_in_utterance", "photo_and_text_in_utterance", "secure_image", "secure_image_and_text",
     "quick_reply_lift", "quick_reply_more", "quick_reply_emotion", "callback"],
)  # fmt: skip
def test_songs_come_with_reasons_and_links(service: str, name: str) -> None:
    items = ask(service, event(name))["template"]["outputs"][1]["listCard"]["items"]
    assert len(items) == 5
    assert all("melon.com" in item["link"]["web"] and " · " in item["description"] for item in items)


def test_what_the_bot_says_is_what_the_recommender_says(service: str, recommender: Recommender) -> None:
    expected = recommender.recommend(None, "오늘 하루도 수고했어")
    assert titles(ask(service, event("text"))) == [clip(song.song.title, 36) for song in expected.songs]


def test_the_photo_is_fetched_once_and_only_where_there_is_one(service: str, kakao: KakaoStandIn) -> None:
    ask(service, event("text"))
    assert kakao.calls == []
    ask(service, event("secure_image_and_text"))
    assert kakao.calls == ["image"]


def test_a_face_is_named_in_the_answer(service: str) -> None:
    assert "사진 속 표정은" in text_of(ask(service, event("photo_in_utterance")))


def test_a_photo_without_a_face_says_so(service: str, kakao: KakaoStandIn) -> None:
    kakao.person = Person(photo=PHOTOS / "coffee.jpg")
    assert "얼굴을 찾지 못해" in text_of(ask(service, event("photo_in_utterance")))


@pytest.mark.parametrize("name", ["text", "photo_in_utterance", "photo_and_text_in_utterance"])
def test_other_songs_are_other_songs_again_and_again(service: str, name: str) -> None:
    answer = ask(service, event(name))
    seen = set(titles(answer))
    for _ in range(3):
        answer = ask(service, press(answer, "다른 곡"))
        assert not seen & set(titles(answer))
        seen |= set(titles(answer))


def test_lift_changes_the_songs_and_back(service: str) -> None:
    payload = event("text")
    payload["userRequest"]["utterance"] = "너무 슬프고 외로운 밤이야"
    first = ask(service, payload)
    lifted = ask(service, press(first, "기분 전환"))
    assert "기분을 바꿔 줄" in text_of(lifted)
    assert titles(lifted) != titles(first)
    back = ask(service, press(lifted, "지금 기분 그대로"))
    assert titles(back) == titles(first)


def test_lift_stays_while_asking_for_other_songs(service: str) -> None:
    lifted = ask(service, press(ask(service, event("text")), "기분 전환"))
    assert "기분을 바꿔 줄" in text_of(ask(service, press(lifted, "다른 곡")))


def test_correcting_the_emotion(service: str, recommender: Recommender) -> None:
    question = ask(service, press(ask(service, event("text")), "감정 고치기"))
    assert len(question["template"]["outputs"]) == 1
    assert len(question["template"]["quickReplies"]) == 4
    answer = ask(service, press(question, "😠 화나요"))
    expected = recommender.recommend(None, "오늘 하루도 수고했어", emotion="angry")
    assert titles(answer) == [clip(song.song.title, 36) for song in expected.songs]


@pytest.mark.parametrize("words", ["다른 곡", "기분 전환", "도움말", ""])
def test_buttons_words_without_their_state_explain_what_to_do(service: str, words: str) -> None:
    payload = event("text")
    payload["userRequest"]["utterance"] = words
    answer = ask(service, payload)
    check_answer(answer)
    assert "프로필 사진을 보내거나" in text_of(answer)
    check_answer(ask(service, press(answer, "기분으로 고르기")))


def test_a_block_is_called_where_one_is_named(serve: Serve) -> None:
    answer = ask(serve(skill_block_id="65f0c0ffee5ca1ab1e000001").url, event("text"))
    assert {reply["blockId"] for reply in answer["template"]["quickReplies"]} == {"65f0c0ffee5ca1ab1e000001"}
    check_answer(answer)


@pytest.mark.parametrize("extra", [{"profile_music": 7}, {"profile_music": {"do": "x" * 99}}, {"other": "bot"}, {}])
def test_foreign_extras_are_ignored(service: str, extra: dict[str, Any]) -> None:
    payload = event("text")
    payload["action"]["clientExtra"] = extra
    assert len(titles(ask(service, payload))) == 5


def test_a_hostile_photo_gets_a_sentence_and_no_connection(service: str, servers: StandInServers) -> None:
    assert text_of(ask(service, event("hostile_photo"))) == "이 주소의 사진은 가져올 수 없어요."
    assert servers.dialled == []


def test_a_photo_that_is_gone(service: str, kakao: KakaoStandIn) -> None:
    kakao.faults["image"] = (404, {})
    assert "만료" in text_of(ask(service, event("photo_in_utterance")))


@pytest.mark.parametrize("given", [None, "wrong", SKILL_SECRET + "x", "한글"])
def test_the_shared_secret(service: str, given: str | None) -> None:
    headers = {"x-skill-secret": given.encode()} if given else {}
    response = httpx.post(f"{service}/kakao/skill", json=event("text"), headers=headers)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "skill_secret_wrong"


def test_no_secret_is_asked_where_none_is_set(serve: Serve) -> None:
    url = serve(skill=True, skill_secret=None).url
    assert httpx.post(f"{url}/kakao/skill", json=event("text")).status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"userRequest": 3}', b"\xff\xfe", b"{" * 1000])
def test_what_is_no_payload_is_an_input_error(service: str, body: bytes) -> None:
    response = httpx.post(f"{service}/kakao/skill", content=body, headers=SECRET)
    assert response.status_code == 422


def test_a_huge_payload_is_refused(service: str) -> None:
    response = httpx.post(f"{service}/kakao/skill", content=b" " * 300_000, headers=SECRET)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"


class _Slow:
    """The recommender, kept from answering until a test lets it."""

    def __init__(self, recommender: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = threading.Event()
        answer = recommender.recommend

        def later(*args: Any, **kwargs: Any) -> Any:
            assert self.go.wait(20)
            return answer(*args, **kwargs)

        monkeypatch.setattr(recommender, "recommend", later)


@pytest.fixture
def slow(recommender: Recommender, monkeypatch: pytest.MonkeyPatch) -> Any:
    held = _Slow(recommender, monkeypatch)
    yield held
    held.go.set()


def test_a_late_answer_goes_to_the_callback_once(serve: Serve, kakao: KakaoStandIn, slow: _Slow) -> None:
    service = serve(skill_deadline_s=0.5).url
    promise = ask(service, event("callback"))
    assert promise["useCallback"] is True
    assert "template" not in promise
    assert kakao.late_answers == []
    slow.go.set()
    end = time.monotonic() + 5
    while not kakao.late_answers and time.monotonic() < end:
        time.sleep(0.02)
    (late,) = kakao.late_answers
    check_answer(late)
    assert len(titles(late)) == 5


def test_a_promised_answer_is_sent_before_the_server_stops(serve: Serve, kakao: KakaoStandIn, slow: _Slow) -> None:
    service = serve({"queue_size": 3}, skill_deadline_s=0.5)
    assert ask(service.url, event("callback"))["useCallback"] is True
    stopping = threading.Thread(target=service.close)
    stopping.start()
    time.sleep(0.3)
    assert kakao.late_answers == []
    slow.go.set()
    stopping.join()
    (late,) = kakao.late_answers
    assert len(titles(late)) == 5


@pytest.mark.parametrize(
    "callback",
    [None, "http://bot-api.kakao.com/v1/callback/x", "https://evil.example/x", "https://kakao.com.evil.example/x"],
)
def test_without_a_callback_of_kakaos_it_asks_to_try_again(
    serve: Serve, servers: StandInServers, slow: _Slow, callback: str | None
) -> None:
    payload = event("callback")
    payload["userRequest"]["callbackUrl"] = callback
    url = serve(skill_deadline_s=0.5).url
    begin = time.monotonic()
    answer = ask(url, payload)
    assert time.monotonic() - begin < 4
    check_answer(answer)
    assert "다시 보내 주세요" in text_of(answer)
    slow.go.set()
    time.sleep(0.2)
    assert servers.dialled == []


def test_an_unforeseen_error_is_a_sentence_too(
    service: str, recommender: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("오늘 하루도 수고했어")

    monkeypatch.setattr(recommender, "recommend", broken)
    answer = ask(service, event("text"))
    check_answer(answer)
    assert "수고" not in text_of(answer)


def _long_song(number: int, cover: str) -> RankedSong:
    song = Song(f"id:{number}", "제목 " * 60, "가수 " * 60, cover_url=cover)
    links = dict.fromkeys(("melon", "youtube_music", "spotify"), "https://www.melon.com/x")
    reason = Reason("이유가 아주 길어요. " * 40, "x")
    return RankedSong(number, song, 1.0, None, reason, links)


@pytest.mark.parametrize("cards", ["list", "carousel"])
@pytest.mark.parametrize("cover", ["", "https://img.example.com/c.jpg", "http://img.example.com/c.jpg"])
def test_very_long_facts_are_cut_to_the_limits(recommender: Recommender, cards: Any, cover: str) -> None:
    from dataclasses import replace

    answer = recommender.recommend(None, "수고했어")
    answer = replace(answer, songs=tuple(_long_song(number, cover) for number in range(5)))
    check_answer(Bubbles(cards).songs(answer, State(text="가" * 2000, seen=tuple(map(str, range(99))))))


def test_state_survives_the_round_trip() -> None:
    state = State("보고 싶다", "sad", True, ("a", "b"))
    payload = event("text")
    payload["action"]["clientExtra"] = state.extra("more")
    said = understand(json.dumps(payload).encode())
    assert (said.command, said.state) == ("more", state)


def test_drawn_covers_are_pictures_and_the_same_each_time(serve: Serve) -> None:
    service = serve(public_url="https://music.example").url
    items = ask(service, event("text"))["template"]["outputs"][1]["listCard"]["items"]
    address = items[0]["imageUrl"]
    assert address.startswith("https://music.example/kakao/covers/")
    response = httpx.get(address.replace("https://music.example", service))
    assert response.headers["content-type"] == "image/png"
    assert response.content == draw_cover(httpx.URL(address).path.rpartition("/")[2].removesuffix(".png"))
    assert len(response.content) < 120_000
