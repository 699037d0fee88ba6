"""Frames: covenant models to msgpack bytes and back.

One message is one frame holding one msgpack map. msgpack knows integers up to 64 bits; larger ones travel as
extension type 1 (signed, big-endian, as many bytes as it takes). No other extension type is read, nothing is ever
unpickled, and strings that UTF-8 cannot say (lone surrogates) have them replaced. ormsgpack stops at 1,024 levels of
nesting by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ormsgpack
from pydantic import BaseModel, ValidationError

from .codes import Code
from .covenant import COMMANDS, REPLIES, Command, Reply

MAX_FRAME = 8 * 1024 * 1024  # bytes; longer ones are answered with `oversize`
BIG_INTEGER = 1

_PACK = (
    ormsgpack.OPT_SERIALIZE_PYDANTIC
    | ormsgpack.OPT_PASSTHROUGH_BIG_INT
    | ormsgpack.OPT_NON_STR_KEYS
    | ormsgpack.OPT_REPLACE_SURROGATES
)
_UNPACK = ormsgpack.OPT_NON_STR_KEYS

# The adapters' own method is a layer of Python above these.
_command: Callable[[Any], Command] = COMMANDS.validator.validate_python
_reply: Callable[[Any], Reply] = REPLIES.validator.validate_python


class WireProblem(Exception):
    """A frame that is no command (or reply) of the covenant. `.code`, and the `.id` it carried if that could be
    read."""

    def __init__(self, code: Code, message: str, id: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.id = id


def pack(message: BaseModel | dict[str, Any]) -> bytes:
    """Bytes of one message: a model of the covenant, or a map with its fields. WireProblem (unsendable) if a value in
    it is no data."""
    try:
        return ormsgpack.packb(message, default=_big_integer, option=_PACK)
    except (TypeError, ValueError, OverflowError) as problem:
        raise WireProblem(Code.UNSENDABLE, f"cannot be sent: {problem}", getattr(message, "id", None)) from None


def unpack_command(frame: bytes, limit: int = MAX_FRAME) -> Command:
    """The command in a frame; WireProblem tells what is wrong with it."""
    data = _unpack(frame, limit)
    try:
        return _command(data)
    except ValidationError as problem:
        raise _explain(problem, data, "command") from None


def unpack_reply(frame: bytes, limit: int = 2**31) -> Reply:
    """The reply or event in a frame; WireProblem if the kernel speaks another language than this client."""
    data = _unpack(frame, limit)
    try:
        return _reply(data)
    except ValidationError as problem:
        raise _explain(problem, data, "kind") from None


def _unpack(frame: bytes, limit: int) -> dict[Any, Any]:
    if len(frame) > limit:
        raise WireProblem(Code.OVERSIZE, f"a frame of {len(frame)} bytes; at most {limit} are taken")
    try:
        data = ormsgpack.unpackb(frame, ext_hook=_extension, option=_UNPACK)
    except (ValueError, TypeError, RecursionError) as problem:
        raise WireProblem(Code.MALFORMED, f"not msgpack: {problem}") from None
    if type(data) is not dict:
        raise WireProblem(Code.MALFORMED, f"a message is a map, and this is a {type(data).__name__}")
    return data


def _extension(tag: int, data: bytes) -> int:
    if tag != BIG_INTEGER or not data:
        raise ValueError(f"unknown extension type {tag}")
    return int.from_bytes(data, "big", signed=True)


def _big_integer(value: object) -> ormsgpack.Ext:
    if isinstance(value, int):
        return ormsgpack.Ext(BIG_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
    raise TypeError(f"{type(value).__name__} is no data")


def _explain(problem: ValidationError, data: dict[Any, Any], tag: str) -> WireProblem:
    number = data.get("id")
    number = number if type(number) is int and 0 <= number < 2**63 else None
    first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        name = repr(data.get(tag))[:80]
        return WireProblem(Code.UNKNOWN_COMMAND, f"no {tag} is called {name}", number)
    where = ".".join(str(part) for part in first["loc"][1:])[:200]
    return WireProblem(Code.BAD_COMMAND, f"{data.get(tag)}: {where}: {first['msg']}", number)
