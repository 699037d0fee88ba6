"""The server over a toy handler, through real sockets."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import ormsgpack
import pytest
import zmq

from batos.bridge.client import Client
from batos.bridge.codes import Code
from batos.bridge.core import BridgeProblem, KernelGone, NoAnswer
from batos.bridge.covenant import (
    Approval,
    Approve,
    Cancel,
    CreateMethodCommand,
    Data,
    Done,
    Evaluate,
    Event,
    Interrupt,
    Outcome,
    Pending,
    Ping,
    Pong,
    Status,
    Subscribe,
    Unsubscribe,
    UvmStateUpdateEvent,
)

from .toy import Running

Connect = Callable[..., Client]


def test_a_message_is_answered(connect: Connect) -> None:
    done = connect().evaluate("echo hello")
    assert [outcome.printed for outcome in done.outcomes] == ["hello"]
    assert not done.failed


def test_the_kernel_says_who_it_is(connect: Connect) -> None:
    welcome = connect().welcome
    assert welcome is not None
    assert (welcome.image, welcome.pid, welcome.protocol) == ("toy", os.getpid(), 1)


def test_outcomes_stream_in_order_before_the_answer(connect: Connect) -> None:
    seen: list[Event] = []
    done = connect().evaluate("count 2000", on_event=seen.append)
    assert [event.printed for event in seen if isinstance(event, Outcome)] == [str(n) for n in range(2000)]
    assert len(done.outcomes) == 1


def test_ping_is_answered_while_every_worker_is_busy(connect: Connect, running: Running) -> None:
    busy = [connect(f"busy {n}") for n in range(4)]
    for client in busy:
        client.post(Evaluate(source="wait"))
    for _ in busy:
        assert running.toy.began.get(timeout=10) == "wait"
    asker = connect("asker")
    start = time.perf_counter()
    pong = asker.call(Ping())
    assert time.perf_counter() - start < 0.5
    assert isinstance(pong, Pong) and pong.running == 4


def test_interrupt_reaches_the_running_message_and_no_other(connect: Connect, running: Running) -> None:
    client = connect()
    pending = client.post(Evaluate(source="wait"))
    running.toy.began.get(timeout=10)
    client.interrupt(pending)
    with pytest.raises(BridgeProblem) as caught:
        client.wait(pending, 10)
    assert caught.value.code == Code.INTERRUPTED
    with pytest.raises(BridgeProblem) as caught:
        client.call(Interrupt())
    assert caught.value.code == Code.NO_SUCH_REQUEST
    assert client.evaluate("echo on").outcomes[0].printed == "on"


def test_another_thread_may_interrupt_who_waits(connect: Connect, running: Running) -> None:
    client = connect()

    def later() -> None:
        running.toy.began.get(timeout=10)
        client.interrupt_from_afar()

    thread = threading.Thread(target=later)
    thread.start()
    with pytest.raises(BridgeProblem) as caught:
        client.evaluate("wait", timeout=20)
    assert caught.value.code == Code.INTERRUPTED
    thread.join()


def test_one_client_cannot_interrupt_another(connect: Connect, running: Running) -> None:
    victim, other = connect(), connect()
    pending = victim.post(Evaluate(source="wait"))
    running.toy.began.get(timeout=10)
    with pytest.raises(BridgeProblem):
        other.call(Interrupt(target=pending.command.id))
    running.toy.release.set()
    assert isinstance(victim.wait(pending, 10), Done)


def test_cancel_takes_a_waiting_message_out(connect: Connect, running: Running) -> None:
    client = connect()
    first = client.post(Evaluate(source="wait"))
    second = client.post(Evaluate(source="echo never"))
    third = client.post(Evaluate(source="echo third"))
    running.toy.began.get(timeout=10)
    client.call(Cancel(target=second.command.id))
    with pytest.raises(BridgeProblem) as caught:
        client.wait(second, 10)
    assert caught.value.code == Code.CANCELLED
    running.toy.release.set()
    client.wait(first, 10)
    client.wait(third, 10)
    assert running.toy.done == ["wait", "echo third"]


def test_messages_of_a_session_run_one_after_another_in_order(connect: Connect, running: Running) -> None:
    client = connect()
    pending = [client.post(Evaluate(source=f"echo {n}")) for n in range(60)]
    for each in pending:
        client.wait(each, 10)
    assert running.toy.done == [f"echo {n}" for n in range(60)]


def test_a_full_queue_says_busy_and_loses_nothing_that_was_queued(connect: Connect, running: Running) -> None:
    client = connect()
    pending = [client.post(Evaluate(source="wait"))]
    running.toy.began.get(timeout=10)
    pending += [client.post(Evaluate(source=f"echo {n}")) for n in range(70)]
    for each in pending[-6:]:
        with pytest.raises(BridgeProblem) as caught:
            client.wait(each, 10)
        assert caught.value.code == Code.BUSY
    running.toy.release.set()
    for each in pending[:-6]:
        client.wait(each, 10)
    assert len(running.toy.done) == 65


def test_a_greedy_session_delays_another_by_one_message(folder: Path) -> None:
    running = Running(folder, f"ipc://{folder}/one", threads=1)
    try:
        with Client(running.endpoint, "greedy") as greedy, Client(running.endpoint, "modest") as modest:
            hold = greedy.post(Evaluate(source="wait"))
            running.toy.began.get(timeout=10)
            many = [greedy.post(Evaluate(source=f"echo greedy {n}")) for n in range(50)]
            greedy.call(Ping())  # all of them are queued now
            one = modest.post(Evaluate(source="echo modest"))
            modest.call(Ping())
            running.toy.release.set()
            modest.wait(one, 10)
            for each in [hold, *many]:
                greedy.wait(each, 10)
        assert running.toy.done.index("echo modest") <= 2
    finally:
        running.close()


def test_a_resent_command_is_answered_from_memory(running: Running) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.RCVTIMEO, 10000)
    socket.connect(running.endpoint)
    frame = ormsgpack.packb({"command": "evaluate", "id": 7, "source": "echo once"})
    answers = []
    for _ in range(3):
        socket.send(frame)
        answers.append(socket.recv())
    assert len(set(answers)) == 1
    assert running.toy.done == ["echo once"]
    slow = ormsgpack.packb({"command": "evaluate", "id": 8, "source": "wait"})
    socket.send(slow)
    running.toy.began.get(timeout=10)
    running.toy.began.get(timeout=10)
    socket.send(slow)
    assert ormsgpack.unpackb(socket.recv()) == {"id": 8, "kind": "accepted", "state": "running"}
    running.toy.release.set()
    assert ormsgpack.unpackb(socket.recv())["kind"] == "done"
    assert running.toy.done == ["echo once", "wait"]
    socket.close(0)
    context.term()


def test_the_seeds_client_is_understood(running: Running) -> None:
    """The seeds pack a model without id and send no hello."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.RCVTIMEO, 10000)
    socket.connect(running.endpoint)
    command = CreateMethodCommand(command="create_method", method_name="new_tool", method_code="print('x')")
    socket.send(ormsgpack.packb(command.model_dump(), option=ormsgpack.OPT_SERIALIZE_PYDANTIC))
    echoed = ormsgpack.unpackb(socket.recv())
    assert echoed["kind"] == "state" and echoed["state"]["echo"]["method_name"] == "new_tool"
    socket.send(ormsgpack.packb({"command": "get_full_state"}))
    assert ormsgpack.unpackb(socket.recv())["state"]["echo"]["command"] == "get_full_state"
    socket.close(0)
    context.term()


