"""A real kernel in a process of its own, spoken to through the bridge."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from batos.bridge.client import Client
from batos.bridge.codes import Code
from batos.bridge.core import BridgeProblem
from batos.bridge.covenant import (
    Browse,
    Complete,
    Completions,
    CreateMethodCommand,
    Data,
    Done,
    Evaluate,
    Event,
    GetFullStateCommand,
    Goodbye,
    History,
    Implementors,
    Inspect,
    MethodReply,
    Methods,
    Outcome,
    Page,
    Ping,
    Redo,
    Senders,
    Shutdown,
    Subscribe,
    Undo,
    UpdatePropertyCommand,
    UvmStateUpdateEvent,
)
from batos.image import holder, open_image

Start = Callable[..., Any]
Connect = Callable[..., Client]

BANK = """
Account := Object clone.
Account setSlot: 'balance' value: 0.
Account >> deposit: amount [ balance := balance + amount. ^self ].
savings := Account clone.
savings deposit: 50; deposit: 20.
savings balance.
"""


def told(client: Client, source: str, **options: Any) -> list[str | None]:
    """What each statement printed, or its error's code."""
    done = client.evaluate(source, timeout=60, **options)
    return [outcome.error.code if outcome.error else outcome.printed for outcome in done.outcomes]


def handle(client: Client, source: str) -> str:
    found = client.evaluate(source, timeout=60).outcomes[-1].handle
    assert found
    return found


def test_a_message_runs_and_what_it_did_outlives_the_kernel(start: Start, connect: Connect) -> None:
    first = start()
    assert told(connect(first), BANK)[-1] == "70"
    first.kill()
    second = start()
    assert told(connect(second), "savings balance") == ["70"]


def test_two_clients_see_each_others_work_and_have_their_own_workspaces(kernel: Any, connect: Connect) -> None:
    one, two = connect(kernel, "one"), connect(kernel, "two")
    told(one, BANK)
    assert told(two, "savings deposit: 5. savings balance") == ["an Account", "75"]
    assert told(one, "savings balance") == ["75"]
    told(one, "x := 1", workspace="one")
    told(two, "x := 2", workspace="two")
    assert told(one, "x", workspace="one") + told(two, "x", workspace="two") == ["1", "2"]


def test_a_method_changed_by_one_client_is_what_the_other_gets_next(start: Start, connect: Connect) -> None:
    kernel = start("--workers", "4")
    clients = [connect(kernel) for _ in range(4)]
    told(clients[0], "Thing := Object clone. Thing >> answer [ ^1 ]")
    for turn in range(5):
        told(clients[turn % 4], f"Thing >> answer [ ^{turn} ]")
        assert [told(client, "Thing answer") for client in clients] == [[str(turn)]] * 4


