"""What people do on the page, in a real browser against the real server."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from .conftest import DESKTOP, PHONE, PHOTOS, PORTRAIT
from .helpers import ask, settle, song_ids, titles, until

pytestmark = pytest.mark.browser
LINE = "오늘 하루도 수고했어"


_KEEP_THE_UPLOAD = """() => {
    const send = window.fetch;
    window.fetch = async (address, options) => {
        const photo = options?.body instanceof FormData ? options.body.get('photo') : null;
        if (photo) window.uploaded = [...new Uint8Array(await photo.arrayBuffer())];
        return send(address, options);
    };
}"""


@pytest.mark.parametrize("kind", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_photo_and_line_give_five_songs(open_page, kind):
    page = open_page(kind)
    ask(page, photo=PORTRAIT, text=LINE)
    assert len(song_ids(page)) == len(set(song_ids(page))) == 5
    assert LINE in page.inner_text("#profile-line")
    assert titles(page)[0] in page.inner_text("#bar-text")
    assert page.locator(".face-box").count() == 1
    parts = page.locator(".meter-part").all_inner_texts()
    assert 98 <= sum(int(part.rstrip("%")) for part in parts) <= 102
    for links in page.locator(".outs").all():
        hosts = [urlsplit(link.get_attribute("href")).hostname for link in links.locator("a").all()]
        assert hosts == ["www.melon.com", "music.youtube.com", "open.spotify.com"]
    sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert sideways <= 0, "the page must not scroll sideways"


def test_the_photo_is_shrunk_and_stripped_before_it_leaves(open_page, tmp_path):
    big = Image.linear_gradient("L").resize((2600, 1300)).convert("RGB")
    exif = Image.Exif()
    exif[0x010F] = "SecretMaker"
    exif[0x8825] = {1: "N", 2: (37.0, 33.0, 59.0)}
    big.save(tmp_path / "내 사진.jpg", exif=exif)
    page = open_page()
    page.evaluate(_KEEP_THE_UPLOAD)
    ask(page, photo=tmp_path / "내 사진.jpg")
    data = bytes(page.evaluate("window.uploaded"))
    assert b"SecretMaker" not in data and b"Exif" not in data
    arrived = Image.open(io.BytesIO(data))
    assert arrived.format == "JPEG" and arrived.size == (1280, 640)
    assert not arrived.getexif()


def test_line_alone(open_page):
    page = open_page()
    with page.expect_request("**/v1/songs") as sent:
        ask(page, text="비 오는 날 창가에서")
    assert sent.value.post_data_json["text"] == "비 오는 날 창가에서"
    assert len(song_ids(page)) == 5
    assert page.locator(".said-photo").count() == 0
    assert page.locator(".said-text").is_visible()


def test_photo_alone(open_page):
    page = open_page(PHONE)
    ask(page, photo=PORTRAIT)
    assert len(song_ids(page)) == 5
    assert page.locator(".said-text").count() == 0


def test_photo_without_a_face_says_so_and_still_answers(open_page):
    page = open_page(PHONE)
    ask(page, photo=PHOTOS / "coffee.jpg", text="커피 한 잔의 여유")
    assert "얼굴을 찾지 못했어요" in page.inner_text(".said-photo")
    assert page.locator(".no-face button").is_visible()
    assert page.locator(".face-box").count() == 0
    assert len(song_ids(page)) == 5


def test_nothing_given(open_page):
    page = open_page()
    page.click("#go")
    assert "사진이나 한 줄" in page.inner_text("#problem")
    page.get_by_role("button", name="한 줄 쓰기").click()
    assert page.evaluate("document.activeElement.id") == "text"


def test_correcting_the_emotion_does_not_upload_again(open_page):
    page = open_page()
    uploads: list[str] = []
    page.on("request", lambda request: uploads.append(request.url) if "recommendations" in request.url else None)
    ask(page, photo=PORTRAIT, text=LINE)
    before = song_ids(page)
    with page.expect_request("**/v1/songs") as sent:
        page.click(".meter-angry")
    page.wait_for_selector('.meter-angry[aria-pressed="true"]')
    settle(page)
    question = sent.value.post_data_json
    assert question["emotion"] == "angry" and question["photo"]["source"] == "face"
    assert len(uploads) == 1
    assert song_ids(page) != before
    assert "분노" in page.inner_text("#basis")
    page.get_by_role("button", name="사진대로").click()
    until(
        page,
        "before => [...document.querySelectorAll('#songs > li')].map(i => i.dataset.song).join() === before",
        arg=",".join(before),
    )


def test_another_face_speaks_for_the_photo(open_page):
    page = open_page(PHONE)
    ask(page, photo=PHOTOS / "group.jpg", text=LINE)
    faces = page.locator(".face")
    assert faces.count() >= 3
    assert page.locator(".face-box").count() == faces.count()
    before = page.locator(".meter-part").all_inner_texts()
    with page.expect_request("**/v1/songs"):
        faces.nth(1).click()
    page.wait_for_selector('.face[data-key="face-1"][aria-pressed="true"]')
    settle(page)
    assert page.locator(".meter-part").all_inner_texts() != before
    assert page.locator(".face-box.is-chosen").get_attribute("data-face") == "1"


def test_what_gave_the_expression_away(open_page):
    page = open_page(PHONE)
    ask(page, photo=PORTRAIT, text=LINE)
    page.click(".heat-ask")
    page.wait_for_selector(".heat img")
    until(page, "document.querySelector('.heat img').naturalWidth === 256")
    page.click(".meter-sad")
    settle(page)
    assert page.locator(".heat img").is_visible()


def test_choosing_a_song_changes_the_profile(open_page):
    page = open_page()
    ask(page, text="훌쩍 떠나고 싶어")
    third = titles(page)[2]
    page.locator(".song-title").nth(2).click()
    assert third in page.inner_text("#bar-text")
    assert page.locator(".song.is-chosen").count() == 1
    assert page.locator(".song-title").nth(2).get_attribute("aria-pressed") == "true"


def test_like_and_skip_stay_in_the_browser(open_page):
    page = open_page()
    ask(page, text="보고 싶다")
    first, second, *_ = song_ids(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(f'[data-song="{second}"] .like').click()
    assert page.locator(f'[data-song="{second}"] .like').get_attribute("aria-pressed") == "true"
    page.locator(f'[data-song="{first}"] .skip-song').click()
    assert first not in song_ids(page)
    assert len(song_ids(page)) == 5
    assert asked == [], "likes and skips re-rank without a request"
    taste = json.loads(page.evaluate("localStorage.getItem('premu.taste')"))
    assert list(taste["likes"]) == [second] and list(taste["skips"]) == [first]
    page.reload()
    page.wait_for_selector("html[data-ready]")
    ask(page)
    assert first not in song_ids(page)
    page.get_by_role("button", name="취향 지우기").click()
    assert page.evaluate("localStorage.getItem('premu.taste')") is None
    assert not page.locator("#taste").is_visible()


def test_a_like_pulls_similar_songs_up(open_page):
    page = open_page()
    order = page.evaluate(
        """async () => {
            const base = document.querySelector('script[type=module]').src.replace('main.js', 'taste.js');
            const { byTaste, toggleLike, addSkip } = await import(base);
            const song = (id, genre, moods) => ({ song_id: id, title: id, artist: id, genre, year: 2015, moods });
            const entries = [['a', '발라드', ['슬픔']], ['b', '댄스', ['신남']], ['c', '댄스', ['신남']],
                ['d', '발라드', ['슬픔']]]
                .map(([id, genre, moods], place) => ({ song: song(id, genre, moods), score: 1 - place * 0.02 }));
            const none = { likes: {}, skips: {} };
            const liked = toggleLike(none, entries[2].song);
            const ids = (taste) => byTaste(entries, taste).map(({ song }) => song.song_id).join('');
            const skipped = addSkip(none, entries[0].song);
            return [ids(none), ids(liked), ids(skipped), ids(toggleLike(liked, entries[2].song))];
        }"""
    )
    assert order == ["abcd", "cbad", "bcd", "abcd"]


def test_lift_filters_and_fresh_picks(open_page):
    page = open_page()
    ask(page, text="너무 힘든 하루였어")
    with page.expect_request("**/v1/songs") as lifted:
        page.get_by_text("기분 전환", exact=True).click()
    assert lifted.value.post_data_json["mood"] == "lift"
    settle(page)
    page.locator("#filters summary").click()
    with page.expect_request("**/v1/songs") as filtered:
        page.get_by_text("1990년대", exact=True).click()
    assert filtered.value.post_data_json["decades"] == [1990]
    settle(page)
    until(page, "[...document.querySelectorAll('.song-facts')].every(facts => /199\\d/.test(facts.textContent))")
    before = song_ids(page)
    with page.expect_response("**/v1/songs"):
        page.click("#fresh")
    settle(page)
    until(page, "before => document.querySelector('#songs > li').dataset.song !== before", arg=before[0])
    assert not set(before) & set(song_ids(page))


def test_share_picture_text_and_link(open_page, server):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.fill("#name", "콜린스")
    ask(page, photo=PORTRAIT, text=LINE)
    song = song_ids(page)[0]
    page.click("#share-open")
    page.wait_for_selector("#share[open]")
    with page.expect_download() as saved:
        page.click("#share-save")
    picture = Image.open(Path(saved.value.path()))
    assert picture.format == "PNG" and picture.size == (1080, 1350)
    with_photo = picture.convert("RGB").resize((8, 8)).tobytes()
    page.uncheck("#share-photo")
    with page.expect_download() as saved:
        page.click("#share-save")
    assert Image.open(Path(saved.value.path())).convert("RGB").resize((8, 8)).tobytes() != with_photo
    page.click("#share-text")
    until(page, "document.getElementById('share-said').textContent.includes('복사')")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert LINE in copied and titles(page)[0] in copied and server in copied
    page.click("#share-link")
    link = urlsplit(page.evaluate("navigator.clipboard.readText()"))
    carried = parse_qs(link.fragment)
    assert carried["text"] == [LINE] and carried["song"] == [song]
    assert set(carried) == {"text", "song", "by"} and not link.query


def test_a_shared_link_opens_with_line_and_song(open_page):
    sender = open_page()
    ask(sender, text="드디어 시험 끝!")
    sender.locator(".song-title").nth(3).click()
    chosen = song_ids(sender)[3]
    link = sender.evaluate(
        """async () => {
            const base = document.querySelector('script[type=module]').src.replace('main.js', 'share.js');
            const { linkFor } = await import(base);
            const card = document.querySelector('.song.is-chosen');
            return linkFor({ text: '드디어 시험 끝!', song: card.entry.song });
        }"""
    )
    receiver = open_page(PHONE, path=urlsplit(link).path + "#" + urlsplit(link).fragment)
    receiver.wait_for_selector('#main[data-phase="result"]')
    settle(receiver)
    assert receiver.input_value("#text") == "드디어 시험 끝!"
    assert receiver.locator(".song.is-chosen").get_attribute("data-song") == chosen
    assert len(song_ids(receiver)) == 5


def test_refresh_keeps_the_line_and_forgets_the_photo(open_page):
    page = open_page()
    ask(page, photo=PORTRAIT, text="오늘은 나를 칭찬하는 날")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.input_value("#text") == "오늘은 나를 칭찬하는 날"
    assert not page.locator("#profile.has-photo").count()
    kept = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert "base64" not in kept and "blob:" not in kept and len(kept) < 500


def test_paste_and_drop(open_page):
    page = open_page()
    give = """([kind, bytes]) => {
        const file = new File([new Uint8Array(bytes)], 'photo.jpg', { type: 'image/jpeg' });
        const data = new DataTransfer();
        data.items.add(file);
        const event = kind === 'paste'
            ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
            : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
    }"""
    data = list((PHOTOS / "thumbnail.jpg").read_bytes())
    for kind in ("paste", "drop"):
        page.evaluate(give, [kind, data])
        page.wait_for_selector("#profile.has-photo")
        page.click("#photo-remove")
        page.wait_for_selector("#profile:not(.has-photo)")


def test_long_and_strange_lines(open_page):
    page = open_page(PHONE)
    page.fill("#text", "가" * 180 + "<b>굵게</b>&amp;")
    assert page.inner_text("#counter") == "200/200" or re.fullmatch(r"1\d\d/200", page.inner_text("#counter"))
    page.click("#go")
    page.wait_for_selector('#main[data-phase="result"]')
    assert "<b>" in page.inner_text("#profile-line") or page.locator("#profile-line b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
