"""The client's half without sockets: what it does when the connection breaks and comes back."""

from __future__ import annotations

import pytest

from batos.bridge import core as core_module
from batos.bridge.core import BridgeProblem, Core, KernelGone
from batos.bridge.covenant import (
    Done,
    ErrorReply,
    Evaluate,
    GetFullStateCommand,
    Moved,
    Outcome,
    Subscribe,
    UvmStateUpdateEvent,
    Welcome,
)
from batos.bridge.wire import pack, unpack_command


def welcomed(kernel: str = "k1", receipts: str = "") -> tuple[Core, list[bytes]]:
    sent: list[bytes] = []
    core = Core("ipc:///nowhere", "test", lambda frame: sent.append(frame) is None)
    come_back(core, sent, kernel, receipts)
    return core, sent


def come_back(core: Core, sent: list[bytes], kernel: str, receipts: str = "") -> None:
    core.connected()
    be_welcomed(core, sent, kernel, receipts)


def be_welcomed(core: Core, sent: list[bytes], kernel: str, receipts: str = "") -> None:
    core.receive(pack(Welcome(id=unpack_command(sent[-1]).id, kernel=kernel, max_frame=1000, receipts=receipts)))


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


def test_a_kernel_that_can_tell_is_sent_it_again_and_what_was_told_is_not_told_twice() -> None:
    core, sent = welcomed(receipts="image 1")
    told: list[str | None] = []
    pending = core.begin(Evaluate(source="1. 2. 3", stream=True), lambda event: told.append(event.printed))  # type: ignore[union-attr]
    core.receive(pack(Outcome(id=pending.command.id, printed="1")))
    core.receive(pack(Moved()))  # its broker says so
    assert names(sent)[-1] == "hello" and core.away_since is not None
    be_welcomed(core, sent, "k2", "image 1")
    again = unpack_command(sent[-1])
    assert again.resent and again.id == pending.command.id
    for number in "123":
        core.receive(pack(Outcome(id=pending.command.id, printed=number)))
    assert told == ["1", "2", "3"]
    core.receive(pack(Done(id=pending.command.id)))
    assert isinstance(pending.result(), Done)


def test_a_kernel_of_another_image_cannot_tell() -> None:
    core, sent = welcomed(receipts="image 1")
    pending = core.begin(Evaluate(source="1"))
    core.disconnected()
    come_back(core, sent, "k2", "image 2")
    with pytest.raises(KernelGone, match="not known"):
        pending.result()


def test_a_kernel_that_has_forgotten_the_session_is_greeted_again() -> None:
    """Regression: after ten silent minutes a client's next command failed as `gone`."""
    core, sent = welcomed()
    pending = core.begin(Evaluate(source="1"))
    refusal = pack(ErrorReply(id=pending.command.id, code="hello-first", message="say hello first"))
    core.receive(refusal)
    core.receive(refusal)
    assert names(sent) == ["hello", "evaluate", "hello"], "once is enough"
    be_welcomed(core, sent, "k1")
    assert names(sent)[-1] == "evaluate"


def test_a_command_says_which_answers_are_still_owed() -> None:
    core, _ = welcomed()
    first, second = core.begin(Evaluate(source="1")), core.begin(Evaluate(source="2"))
    assert second.command.owed == first.command.id
    core.receive(pack(Done(id=first.command.id)))
    third = core.begin(Evaluate(source="3"))
    assert third.command.owed == second.command.id


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


def test_a_greeting_that_is_refused_says_why_at_once() -> None:
    core, sent = welcomed()
    pending = core.begin(Evaluate(source="1"))
    core.connected()
    core.receive(pack(ErrorReply(id=unpack_command(sent[-1]).id, code="failed", message="the kernel failed")))
    with pytest.raises(BridgeProblem, match="the kernel failed"):
        pending.result()
    assert core.refused is not None and core.refused.code == "failed"
    # Nobody's answer: what is said to a client for whom there is no room.
    core.receive(pack(ErrorReply(code="busy", message="1024 sessions are open")))
    assert core.refused.code == "busy"
    come_back(core, sent, "k1")
    assert core.refused is None


def test_rubbish_from_the_kernel_is_dropped() -> None:
    core, _ = welcomed()
    pending = core.begin(Evaluate(source="1"))
    for frame in (b"", b"\xc1", b"\x80", b"\x81\xa4kind\xa6future", b"\x93\x01\x02\x03"):
        core.receive(frame)
    assert pending.answer is None and pending.problem is None
