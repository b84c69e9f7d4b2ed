"""Kakao's limits for skill answers (the chatbot guide's response JSON, version 2.0), checked on a whole answer."""

from __future__ import annotations

from typing import Any

OUTPUTS = {"simpleText", "listCard", "carousel"}


def check_answer(answer: dict[str, Any]) -> None:
    """Fail where the chatbot would refuse or cut the answer."""
    assert answer["version"] == "2.0"
    assert set(answer) == {"version", "template"}
    template = answer["template"]
    assert 1 <= len(template["outputs"]) <= 3
    for output in template["outputs"]:
        ((kind, body),) = output.items()
        assert kind in OUTPUTS
        {"simpleText": _simple_text, "listCard": _list_card, "carousel": _carousel}[kind](body)
    replies = template.get("quickReplies", [])
    assert len(replies) <= 10
    for reply in replies:
        assert 1 <= len(reply["label"]) <= 14
        assert reply["action"] in ("message", "block")
        assert reply["messageText"]
        assert ("blockId" in reply) == (reply["action"] == "block")
        assert isinstance(reply["extra"], dict)


def _simple_text(body: dict[str, Any]) -> None:
    assert 1 <= len(body["text"]) <= 1000


def _list_card(body: dict[str, Any]) -> None:
    assert 1 <= len(body["header"]["title"]) <= 36
    assert 1 <= len(body["items"]) <= 5
    for item in body["items"]:
        assert 1 <= len(item["title"]) <= 36
        assert 1 <= len(item["description"]) <= 60
        assert item["link"]["web"].startswith("https://")
        _image(item.get("imageUrl", "https://none"))
    assert len(body.get("buttons", [])) <= 2


def _carousel(body: dict[str, Any]) -> None:
    assert 1 <= len(body["items"]) <= 10
    assert body["type"] in ("basicCard", "textCard")
    for card in body["items"]:
        assert 1 <= len(card["title"]) <= 50
        if body["type"] == "textCard":
            assert 1 <= len(card["description"]) <= 128
            _buttons(card["buttons"], 3, 14)
        else:
            assert 1 <= len(card["description"]) <= 230
            assert card["thumbnail"]["fixedRatio"] is True
            assert len(card["thumbnail"]["altText"]) <= 50
            _image(card["thumbnail"]["imageUrl"])
            _buttons(card["buttons"], 2, 8)


def _buttons(buttons: list[dict[str, Any]], most: int, characters: int) -> None:
    assert 1 <= len(buttons) <= most
    for button in buttons:
        assert 1 <= len(button["label"]) <= characters
        assert button["action"] == "webLink"
        assert button["webLinkUrl"].startswith("https://")


def _image(url: str) -> None:
    assert url.startswith("https://")
    assert len(url) <= 1000
