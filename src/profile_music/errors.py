"""One error tree: every failure a user can meet has a stable code and a Korean and an English message."""

from __future__ import annotations

from typing import Any, ClassVar


class ProfileMusicError(Exception):
    """Base of all errors raised on purpose.

    `code` is stable and safe to match on; `http_status` is what the service answers with;
    `ko` and `en` are format strings filled from the keyword arguments.
    """

    code: ClassVar[str] = "internal_error"
    http_status: ClassVar[int] = 500
    ko: ClassVar[str] = "알 수 없는 문제가 생겼어요."
    en: ClassVar[str] = "Something went wrong."

    def __init__(self, **details: Any) -> None:
        """Keep `details` for the messages and for `to_dict`; they must never hold photo bytes or texts."""
        self.details = details
        super().__init__(f"{self.code}: {self.message_en}")

    @property
    def message_ko(self) -> str:
        """The Korean message."""
        return self.ko.format(**self.details)

    @property
    def message_en(self) -> str:
        """The English message."""
        return self.en.format(**self.details)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON body that every entry point answers with."""
        return {"error": {"code": self.code, "message": {"ko": self.message_ko, "en": self.message_en}}}


class InputError(ProfileMusicError):
    """The caller's input cannot be used."""

    code = "invalid_input"
    http_status = 422
    ko = "입력을 이해하지 못했어요: {reason}"
    en = "The input cannot be used: {reason}"


class NothingGivenError(InputError):
    """Neither photo nor text was given."""

    code = "nothing_given"
    ko = "사진이나 글 중 하나는 있어야 해요."
    en = "Give a photo, a text, or both."


class TextTooLongError(InputError):
    """The text is longer than the limit."""

    code = "text_too_long"
    http_status = 413
    ko = "글이 너무 길어요. {limit_characters}자까지 쓸 수 있어요."
    en = "The text is too long: the limit is {limit_characters} characters."


class PhotoError(InputError):
    """The photo cannot be used."""

    code = "photo_invalid"
    ko = "사진을 읽지 못했어요."
    en = "The photo cannot be read."


class PhotoTooLargeError(PhotoError):
    """More bytes or pixels than the caps allow."""

    code = "photo_too_large"
    http_status = 413
    ko = "사진이 너무 커요. {limit}까지 읽을 수 있어요."
    en = "The photo is too large: the limit is {limit}."


class PhotoFormatError(PhotoError):
    """Not one of the formats that are read."""

    code = "photo_format_unsupported"
    http_status = 415
    ko = "읽을 수 없는 사진 형식이에요. JPEG, PNG, WebP, GIF, BMP, HEIC 중 하나로 올려 주세요."
    en = "The photo format is not supported: use JPEG, PNG, WebP, GIF, BMP or HEIC."


class PhotoDamagedError(PhotoError):
    """The bytes say one format and do not decode as it."""

    code = "photo_damaged"
    ko = "사진 파일이 깨져 있어요."
    en = "The photo file is damaged."


class FileMissingError(InputError):
    """A path that the caller named does not exist or is not a file."""

    code = "file_not_found"
    http_status = 404
    ko = "파일을 찾을 수 없어요: {path}"
    en = "No such file: {path}"


class ModelError(ProfileMusicError):
    """A model file is missing, damaged or of the wrong kind."""

    code = "model_invalid"
    ko = "모델 파일을 쓸 수 없어요: {name} ({reason})"
    en = "The model file cannot be used: {name} ({reason})"


class ModelUnavailableError(ModelError):
    """A model that must be fetched first is not here."""

    code = "model_unavailable"
    ko = "모델이 없어요: {name}. {hint_ko}"
    en = "The model is not installed: {name}. {hint_en}"


class CatalogError(ProfileMusicError):
    """The catalogue cannot be used."""

    code = "catalog_invalid"
    ko = "곡 목록을 쓸 수 없어요: {reason}"
    en = "The catalogue cannot be used: {reason}"


class CatalogMissingError(CatalogError):
    """There is no catalogue where one was named."""

    code = "catalog_not_found"
    ko = "곡 목록이 없어요: {path}"
    en = "There is no catalogue at {path}"


