"""Multipart forms read into memory only: a photo must never touch the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from profile_music.errors import InputError

_MAX_FIELDS = 32
_FORM_OVERHEAD_BYTES = 256 * 1024


class _InMemoryParser(MultiPartParser):
    # Starlette spools files above 1 MB to a temporary file; a photo must stay in memory. The body limit bounds it.
    spool_max_size = 1 << 40


@dataclass(frozen=True, slots=True)
class RequestForm:
    """A parsed form: the photo's bytes (None where absent or empty) and the text fields."""

    photo: bytes | None
    fields: dict[str, str]

    def text(self) -> str | None:
        """Return the text field."""
        return self.fields.get("text")

    def integer(self, name: str, default: int) -> int:
        """Return a whole-number field.

        Raises:
            InputError: Not a whole number.
        """
        value = self.fields.get(name, "").strip()
        if not value:
            return default
        try:
            return int(value)
        except ValueError as error:
            raise InputError(reason=f"{name}") from error

    def words(self, name: str) -> tuple[str, ...]:
        """Return a comma-separated field's words."""
        return tuple(word.strip() for word in self.fields.get(name, "").split(",") if word.strip())


def body_limit_bytes(photo_max_bytes: int) -> int:
    """Return the largest request body: the photo and the rest of the form."""
    return photo_max_bytes + _FORM_OVERHEAD_BYTES


async def read_form(request: Request) -> RequestForm:
    """Read a multipart or urlencoded form.

    Raises:
        InputError: The body is not a form, or has too many parts.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            form: Any = await _InMemoryParser(
                request.headers, request.stream(), max_files=1, max_fields=_MAX_FIELDS
            ).parse()
        elif kind == "application/x-www-form-urlencoded":
            form = await FormParser(request.headers, request.stream()).parse()
        else:
            raise InputError(reason="multipart/form-data")
    except (MultiPartException, ValueError, KeyError) as error:
        raise InputError(reason="multipart/form-data") from error
    photo: bytes | None = None
    fields: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name == "photo":
                photo = await value.read() or None
        else:
            fields[name] = value
    await form.close()
    return RequestForm(photo, fields)
