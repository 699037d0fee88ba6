"""Frames and the covenant: what passes, what is refused and by which code."""

from __future__ import annotations

import pickle
from typing import Any

import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batos.bridge.codes import Code
from batos.bridge.covenant import (
    CreateMethodCommand,
    Data,
    Evaluate,
    GetFullStateCommand,
    UpdatePropertyCommand,
    UvmStateUpdateEvent,
)
from batos.bridge.wire import WireProblem, pack, unpack_command, unpack_reply

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.binary(max_size=50)
    | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


def refused(frame: bytes, limit: int = 100_000) -> WireProblem:
    with pytest.raises(WireProblem) as caught:
        unpack_command(frame, limit)
    return caught.value


@given(DATA)
def test_data_crosses_unchanged(value: Any) -> None:
    command = unpack_command(pack(UpdatePropertyCommand(property_name="x", property_value=value)))
    assert isinstance(command, UpdatePropertyCommand)
    assert command.property_value == value


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**1000, -(10**1000), 255, 256, -128, -129])
def test_integers_of_any_size_cross(number: int) -> None:
    reply = unpack_reply(pack(Data(data=[number, {"n": number}])))
    assert isinstance(reply, Data)
    assert reply.data == [number, {"n": number}]


def test_a_string_that_utf8_cannot_say_still_crosses() -> None:
    reply = unpack_reply(pack(Data(data="a\ud800b")))
    assert isinstance(reply, Data) and reply.data == "a?b"


def test_what_is_no_data_is_a_coded_error() -> None:
    for value in (object(), 1j, {1, 2}, [b"x", object()]):
        with pytest.raises(WireProblem) as caught:
            pack(Data(data=value))
        assert caught.value.code == Code.UNSENDABLE
    deep: list[Any] = []
    for _ in range(3000):
        deep = [deep]
    with pytest.raises(WireProblem):
        pack(Data(data=deep))


def test_the_seeds_models_have_the_seeds_fields() -> None:
    assert GetFullStateCommand().command == "get_full_state"
    assert UpdatePropertyCommand(property_name="a", property_value=1).command == "update_property"
    assert CreateMethodCommand(method_name="a", method_code="b").command == "create_method"
    assert UvmStateUpdateEvent(state={"a": 1}).state == {"a": 1}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", Code.MALFORMED),
        (b"\xc1", Code.MALFORMED),
        (b"hello, kernel", Code.MALFORMED),
        (b"\xc0", Code.MALFORMED),
        (b"\x93\x01\x02\x03", Code.MALFORMED),
        (b"\x91" * 5000 + b"\xc0", Code.MALFORMED),
        (b"\xdd\xff\xff\xff\xff", Code.MALFORMED),
        (b"\xdf\xff\xff\xff\xff", Code.MALFORMED),
        (b"\xa4\xff\xfe\xfd\xfc", Code.MALFORMED),
        (b"\x81\xa1a\xd4\x05x", Code.MALFORMED),
        (b"\x81\x80\x01", Code.MALFORMED),
        (pickle.dumps({"command": "ping"}), Code.UNKNOWN_COMMAND),  # its first byte happens to be an empty map
        (pickle.dumps(["ping"], 0), Code.MALFORMED),
        (b"\x80", Code.UNKNOWN_COMMAND),
        (ormsgpack.packb({"command": "format_disk", "id": 3}), Code.UNKNOWN_COMMAND),
        (ormsgpack.packb({"command": ["ping"]}), Code.UNKNOWN_COMMAND),
        (ormsgpack.packb({"command": "evaluate"}), Code.BAD_COMMAND),
        (ormsgpack.packb({"command": "evaluate", "source": 5}), Code.BAD_COMMAND),
        (ormsgpack.packb({"command": "evaluate", "source": "1", "atomc": True}), Code.BAD_COMMAND),
        (ormsgpack.packb({"command": "evaluate", "source": "1", "seconds": -1.0}), Code.BAD_COMMAND),
        (ormsgpack.packb({"command": "evaluate", "source": "1", "policy": "yes"}), Code.BAD_COMMAND),
        (ormsgpack.packb({"command": "inspect", "count": 10**9}), Code.BAD_COMMAND),
        (ormsgpack.packb({"command": "inspect", "target": "../etc"}), Code.BAD_COMMAND),
        (ormsgpack.packb({"command": "ping", "id": -1}), Code.BAD_COMMAND),
        (ormsgpack.packb({"command": "ping", "id": 2**63}), Code.BAD_COMMAND),
        (ormsgpack.packb({"command": "subscribe", "topics": ["x"] * 1000}), Code.BAD_COMMAND),
        (b"\x00" * 100_001, Code.OVERSIZE),
    ],
)
def test_each_kind_of_bad_frame_has_its_code(frame: bytes, code: Code) -> None:
    assert refused(frame).code == code


def test_the_id_of_a_bad_command_comes_back() -> None:
    assert refused(ormsgpack.packb({"command": "format_disk", "id": 3})).id == 3
    assert refused(ormsgpack.packb({"command": "evaluate", "id": 4})).id == 4
    assert refused(ormsgpack.packb({"command": "evaluate", "id": "4"})).id is None


def test_the_message_names_the_field() -> None:
    assert "source" in str(refused(ormsgpack.packb({"command": "evaluate"})))
    assert "atomc" in str(refused(ormsgpack.packb({"command": "evaluate", "source": "1", "atomc": True})))
    assert len(str(refused(ormsgpack.packb({"command": "x" * 50000})))) < 200


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_a_coded_error(frame: bytes) -> None:
    try:
        unpack_command(frame)
    except WireProblem as problem:
        assert problem.code in (Code.MALFORMED, Code.UNKNOWN_COMMAND, Code.BAD_COMMAND)


@given(
    st.dictionaries(
        st.sampled_from(["command", "id", "source", "target", "topics", "seconds", "stream"]),
        DATA | st.sampled_from(["evaluate", "ping", "inspect", "subscribe"]),
    )
)
def test_any_map_is_a_command_or_a_coded_error(fields: dict[str, Any]) -> None:
    try:
        unpack_command(
            ormsgpack.packb(
                fields, default=lambda v: ormsgpack.Ext(1, b"\x01" * 9), option=ormsgpack.OPT_PASSTHROUGH_BIG_INT
            )
        )
    except WireProblem as problem:
        assert problem.code in (Code.UNKNOWN_COMMAND, Code.BAD_COMMAND)


def test_a_command_survives_the_way() -> None:
    command = Evaluate(id=9, source="3 + 4", seconds=1.5, policy="ask", stream=True)
    assert unpack_command(pack(command)) == command