class CatalogDamagedError(CatalogError):
    """A file of the catalogue does not match its checksum."""

    code = "catalog_damaged"
    ko = "곡 목록 파일이 손상됐어요: {file}"
    en = "A catalogue file is damaged: {file}"


class EncoderMismatchError(CatalogError):
    """The index was built with another encoder than the one selected."""

    code = "encoder_mismatch"
    ko = "이 곡 목록은 {built_with} 인코더로 만들었어요. {selected}(으)로 쓰려면 catalog build로 다시 만들어 주세요."
    en = "This catalogue was built with the encoder {built_with}; rebuild it with `catalog build` to use {selected}."


class CatalogNotWrittenError(CatalogError):
    """The disk refused a catalogue that was being built; the version before is untouched."""

    code = "catalog_not_written"
    http_status = 507
    ko = "곡 목록을 다 쓰지 못했어요: {reason}. 전에 만든 목록은 그대로 있어요."
    en = "The catalogue could not be written: {reason}. The version before is untouched."


class CatalogUnreachableError(CatalogError):
    """The store that holds the catalogue does not answer or refuses."""

    code = "catalog_unreachable"
    http_status = 503
    ko = "곡 목록 저장소에 연결하지 못했어요: {location} ({reason})"
    en = "The catalogue's store cannot be reached: {location} ({reason})"


class CatalogChangedError(CatalogError):
    """Somebody else published a version at the same time; nothing was overwritten."""

    code = "catalog_changed"
    http_status = 409
    ko = "그 사이 다른 곳에서 새 곡 목록을 올렸어요: {location}. 내용을 확인하고 다시 올려 주세요."
    en = "Another version was published meanwhile at {location}: look at it and push again."


class CollectError(ProfileMusicError):
    """Pages could not be collected."""

    code = "collect_failed"
    http_status = 502
    ko = "페이지를 모으지 못했어요: {reason}"
    en = "The pages could not be collected: {reason}"


class RobotsForbidError(CollectError):
    """robots.txt does not allow this program to fetch an address."""

    code = "robots_forbid"
    ko = "{host}의 robots.txt가 {path} 페이지의 자동 수집을 허락하지 않아서 열지 않았어요. {hint_ko}"
    en = "robots.txt of {host} does not allow {path}, so it was not fetched. {hint_en}"


class RobotsUnreadableError(CollectError):
    """robots.txt could not be read, so nothing was fetched."""

    code = "robots_unreadable"
    ko = "{host}의 robots.txt를 읽을 수 없어서({reason}) 아무것도 가져오지 않았어요. 나중에 다시 해 주세요."
    en = "robots.txt of {host} could not be read ({reason}), so nothing was fetched. Try again later."


class AccessRefusedError(CollectError):
    """The site refused (401, 403, 429, or a page that says so): collecting stops at once."""

    code = "access_refused"
    ko = "{host}에서 접근을 막아서({status}) 바로 멈췄어요. 지금까지 모은 것은 남아 있어요. {hint_ko}"
    en = "{host} refused access ({status}), so collecting stopped at once. What was collected is kept. {hint_en}"


class SiteUnreachableError(CollectError):
    """A site did not answer usefully after several tries."""

    code = "site_unreachable"
    ko = "{host}에 여러 번 물었지만 답을 받지 못했어요({reason}). 나중에 --resume으로 이어서 할 수 있어요."
    en = "{host} did not answer after several tries ({reason}). Continue later with --resume."


class DependencyMissingError(ProfileMusicError):
    """An optional part is not installed."""

    code = "extra_not_installed"
    ko = "이 기능에는 추가 설치가 필요해요: pip install 'profile-music[{extra}]'"
    en = "This needs an extra: pip install 'profile-music[{extra}]'"


class BusyError(ProfileMusicError):
    """The queue is full: try again shortly."""

    code = "server_busy"
    http_status = 503
    ko = "지금은 요청이 많아요. 잠시 뒤에 다시 해 주세요."
    en = "The server is busy: try again shortly."


class DeadlineError(ProfileMusicError):
    """The answer took longer than the deadline."""

    code = "deadline_exceeded"
    http_status = 504
    ko = "시간 안에 답하지 못했어요. 다시 해 주세요."
    en = "The answer took too long: try again."
