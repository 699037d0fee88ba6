"""The client's half without sockets: what it does when the connection breaks and comes back."""

from __future__ import annotations

import pytest

from batos.bridge import core as core_module
from batos.bridge.core import Core, KernelGone
from batos.bridge.covenant import Done, Evaluate, GetFullStateCommand, Subscribe, UvmStateUpdateEvent, Welcome
from batos.bridge.wire import pack, unpack_command


def welcomed(kernel: str = "k1") -> tuple[Core, list[bytes]]:
    sent: list[bytes] = []
    core = Core("ipc:///nowhere", "test", lambda frame: sent.append(frame) is None)
    core.connected()
    core.receive(pack(Welcome(id=unpack_command(sent[-1]).id, kernel=kernel, max_frame=1000)))
    return core, sent


def come_back(core: Core, sent: list[bytes], kernel: str) -> None:
    core.connected()
    core.receive(pack(Welcome(id=unpack_command(sent[-1]).id, kernel=kernel, max_frame=1000)))


def names(sent: list[bytes]) -> list[str]:
    return [unpack_command(frame).model_dump()["command"] for frame in sent]


def test_nothing_is_sent_before_the_kernel_has_answered_hello() -> None:
    sent: list[bytes] = []
    core = Core("ipc:///nowhere", "test", lambda frame: sent.append(frame) is None)
    core.begin(Evaluate(source="1"))
    assert sent == []
    core.connected()
    assert names(sent) == ["hello"]
    core.receive(pack(Welcome(id=unpack_command(sent[-1]).id, kernel="k1", max_frame=1000)))
    assert names(sent) == ["hello", "evaluate"]


def test_the_same_kernel_is_sent_what_it_owes_again() -> None:
    core, sent = welcomed()
    pending = core.begin(Evaluate(source="1"))
    core.disconnected()
    later = core.begin(Evaluate(source="2"))
    assert len(sent) == 2
    come_back(core, sent, "k1")
    assert names(sent) == ["hello", "evaluate", "hello", "evaluate", "evaluate"]
    assert sent[1] == sent[3]
    core.receive(pack(Done(id=pending.command.id)))
    core.receive(pack(Done(id=later.command.id)))
    assert isinstance(pending.result(), Done) and isinstance(later.result(), Done)


def test_another_kernel_is_not_sent_what_the_old_one_may_have_done() -> None:
    core, sent = welcomed()
    core.begin(Subscribe(topics=["state"]))
    pending = core.begin(Evaluate(source="1"))
    core.disconnected()
    never_sent = core.begin(Evaluate(source="2"))
    come_back(core, sent, "k2")
    assert names(sent) == ["hello", "subscribe", "evaluate", "hello", "evaluate", "subscribe"]
    with pytest.raises(KernelGone, match="restarted"):
        pending.result()
    core.receive(pack(Done(id=never_sent.command.id)))
    assert isinstance(never_sent.result(), Done)


def test_a_connection_that_stays_away_fails_what_is_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    core, _ = welcomed()
    pending = core.begin(Evaluate(source="1"))
    now = core_module.monotonic()
    core.disconnected()
    core.tick()
    assert pending.problem is None
    monkeypatch.setattr(core_module, "monotonic", lambda: now + core_module.AWAY + 1)
    core.tick()
    with pytest.raises(KernelGone, match="no kernel answers"):
        pending.result()


def test_a_silent_kernel_is_pinged_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    core, sent = welcomed()
    pending = core.begin(Evaluate(source="1"))
    now = core_module.monotonic()
    monkeypatch.setattr(core_module, "monotonic", lambda: now + core_module.SILENCE + 0.5)
    core.tick()
    core.tick()
    assert names(sent)[2:] == ["ping"]
    monkeypatch.setattr(core_module, "monotonic", lambda: now + core_module.DEAF + 1)
    core.tick()
    with pytest.raises(KernelGone, match="has not answered"):
        pending.result()


def test_a_state_that_answers_and_a_state_that_is_an_event() -> None:
    core, _ = welcomed()
    pending = core.begin(GetFullStateCommand())
    core.receive(pack(UvmStateUpdateEvent(state={"n": 1})))
    core.receive(pack(UvmStateUpdateEvent(id=pending.command.id, state={"n": 2})))
    assert [event.model_dump()["state"] for event in core.events] == [{"n": 1}]
    assert pending.result().model_dump()["state"] == {"n": 2}


def test_rubbish_from_the_kernel_is_dropped() -> None:
    core, _ = welcomed()
    pending = core.begin(Evaluate(source="1"))
    for frame in (b"", b"\xc1", b"\x80", b"\x81\xa4kind\xa6future", b"\x93\x01\x02\x03"):
        core.receive(frame)
    assert pending.answer is None and pending.problem is None
