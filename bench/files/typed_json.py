"""JSON that somebody else may have written, decoded into typed values, with a single kind of error."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")

MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the expected JSON."""

Sha256: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A hex hash, checked so strictly that it may become a file name."""

Option: TypeAlias = bool | int | float | str | None
"""A value of a codec's configuration."""


class MalformedJson(ValueError):
    """Bytes that are not the expected JSON; the message says what is wrong and where."""


def decode_json(data: bytes, kind: type[T]) -> T:
    """Decode ``data`` as a ``kind``.

    Raises
    ------
    MalformedJson
        It is not JSON, not in UTF-8, nested too deeply, or not a ``kind``.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except MALFORMED as error:
        raise MalformedJson(fault(error)) from error


def fault(error: BaseException) -> str:
    """The text of one of :data:`MALFORMED`, for a message."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "not in UTF-8"
    return str(error)