def test_a_dropped_connection_resumes_the_session(connect: Connect, running: Running) -> None:
    """The socket is taken away under the client while a message runs; the answer comes all the same, and once."""
    client = connect()
    pending = client.post(Evaluate(source="wait"))
    running.toy.began.get(timeout=10)
    client._socket.disconnect(running.endpoint)
    running.toy.release.set()
    deadline = time.monotonic() + 10
    while not running.toy.done and time.monotonic() < deadline:
        threading.Event().wait(0.002)
    client._socket.connect(running.endpoint)
    assert isinstance(client.wait(pending, 10), Done)
    assert running.toy.done == ["wait"]
    deadline = time.monotonic() + 10
    while client.welcome is not None and not client.welcome.resumed and time.monotonic() < deadline:
        client.call(Ping())
    assert client.welcome is not None and client.welcome.resumed


def test_a_client_with_a_name_of_its_own_says_hello_first(running: Running) -> None:
    """Else a message that libzmq still held when a kernel died would be carried out by the next one."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, b"mine")
    socket.setsockopt(zmq.RCVTIMEO, 10000)
    socket.connect(running.endpoint)
    socket.send(ormsgpack.packb({"command": "evaluate", "source": "echo 1", "id": 1}))
    assert ormsgpack.unpackb(socket.recv())["code"] == Code.HELLO_FIRST
    socket.send(ormsgpack.packb({"command": "hello", "protocol": 99}))
    assert ormsgpack.unpackb(socket.recv())["code"] == Code.BAD_VERSION
    socket.send(ormsgpack.packb({"command": "hello"}))
    assert ormsgpack.unpackb(socket.recv())["kind"] == "welcome"
    assert running.toy.done == []
    socket.close(0)
    context.term()


def test_a_client_that_comes_back_subscribes_again(connect: Connect, running: Running) -> None:
    """Events sent into a breaking connection are lost; a fresh subscription begins with whole states."""
    client = connect()
    client.call(Subscribe(topics=["state"]))
    (identity,) = running.toy.watched
    running.toy.watched.clear()
    client._socket.disconnect(running.endpoint)
    client._socket.connect(running.endpoint)
    deadline = time.monotonic() + 10
    while not running.toy.watched and time.monotonic() < deadline:
        client.call(Ping())
    assert running.toy.watched == {identity: {"state"}}
    running.server.publish(identity, UvmStateUpdateEvent(state={"n": 1}))
    event = client.next_event(10)
    assert isinstance(event, UvmStateUpdateEvent) and event.state == {"n": 1}


def test_subscriptions_reach_the_handler(connect: Connect, running: Running) -> None:
    client = connect()
    client.call(Subscribe(topics=["state", "a1"]))
    assert list(running.toy.watched.values()) == [{"state", "a1"}]
    with pytest.raises(BridgeProblem) as caught:
        client.call(Subscribe(topics=["nonsense"]))
    assert caught.value.code == Code.BAD_TOPIC
    client.call(Unsubscribe(topics=["a1"]))
    assert list(running.toy.watched.values()) == [{"state"}]
    client.call(Unsubscribe())
    assert list(running.toy.watched.values()) == [set()]


def test_an_approval_is_asked_and_answered(connect: Connect) -> None:
    client = connect()

    def answer(event: Event) -> None:
        assert isinstance(event, Approval) and event.selector == "withdraw:"
        client.answer(event.approval, "yes")

    assert client.evaluate("ask withdraw:", on_event=answer).outcomes[0].printed == "yes"


def test_waiting_for_a_person_takes_no_place_among_the_workers(folder: Path) -> None:
    running = Running(folder, f"ipc://{folder}/two", threads=2)
    running.server.turns.capacity = 1  # two threads, one place
    try:
        with Client(running.endpoint) as asks, Client(running.endpoint) as works:
            asked = asks.post(Evaluate(source="ask a", stream=True))
            running.toy.began.get(timeout=10)
            assert works.evaluate("echo b", timeout=10).outcomes[0].printed == "b"
            found = works.call(Pending())
            assert isinstance(found, Data) and [one["selector"] for one in found.data] == ["a"]
            works.answer(found.data[0]["approval"], "no")  # another session with the role for it may answer
            done = asks.wait(asked, 10)
            assert isinstance(done, Done) and done.outcomes[0].printed == "no"
            with pytest.raises(BridgeProblem) as caught:
                works.call(Approve(approval=found.data[0]["approval"], decision="yes"))
            assert caught.value.code == Code.NO_SUCH_APPROVAL
    finally:
        running.close()


def test_interrupt_ends_the_wait_for_a_person(connect: Connect, running: Running) -> None:
    client = connect()
    pending = client.post(Evaluate(source="ask a"))
    running.toy.began.get(timeout=10)
    client.interrupt(pending)
    with pytest.raises(BridgeProblem) as caught:
        client.wait(pending, 10)
    assert caught.value.code == Code.INTERRUPTED


def test_a_failing_handler_costs_only_its_message(connect: Connect) -> None:
    client = connect()
    with pytest.raises(BridgeProblem) as caught:
        client.evaluate("crash here")
    assert caught.value.code == Code.FAILED
    assert client.evaluate("echo still").outcomes[0].printed == "still"


def test_what_fails_in_the_kernel_itself_is_answered(
    connect: Connect, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong while a command is taken in: no client waits for an answer that never comes."""
    client = connect()

    def fails(*_: object) -> dict[str, object]:
        raise AttributeError("no such figures")

    monkeypatch.setattr(running.toy, "figures", fails)
    monkeypatch.setattr(running.toy, "watch", fails)
    monkeypatch.setattr(running.toy, "start", fails)
    for command in (Status(), Subscribe(topics=["globals"]), Evaluate(source="echo 1")):
        with pytest.raises(BridgeProblem, match="the kernel failed; its log says how") as caught:
            client.call(command, timeout=10)
        assert caught.value.code == Code.FAILED
    assert connect("another").call(Ping())  # figures are nothing that a greeting needs
    monkeypatch.setattr(running.toy, "describe", fails)
    with pytest.raises(BridgeProblem, match="the kernel failed") as caught:
        connect("a third")
    assert caught.value.code == Code.FAILED
    assert client.call(Ping())


