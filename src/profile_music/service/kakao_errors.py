"""What can go wrong, or is worth saying, between a person's click on the Kakao button and the page."""

from __future__ import annotations

from profile_music.errors import ProfileMusicError


class KakaoError(ProfileMusicError):
    """Kakao answered with an error that has no class of its own here."""

    code = "kakao_error"
    http_status = 502
    ko = "카카오에서 오류가 났어요. 잠시 뒤에 다시 해 주세요."
    en = "Kakao answered with an error: try again shortly."


class KakaoConfigError(KakaoError):
    """A setting is missing or wrong, here or in Kakao's console."""

    code = "kakao_misconfigured"
    http_status = 500
    ko = "카카오 로그인 설정이 맞지 않아요. 운영자에게 알려 주세요."
    en = "Kakao Login is not set up correctly: please tell the operator."


class KakaoSecretMissingError(KakaoConfigError):
    """Cookies of a public address need a secret that outlives the process."""

    code = "kakao_secret_missing"
    ko = "KAKAO_SESSION_SECRET이 없어요. https 주소로 카카오 로그인을 열려면 꼭 있어야 해요."
    en = "KAKAO_SESSION_SECRET is missing: Kakao Login on an https address needs it."


class KakaoRefusedError(KakaoError):
    """The person did not agree on Kakao's consent screen."""

    code = "kakao_refused"
    http_status = 403
    ko = "카카오 동의를 취소했어요. 사진을 직접 올려도 똑같이 추천받을 수 있어요."
    en = "You declined on Kakao's screen. You can still choose a photo yourself."


class KakaoStateError(KakaoError):
    """The answer does not belong to a login that this browser began, or the login took too long."""

    code = "kakao_state_invalid"
    http_status = 400
    ko = "로그인을 시작한 지 오래됐거나 다른 창에서 시작했어요. 카카오 로그인을 다시 눌러 주세요."
    en = "This login began too long ago or in another window: press the Kakao button again."


class KakaoCodeExpiredError(KakaoError):
    """The authorization code was used before, or too late."""

    code = "kakao_code_expired"
    http_status = 400
    ko = "카카오 로그인 코드가 만료됐어요. 카카오 로그인을 다시 눌러 주세요."
    en = "Kakao's login code has expired: press the Kakao button again."


class KakaoUnavailableError(KakaoError):
    """Kakao cannot be reached or is under maintenance."""

    code = "kakao_unavailable"
    http_status = 503
    ko = "지금은 카카오에 연결할 수 없어요. 사진을 직접 올려 주세요."
    en = "Kakao cannot be reached right now: choose a photo yourself."


class KakaoTimeoutError(KakaoError):
    """Kakao did not answer in time."""

    code = "kakao_timeout"
    http_status = 504
    ko = "카카오의 응답이 늦어지고 있어요. 다시 해 보거나 사진을 직접 올려 주세요."
    en = "Kakao takes too long to answer: try again, or choose a photo yourself."


class KakaoQuotaError(KakaoError):
    """The app has used up its calls."""

    code = "kakao_quota_exceeded"
    http_status = 503
    ko = "오늘은 카카오 로그인을 너무 많이 썼어요. 사진을 직접 올려 주세요."
    en = "Kakao Login has reached today's limit: choose a photo yourself."


class KakaoPhotoDefaultNotice(KakaoError):
    """The profile has Kakao's default picture, which has no face and no mood of its own."""

    code = "kakao_photo_default"
    http_status = 200
    ko = "카카오 프로필이 기본 사진이에요. 한 줄만 적거나 다른 사진을 올려 주세요."
    en = "Your Kakao profile has the default picture: write a line, or choose another photo."


class KakaoPhotoNotAgreedNotice(KakaoError):
    """The person agreed to the login but not to the photo."""

    code = "kakao_photo_not_agreed"
    http_status = 200
    ko = "프로필 사진에 동의하지 않아서 사진은 가져오지 않았어요. 직접 올려 주세요."
    en = "You did not share the profile photo, so it was not fetched: choose one yourself."


class KakaoPhotoGoneNotice(KakaoError):
    """Kakao's address of the photo leads nowhere any more."""

    code = "kakao_photo_gone"
    http_status = 404
    ko = "카카오 프로필 사진의 주소가 만료됐어요. 사진을 직접 올려 주세요."
    en = "The address of your Kakao photo has expired: choose a photo yourself."


class KakaoPhotoTimeoutNotice(KakaoError):
    """The photo did not arrive in time."""

    code = "kakao_photo_timeout"
    http_status = 504
    ko = "카카오 프로필 사진을 가져오는 데 너무 오래 걸려요. 사진을 직접 올려 주세요."
    en = "Fetching your Kakao photo took too long: choose a photo yourself."


class KakaoPhotoUnusableNotice(KakaoError):
    """The photo is too large, not a photo, or not where Kakao keeps photos."""

    code = "kakao_photo_unusable"
    http_status = 422
    ko = "카카오 프로필 사진을 읽지 못했어요. 사진을 직접 올려 주세요."
    en = "Your Kakao photo cannot be read: choose a photo yourself."


class KakaoUnlinkedNotice(KakaoError):
    """The app is no longer linked to the person's Kakao account."""

    code = "kakao_unlinked"
    http_status = 200
    ko = "카카오 연결을 끊었어요. 남은 정보는 없어요."
    en = "The link to your Kakao account is gone. Nothing is kept."


NOTICES: dict[str, type[ProfileMusicError]] = {
    notice.code: notice
    for notice in (
        KakaoError,
        KakaoConfigError,
        KakaoRefusedError,
        KakaoStateError,
        KakaoCodeExpiredError,
        KakaoUnavailableError,
        KakaoTimeoutError,
        KakaoQuotaError,
        KakaoPhotoDefaultNotice,
        KakaoPhotoNotAgreedNotice,
        KakaoPhotoGoneNotice,
        KakaoPhotoTimeoutNotice,
        KakaoPhotoUnusableNotice,
        KakaoUnlinkedNotice,
    )
}
"""By code: a cookie carries only the code."""