def test_an_error_is_data_with_place_and_stack_and_leaves_no_change(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    told(client, BANK)
    done = client.evaluate("savings deposit: 1; deposit: 1 / 0.\n  savings balance")
    first, second = done.outcomes
    assert done.failed and first.error is not None
    assert (first.error.code, first.error.line) == ("zero-divide", 1)
    assert first.error.source_line.startswith("savings deposit: 1") and "^" in first.error.text
    assert second.printed == "70"
    broken = client.evaluate("3 + ").outcomes
    assert broken[0].error is not None and broken[0].error.code == "syntax"


def test_an_endless_loop_is_interrupted_and_pings_are_answered_meanwhile(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    pending = client.post(Evaluate(source="[true] whileTrue"))
    times = []
    for _ in range(30):
        begin = time.perf_counter()
        client.call(Ping(), timeout=10)
        times.append(time.perf_counter() - begin)
    assert sorted(times)[len(times) // 2] < 0.05
    client.interrupt(pending)
    done = client.wait(pending, 20)
    assert isinstance(done, Done) and done.failed
    assert done.outcomes[0].error is not None and done.outcomes[0].error.code == "interrupted"
    assert told(client, "3 + 4") == ["7"]


def test_an_interrupt_sent_at_once_is_not_lost(kernel: Any, connect: Connect) -> None:
    """It may come before the message has begun to run, or between two statements."""
    client = connect(kernel)
    for _ in range(5):
        pending = client.post(Evaluate(source="1. 2. [true] whileTrue. 3"))
        client.interrupt(pending)
        try:
            done = client.wait(pending, 20)
        except BridgeProblem as problem:
            assert problem.code == Code.CANCELLED
        else:
            assert isinstance(done, Done) and done.outcomes[-1].error is not None
            assert done.outcomes[-1].error.code == "interrupted"
    assert told(client, "3 + 4") == ["7"]


def test_a_budget_of_time_ends_a_message(kernel: Any, connect: Connect) -> None:
    done = connect(kernel).evaluate("[true] whileTrue", seconds=0.1, timeout=20)
    assert done.failed and done.outcomes[0].error is not None


def test_deep_recursion_works_and_endless_recursion_is_an_error(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    told(client, "Deep := Object clone. Deep >> down: n [ n = 0 ifTrue: [^0]. ^1 + (self down: n - 1) ]")
    told(client, "Deep >> forever [ ^1 + self forever ]")
    assert told(client, "Deep down: 10000") == ["10000"]
    assert told(client, "Deep forever") == ["stack-overflow"]
    assert told(client, "3 + 4") == ["7"]


def test_outcomes_stream_as_they_commit(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    seen: list[Event] = []
    done = client.evaluate("1. 2. 1/0. 4", on_event=seen.append, timeout=60)
    assert done.outcomes == [] and done.failed
    assert [event.printed for event in seen if isinstance(event, Outcome)] == ["1", "2", None, "4"]
    stopped = client.evaluate("1. 2. 1/0. 4", stop_on_error=True, timeout=60)
    assert [outcome.printed for outcome in stopped.outcomes] == ["1", "2", None]


def test_an_atomic_program_happens_wholly_or_not_at_all(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    told(client, BANK)
    told(client, "savings deposit: 1. 1/0", atomic=True)
    assert told(client, "savings balance") == ["70"]


# -- the seeds' commands ----------------------------------------------------------------------------------------------


def test_get_full_state_answers_the_genesis_object_as_data(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    told(
        client,
        "Object setSlot: 'motto' value: 'it lives'. Object setSlot: 'big' value: 1267650600228229401496703205376.",
    )
    told(client, "Object setSlot: 'few' value: #(1 $a #b (2 3)). Object setSlot: 'other' value: Object clone")
    event = client.call(GetFullStateCommand())
    assert isinstance(event, UvmStateUpdateEvent)
    assert event.state["motto"] == "it lives"
    assert event.state["big"] == 2**100
    assert event.state["few"] == [1, {"literal": "$a"}, {"literal": "#b"}, [2, 3]]
    assert event.state["other"]["handle"] == handle(client, "Object other")
    assert event.state["clone"]["method"] == "clone"


def test_update_property_writes_a_slot(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    told(client, BANK)
    target = handle(client, "savings")
    account = handle(client, "Account")
    values = {"a": 1, "b": 2**80, "c": "it's", "d": None, "e": 1.5, "f": True, "g": [1, [2, "x"]], "h": {"k": 1}}
    for name, value in values.items():
        client.call(UpdatePropertyCommand(property_name=name, property_value=value, target=target))
    client.call(UpdatePropertyCommand(property_name="twin", property_value={"handle": account}, target=target))
    printed = told(
        client, "savings a. savings b. savings c = 'it''s'. savings d. savings e. savings f. savings twin == Account"
    )
    assert printed == ["1", str(2**80), "true", "nil", "1.5", "true", "true"]
    page = client.call(Inspect(target=handle(client, "savings g")))
    assert isinstance(page, Page) and [entry.printed for entry in page.entries] == ["1", "an Array"]
    client.call(UpdatePropertyCommand(property_name="motto", property_value="hi"))
    assert told(client, "savings motto = 'hi'") == ["true"]


REFUSED_VALUES: list[tuple[str, Any, Code]] = [
    ("deposit:", 1, Code.BAD_VALUE),
    ("_items", 1, Code.NO_SUCH_SLOT),
    ("__class__", 1, Code.NO_SUCH_SLOT),
    ("name*", 1, Code.NO_SUCH_SLOT),
    ("parent*", 1, Code.BAD_VALUE),
    ("x", {"handle": "ffffffff"}, Code.NO_SUCH_OBJECT),
    ("x", {"handle": "nonsense"}, Code.NO_SUCH_OBJECT),
    ("x", {"literal": "#a"}, Code.BAD_VALUE),
]


def test_update_property_refuses(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    told(client, BANK)
    account = handle(client, "Account")
    for name, value, code in REFUSED_VALUES:
        with pytest.raises(BridgeProblem) as caught:
            client.call(UpdatePropertyCommand(property_name=name, property_value=value, target=account))
        assert caught.value.code == code, (name, value)
    assert told(client, "savings deposit: 1. savings balance") == ["an Account", "71"]


def test_create_method_takes_messages_and_python_whole_or_as_a_body(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    told(client, BANK)
    account = handle(client, "Account")

    def create(name: str, code: str, **more: Any) -> MethodReply:
        made = client.call(CreateMethodCommand(method_name=name, method_code=code, target=account, **more))
        assert isinstance(made, MethodReply)
        return made

    assert create("double", "^balance * 2").language == "smalltalk"
    assert create("add:and:", "add: a and: b [ ^a + b ]").source == "add: a and: b [ ^a + b ]"
    assert create("triple", "return self.balance * 3").language == "python"
    assert (
        create("withdraw:", "def withdraw_(self, amount):\n    self.balance = self.balance - amount").author == "test"
    )
    printed = told(client, "savings double. savings add: 1 and: 2. savings triple. (savings withdraw: 30) balance")
    assert printed == ["140", "3", "210", "40"]


NO_METHODS = [
    ("deposit:", "withdraw: x [ ^x ]"),
    ("deposit:", "def withdraw_(self, x): return x"),
    ("deposit:", "def deposit_(self): return 1"),
    ("deposit:", "return 3"),
    ("foo", "]]] ((("),
    ("foo", "def foo(self:"),
    ("bad name", "return 1"),
]


def test_create_method_refuses_what_is_no_method(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    for name, code in NO_METHODS:
        with pytest.raises(BridgeProblem) as caught:
            client.call(CreateMethodCommand(method_name=name, method_code=code))
        assert caught.value.code == Code.BAD_METHOD, (name, code)


def test_state_events_tell_what_changed(kernel: Any, connect: Connect) -> None:
    watcher, writer = connect(kernel, "watcher"), connect(kernel, "writer")
    told(writer, BANK)
    target = handle(writer, "savings")
    watcher.call(Subscribe(topics=["state", target]))
    whole = {}
    for _ in range(2):
        event = watcher.next_event(20)
        assert isinstance(event, UvmStateUpdateEvent) and event.whole
        whole[event.target] = event.state
    assert whole[target]["balance"] == 70
    told(writer, "savings deposit: 1")
    event = watcher.next_event(20)
    assert isinstance(event, UvmStateUpdateEvent)
    assert (event.target, event.whole, event.state, event.removed) == (target, False, {"balance": 71}, [])
    told(writer, "Object setSlot: 'fresh' value: 1")
    event = watcher.next_event(20)
    assert isinstance(event, UvmStateUpdateEvent) and event.state == {"fresh": 1}
    told(writer, "1/0. 3 + 4")
    told(writer, "Object setSlot: 'fresh' value: 2")
    event = watcher.next_event(20)
    assert isinstance(event, UvmStateUpdateEvent) and event.state == {"fresh": 2}


def test_many_commits_end_in_the_last_state(kernel: Any, connect: Connect) -> None:
    watcher, writer = connect(kernel, "watcher"), connect(kernel, "writer")
    told(writer, BANK)
    target = handle(writer, "savings")
    watcher.call(Subscribe(topics=[target]))
    pending = writer.post(Evaluate(source=". ".join(["savings deposit: 1"] * 100)))
    balance = events = 0
    while balance != 170:
        event = watcher.next_event(20)
        assert isinstance(event, UvmStateUpdateEvent)
        balance = event.state.get("balance", balance)
        events += 1
    # As they are committed, not when the program has ended; and not one for each of them.
    assert 2 < events <= 101
    writer.wait(pending, 60)


# -- tools ------------------------------------------------------------------------------------------------------------


def test_inspect_shows_pages(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    told(client, "Many := Object clone. " + ". ".join(f"Many setSlot: 'slot{n}' value: {n}" for n in range(1, 251)))
    target = handle(client, "Many")
    first = client.call(Inspect(target=target, count=100))
    last = client.call(Inspect(target=target, start=200, count=100))
    assert isinstance(first, Page) and isinstance(last, Page)
    assert (first.total, len(first.entries), len(last.entries)) == (251, 100, 51)
    assert last.entries[-1].name == "slot250" and last.entries[-1].printed == "250"
    found = client.call(Inspect(target=target, find="slot24"))
    assert isinstance(found, Page) and found.total == 11
    client.call(UpdatePropertyCommand(property_name="list", property_value=list(range(300)), target=target))
    elements = client.call(Inspect(target=handle(client, "Many list"), start=290, count=5))
    assert isinstance(elements, Page) and elements.total == 300
    assert [(entry.name, entry.printed) for entry in elements.entries[:2]] == [("291", "290"), ("292", "291")]
    with pytest.raises(BridgeProblem) as caught:
        client.call(Inspect(target="fffff"))
    assert caught.value.code == Code.NO_SUCH_OBJECT


def test_completion_knows_the_receiver(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    told(client, BANK)

    def texts(source: str) -> list[str]:
        found = client.call(Complete(source=source, position=len(source)))
        assert isinstance(found, Completions)
        return [item.text for item in found.items]

    assert texts("Acc") == ["Account"]
    assert texts("sav") == ["savings"]
    assert texts("savings deposi") == ["deposit:"]
    assert "balance" in texts("savings bal")
    assert "printString" in texts("3 printS")
    assert texts("3 deposi") == []
    assert texts("") and texts("'unfinished") is not None


def test_browse_implementors_and_senders(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    told(client, BANK + "Account >> twice: n [ self deposit: n; deposit: n ]")
    account = handle(client, "Account")
    methods = client.call(Browse(target=account))
    assert isinstance(methods, Methods) and [m.selector for m in methods.methods] == ["deposit:", "twice:"]
    one = client.call(Browse(target=account, selector="deposit:"))
    assert isinstance(one, MethodReply) and one.source.startswith("deposit: amount")
    found = client.call(Implementors(selector="deposit:"))
    assert isinstance(found, Methods) and [m.owner for m in found.methods] == ["Account"]
    found = client.call(Senders(selector="deposit:"))
    assert isinstance(found, Methods) and [m.selector for m in found.methods] == ["twice:"]


def test_history_undo_and_redo(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    told(client, BANK)
    told(client, "Account >> deposit: n [ balance := balance + n + 1 ]")
    account = handle(client, "Account")
    versions = client.call(History(target=account, selector="deposit:"))
    assert isinstance(versions, Data) and len(versions.data) == 2
    past = client.call(History(count=3))
    assert isinstance(past, Data) and "deposit:" in past.data[0]["what"]
    client.call(Undo())
    assert told(client, "savings deposit: 1. savings balance")[-1] == "71"
    client.call(Undo())
    client.call(Redo())
    assert told(client, "savings balance") == ["71"]
    with pytest.raises(BridgeProblem) as caught:
        client.call(Undo(transaction="0123456789abcdef"))
    assert caught.value.code == Code.NO_SUCH_OBJECT


# -- life -------------------------------------------------------------------------------------------------------------


def test_a_second_kernel_is_told_who_holds_the_image(kernel: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "batos.kernel", str(kernel.image)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1 and done.stdout == ""
    assert str(kernel.process.pid) in done.stderr and kernel.endpoint in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_gracefully(kernel: Any, connect: Connect, number: signal.Signals) -> None:
    client = connect(kernel)
    told(client, BANK)
    running = client.post(Evaluate(source="1 to: 3000000 do: [:i | i]. savings deposit: 1"))
    waiting = client.post(Evaluate(source="savings deposit: 1000"))
    client.call(Ping())
    kernel.process.send_signal(number)
    assert isinstance(client.wait(running, 30), Done)
    with pytest.raises(BridgeProblem) as caught:
        client.wait(waiting, 30)
    assert caught.value.code == Code.STOPPING
    goodbye = client.next_event(10)
    assert isinstance(goodbye, Goodbye) and number.name in goodbye.reason
    assert kernel.end() == 0
    assert holder(kernel.image) is None
    assert not os.path.exists(f"{kernel.image}.kernel")
    with open_image(kernel.image) as image:
        assert image.notes == []


def test_shutdown_interrupts_when_asked_to(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    running = client.post(Evaluate(source="[true] whileTrue"))
    client.call(Ping())
    client.call(Shutdown(now=True))
    done = client.wait(running, 20)
    assert isinstance(done, Done) and done.failed
    assert kernel.end() == 0


def test_its_log_is_json_lines(start: Start, connect: Connect) -> None:
    kernel = start()
    told(connect(kernel), "3 + 4")
    kernel.process.terminate()
    assert kernel.end() == 0
    with open(f"{kernel.image}.log", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert [line["what"] for line in lines] == ["ready", "stopping", "stopped"]
    assert lines[0]["endpoint"] == kernel.endpoint


def test_hostile_frames_leave_it_well_and_the_image_unchanged(kernel: Any, connect: Connect) -> None:
    import random

    import ormsgpack
    import zmq

    client = connect(kernel)
    told(client, BANK)
    before = client.call(History(count=1))
    chance = random.Random(20261121)
    seeds = [
        ormsgpack.packb({"command": "evaluate", "id": 1, "source": "savings deposit: 1"}),
        ormsgpack.packb({"command": "update_property", "id": 2, "property_name": "x", "property_value": [1, "a"]}),
        ormsgpack.packb({"command": "subscribe", "topics": ["state"]}),
        ormsgpack.packb({"command": "approve", "approval": "x", "decision": "yes"}),
    ]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(kernel.endpoint)
    socket.setsockopt(zmq.RCVTIMEO, 20000)
    for number in range(2000):
        kind = number % 4
        if kind == 0:
            frames = [chance.randbytes(chance.randrange(100))]
        elif kind == 1:
            data = bytearray(chance.choice(seeds))
            for _ in range(chance.randrange(1, 6)):
                # The length of the map, or its first key, so that no message of ours is ever carried out.
                data[chance.randrange(9)] = chance.choice(b"\xc1\xff\x00\x93\xdf\xdd")
            frames = [bytes(data)]
        elif kind == 2:
            frames = [chance.randbytes(3) for _ in range(chance.choice([2, 3, 7]))]
        else:
            seed = chance.choice(seeds)
            frames = [seed[: chance.randrange(len(seed))]]
        socket.send_multipart(frames)
        answer = ormsgpack.unpackb(socket.recv())
        assert answer["kind"] == "error", (frames, answer)
        assert answer["code"] in ("malformed", "unknown-command", "bad-command")
    socket.close(0)
    context.term()
    assert told(client, "savings balance") == ["70"]
    assert client.call(History(count=1)).model_dump()["data"] == before.model_dump()["data"]