def test_a_full_house_is_said(folder: Path) -> None:
    house = Running(folder, max_sessions=1)
    try:
        with Client(house.endpoint, "in") as client:
            client.call(Subscribe(topics=["globals"]))  # so that it is not idle
            with pytest.raises(BridgeProblem, match="1 sessions are open") as caught, Client(house.endpoint, "out"):
                pass
            assert caught.value.code == Code.BUSY
    finally:
        house.close()


def test_a_reply_too_large_for_a_frame_is_a_coded_error(connect: Connect) -> None:
    client = connect()
    with pytest.raises(BridgeProblem) as caught:
        client.evaluate("big 9000000")
    assert caught.value.code == Code.UNSENDABLE
    assert client.evaluate("big 7000000").outcomes[0].printed == "x" * 7000000


def test_a_command_too_large_is_refused_before_it_is_sent(connect: Connect) -> None:
    with pytest.raises(BridgeProblem) as caught:
        connect().call(CreateMethodCommand.model_construct(method_name="a", method_code="x" * 9_000_000))
    assert caught.value.code == Code.OVERSIZE


def test_stop_refuses_what_waits_finishes_what_runs_and_says_goodbye(folder: Path) -> None:
    running = Running(folder)
    with Client(running.endpoint) as client:
        first = client.post(Evaluate(source="wait"))
        running.toy.began.get(timeout=10)
        second = client.post(Evaluate(source="echo late"))
        client.call(Ping())
        running.server.stop("maintenance", grace=10)
        with pytest.raises(BridgeProblem) as caught:
            client.wait(second, 10)
        assert caught.value.code == Code.STOPPING
        running.toy.release.set()
        assert isinstance(client.wait(first, 10), Done)
        goodbye = client.next_event(10)
        assert goodbye is not None and goodbye.model_dump()["reason"] == "maintenance"
    running.close()
    late = Client(running.endpoint)
    with pytest.raises(KernelGone):
        late.connect(1)
    late.close()


