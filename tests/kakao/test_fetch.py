"""The guarded fetcher: thirty hostile addresses, and servers that behave badly, all over real TLS."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_music.errors import PhotoFormatError, PhotoTooLargeError, ProfileMusicError
from profile_music.service.fetch import FetchLimits, GuardedClient, dial_address, resolve_host
from profile_music.service.fetch_url import (
    HostList,
    UrlGoneError,
    UrlNotAllowedError,
    UrlTimeoutError,
    UrlUnreachableError,
    check_url,
    is_public,
)
from tests.kakao.standin import PORTRAIT
from tests.kakao.standin_servers import PUBLIC_ADDRESS, StandInServers

HOSTS = HostList(["*.kakaocdn.net", "img.example.com"])
MAX_BYTES = 2_000_000

HOSTILE = [
    "http://127.0.0.1/a.jpg",
    "https://127.0.0.1/a.jpg",
    "https://127.1/a.jpg",
    "https://0.0.0.0/a.jpg",
    "https://2130706433/a.jpg",
    "https://0x7f000001/a.jpg",
    "https://0x7f.0.0.1/a.jpg",
    "https://0177.0.0.1/a.jpg",
    "https://017700000001/a.jpg",
    "https://１２７.０.０.１/a.jpg",
    "https://127。0。0。1/a.jpg",
    "https://[::1]/a.jpg",
    "https://[::ffff:127.0.0.1]/a.jpg",
    "https://[0:0:0:0:0:0:0:1]/a.jpg",
    "https://[fe80::1%25eth0]/a.jpg",
    "https://localhost/a.jpg",
    "https://localhost.localdomain/a.jpg",
    "https://169.254.169.254/latest/meta-data/",
    "https://metadata.google.internal/a.jpg",
    "file:///etc/passwd",
    "gopher://k.kakaocdn.net/a.jpg",
    "ftp://k.kakaocdn.net/a.jpg",
    "data:image/png;base64,iVBORw0KGgo=",
    "//k.kakaocdn.net/a.jpg",
    "https://user:password@k.kakaocdn.net/a.jpg",
    "https://k.kakaocdn.net@127.0.0.1/a.jpg",
    "https://127.0.0.1\\@k.kakaocdn.net/a.jpg",
    "https://k.kakaocdn.net\\.evil.example/a.jpg",
    "https://kakaocdn.net.evil.example/a.jpg",
    "https://evilkakaocdn.net/a.jpg",
    "https://kakaocdn.net/a.jpg",
    "https://k.kakaocdn.net.:443/a.jpg",
    "https://k.kakaocdn.net:22/a.jpg",
    "https://k.kakaocdn.net#@evil.example/a.jpg\r\nHost: evil.example",
    "https://evil.example/?k.kakaocdn.net",
    "https://evil.example#.kakaocdn.net",
    "https://k%2ekakaocdn.net/a.jpg",
    "http://img.example.com/a.jpg",
    "https://k.kakaocdn.net/" + "a" * 4000,
    "",
]


def fetch(client: GuardedClient, url: str, max_bytes: int = MAX_BYTES) -> bytes:
    return asyncio.run(client.get_photo(url, HOSTS, max_bytes))


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_addresses_are_refused_before_any_connection(servers: StandInServers, url: str) -> None:
    with pytest.raises(UrlNotAllowedError) as refused:
        fetch(servers.guarded_client(), url)
    assert refused.value.code == "photo_url_not_allowed"
    assert servers.dialled == []


@pytest.mark.parametrize(
    "url",
    [
        "https://k.kakaocdn.net/dn/x/img_640x640.jpg",
        "http://k.kakaocdn.net/dn/x/img_640x640.jpg",
        "https://K.KakaoCDN.net/dn/가/img.jpg?credential=a%2Bb&expires=1#x",
        "https://img.example.com/dn/x.jpg",
    ],
)
def test_allowed_addresses_are_fetched_over_tls(servers: StandInServers, url: str) -> None:
    assert fetch(servers.guarded_client(), url) == PORTRAIT.read_bytes()
    assert servers.dialled == [f"{PUBLIC_ADDRESS}:443"]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
     "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"],
)  # fmt: skip
def test_names_that_lead_to_private_addresses(servers: StandInServers, address: str) -> None:
    assert not is_public(address)
    servers.names["k.kakaocdn.net"] = [[PUBLIC_ADDRESS, address]]
    with pytest.raises(UrlNotAllowedError):
        fetch(servers.guarded_client(), "https://k.kakaocdn.net/dn/x.jpg")
    assert servers.dialled == []


def test_a_name_that_changes_its_mind_is_asked_once(servers: StandInServers) -> None:
    servers.names["k.kakaocdn.net"] = [[PUBLIC_ADDRESS], ["127.0.0.1"]]
    assert fetch(servers.guarded_client(), "https://k.kakaocdn.net/dn/x.jpg")
    assert servers.dialled == [f"{PUBLIC_ADDRESS}:443"]
    with pytest.raises(UrlNotAllowedError):
        fetch(servers.guarded_client(), "https://k.kakaocdn.net/dn/x.jpg")
    assert len(servers.dialled) == 1


def test_rebinding_between_redirects_is_refused(servers: StandInServers) -> None:
    servers.names["k.kakaocdn.net"] = [[PUBLIC_ADDRESS], ["127.0.0.1"]]
    with pytest.raises(UrlNotAllowedError):
        fetch(servers.guarded_client(), "https://k.kakaocdn.net/redirect?to=/dn/x.jpg")


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/a.jpg", "http://127.0.0.1/", "file:///etc/passwd", "//evil.example/a", "http://img.example.com/dn/x",
     "https://k.kakaocdn.net:8443/dn/x", "https://a:b@k.kakaocdn.net/dn/x"],
)  # fmt: skip
def test_redirects_off_the_list(servers: StandInServers, target: str) -> None:
    with pytest.raises(UrlNotAllowedError):
        fetch(servers.guarded_client(), f"https://k.kakaocdn.net/redirect?to={target}")
    assert len(servers.dialled) == 1


def test_redirects_within_the_list_are_followed_twice_and_no_further(servers: StandInServers) -> None:
    twice = "https://k.kakaocdn.net/redirect?to=/redirect%3Fto=https://img.example.com/dn/x.jpg"
    assert fetch(servers.guarded_client(), twice) == PORTRAIT.read_bytes()
    with pytest.raises(UrlNotAllowedError):
        fetch(servers.guarded_client(), "https://k.kakaocdn.net/loop")


@pytest.mark.parametrize(
    ("path", "error"),
    [("endless", PhotoTooLargeError), ("gone", UrlGoneError), ("page", PhotoFormatError), ("packed", PhotoFormatError)],
)
def test_bad_answers(servers: StandInServers, path: str, error: type[ProfileMusicError]) -> None:
    with pytest.raises(error):
        fetch(servers.guarded_client(), f"https://k.kakaocdn.net/{path}")


def test_a_declared_size_is_believed_when_it_is_too_large(servers: StandInServers) -> None:
    with pytest.raises(PhotoTooLargeError):
        fetch(servers.guarded_client(), "https://k.kakaocdn.net/dn/x.jpg", max_bytes=1000)


def test_a_body_that_drips_is_cut_off_at_the_total_time(servers: StandInServers) -> None:
    begin = time.monotonic()
    with pytest.raises(UrlTimeoutError):
        fetch(servers.guarded_client(FetchLimits(total_s=0.5)), "https://k.kakaocdn.net/slow")
    assert time.monotonic() - begin < 4


def test_a_certificate_for_another_name_is_refused(servers: StandInServers) -> None:
    hosts = HostList(["other.example.com"])
    with pytest.raises(UrlUnreachableError):
        asyncio.run(servers.guarded_client().get_photo("https://other.example.com/dn/x.jpg", hosts, MAX_BYTES))


def test_an_authority_that_nobody_trusts_is_refused(servers: StandInServers) -> None:
    client = servers.guarded_client()
    stranger = GuardedClient(resolve=client._backend._resolve, dial=client._backend._dial)
    with pytest.raises(UrlUnreachableError):
        fetch(stranger, "https://k.kakaocdn.net/dn/x.jpg")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_refused_or_leads_to_the_list(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}.kakaocdn.net/a", f"https://k.kakaocdn.net{text}"):
        try:
            target = check_url(url, HOSTS)
        except UrlNotAllowedError:
            continue
        assert target.host.endswith(".kakaocdn.net")
        assert target.url.isascii()


@pytest.mark.parametrize(
    "entry", ["", "*", "*.", "com", "127.0.0.1", "https://a.com", "a.com:443", "a@b.com", "a..com"]
)
def test_lists_of_hosts_hold_names_only(entry: str) -> None:
    with pytest.raises(ValueError, match="host name"):
        HostList([entry])


def test_the_usual_resolver_and_dial(servers: StandInServers) -> None:
    async def scenario() -> None:
        addresses = await resolve_host("localhost")
        assert addresses
        assert not any(map(is_public, addresses))
        stream = await dial_address("127.0.0.1", servers.images.port, 2)
        await stream.aclose()

    asyncio.run(scenario())