def test_what_the_kernel_said_last_is_read_after_it_has_gone(folder: Path) -> None:
    # It was reported as gone when the end of the connection was noticed in the turn in which its last words came.
    running = Running(folder)
    with Client(running.endpoint) as client:
        first = client.post(Evaluate(source="wait"))
        running.toy.began.get(timeout=10)
        running.server.stop("maintenance", grace=10)
        running.close()
        goodbye = client.next_event(10)
        assert goodbye is not None and goodbye.model_dump()["reason"] == "maintenance"
        assert isinstance(client.wait(first, 10), Done)
        with pytest.raises(KernelGone):
            client.next_event(10)


def test_status_counts(connect: Connect) -> None:
    client = connect("counting")
    client.evaluate("echo 1")
    found = client.call(Status())
    assert isinstance(found, Data)
    assert found.data["counters"]["commands"] == 1
    assert [session["name"] for session in found.data["sessions"]] == ["counting"]
    assert found.data["image"] == "toy"


def test_no_kernel_is_a_clear_error(folder: Path) -> None:
    client = Client(f"ipc://{folder}/nobody")
    with pytest.raises(KernelGone, match="no kernel listens"):
        client.connect(1)
    client.close()


def test_a_deaf_kernel_is_a_clear_error(folder: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(f"{folder}/deaf")
        deaf.listen()
        client = Client(f"ipc://{folder}/deaf")
        with pytest.raises(KernelGone, match="no kernel answers"):
            client.connect(0.3)
        client.close()


def test_a_time_limit_of_the_caller(connect: Connect, running: Running) -> None:
    client = connect()
    with pytest.raises(NoAnswer):
        client.call(Evaluate(source="wait"), timeout=0.05)
    running.toy.release.set()
    assert client.evaluate("echo next").outcomes[0].printed == "next"


def test_only_the_owner_may_connect(running: Running) -> None:
    path = running.endpoint.removeprefix("ipc://")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def wait_for(what: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 20
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def test_a_client_that_closes_leaves_nothing_behind(connect: Connect, running: Running) -> None:
    """Regression: a session lingered for ten minutes after its client had gone, with megabytes of answers."""
    sessions = running.server.sessions
    for _ in range(3):
        with Client(running.endpoint, "passing") as client:
            client.evaluate("echo hello")
    wait_for(lambda: not sessions)
    busy = Client(running.endpoint, "busy")
    busy.connect()
    busy.post(Evaluate(source="wait"))
    busy.post(Evaluate(source="echo never"))
    running.toy.began.get(timeout=20)
    busy.close()
    wait_for(lambda: all(session.left for session in sessions.values()))
    assert connect().evaluate("echo other").outcomes[0].printed == "other"
    running.toy.release.set()
    wait_for(lambda: [session.name for session in sessions.values()] == ["test"])
    assert "echo never" not in running.toy.done


def test_a_broker_speaks_for_sessions_of_others(running: Running) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with context.socket(zmq.DEALER) as broker:
        broker.setsockopt(zmq.IDENTITY, b"\x01broker")
        broker.setsockopt(zmq.RCVTIMEO, 20_000)
        broker.setsockopt(zmq.LINGER, 0)
        broker.connect(running.endpoint)

        def ask(*frames: bytes) -> tuple[bytes, dict[str, object]]:
            broker.send_multipart(frames)
            *route, answer = broker.recv_multipart()
            return b"".join(route), ormsgpack.unpackb(answer)

        hello = ormsgpack.packb({"command": "hello", "id": 1, "client": "somebody"})
        evaluate = ormsgpack.packb({"command": "evaluate", "id": 2, "source": "echo hello"})
        relayed = (b"\x01client", (7).to_bytes(8, "big"), b"")
        # Who has not said that it is a broker is none.
        _, answer = ask(*relayed, hello)
        assert answer["code"] == Code.MALFORMED
        assert ask(ormsgpack.packb({"command": "hello", "id": 1, "relay": True}))[1]["kind"] == "welcome"
        assert ask(*relayed, hello)[0] == b"\x01client"
        to, answer = ask(*relayed, evaluate)
        assert to == b"\x01client" and answer["kind"] == "done" and answer["id"] == 2
        session = running.server.sessions[b"\x01client"]
        assert (session.name, session.lease) == ("somebody", 7)
        # A message of its own goes on being its own.
        to, answer = ask(ormsgpack.packb({"command": "ping", "id": 3}))
        assert to == b"" and answer["kind"] == "pong"
    context.term()
