"""The stack of a failed message over the bridge: frames, variables, messages in a frame, and the message again."""

from __future__ import annotations

from typing import Any

import pytest

from batos.bridge.client import Client
from batos.bridge.codes import Code
from batos.bridge.core import BridgeProblem
from batos.bridge.covenant import Done, Evaluate, Stack, StackReply

PROGRAM = """
Account := Object clone. Account setSlot: 'balance' value: 0.
Account >> deposit: amount [ | fee | fee := 3.
    #(1 2) readStream do: [:each | fee := fee + each. self check: amount fee: fee ] ].
Account >> check: a fee: f [ | made b | made := OrderedCollection new. made add: a; add: self. balance := balance + 1.
    b := [:x | x + f]. ^made frobnicate: a ].
savings := Account clone. savings setSlot: 'balance' value: 70.
"""


def run(client: Client, source: str, **options: Any) -> Done:
    done = client.call(Evaluate(source=source, **options), 60)
    assert isinstance(done, Done)
    return done


def told(client: Client, source: str, **options: Any) -> list[str | None]:
    return [o.printed if o.error is None else o.error.message for o in run(client, source, **options).outcomes]


def failed(client: Client) -> StackReply:
    assert not run(client, PROGRAM).failed
    assert run(client, "3 + 4.\n savings deposit: 30", keep_stack=True).failed
    reply = client.call(Stack())
    assert isinstance(reply, StackReply)
    return reply


def test_frames_with_their_variables(kernel: Any, connect: Any) -> None:
    reply = failed(connect(kernel))
    assert reply.statement == "savings deposit: 30"
    assert [frame.label for frame in reply.frames] == [
        "Account>>check:fee:", "[] in Account>>deposit:", "Account>>deposit:", "<input>",
    ]  # fmt: skip
    check, block, deposit, top = reply.frames
    line = check.source.splitlines()[check.line - 1]
    assert line[check.column - 1 :].startswith("made frobnicate: a") and check.length == len("made frobnicate: a")
    assert {e.name: e.printed for e in check.variables if e.name != "b"} == {
        "a": "30", "f": "4", "made": "an OrderedCollection",
    }  # fmt: skip
    assert {e.name: e.printed for e in check.variables}["b"] == "a block"
    # What the receiver was at that moment; the failed message has left nothing of it.
    assert [(e.name, e.printed) for e in check.slots if e.name == "balance"] == [("balance", "71")]
    assert {e.name: e.printed for e in block.variables} == {"each": "1", "amount": "30", "fee": "4"}
    assert deposit.receiver.handle and deposit.receiver.printed == "an Account"
    assert top.first_line + top.line - 1 == 2
    assert reply.missing is not None and len(reply.missing["parameters"]) == 1
    assert (reply.missing["prototype"], reply.missing["selector"]) == ("OrderedCollection", "frobnicate:")


def test_a_block_in_line_has_its_variables_in_its_methods_frame(kernel: Any, connect: Any) -> None:
    client = connect(kernel)
    run(client, "T := Object clone. T >> sum: c [ | s | s := 0. c do: [:each | s := s + each. each oops]. ^s ].")
    assert run(client, "T sum: #(7 8)", keep_stack=True).failed
    reply = client.call(Stack())
    assert isinstance(reply, StackReply)
    assert [frame.label for frame in reply.frames] == ["T>>sum:", "<input>"]
    assert {e.name: e.printed for e in reply.frames[0].variables} == {"c": "(7 8)", "each": "7", "s": "7"}
    assert told(client, "each + s", frame=0) == ["14"]


def test_messages_in_a_frame(kernel: Any, connect: Any) -> None:
    client = connect(kernel)
    failed(client)
    assert told(client, "a + f. made size. made first. made last == self. balance. self balance", frame=0) == [
        "34", "2", "30", "true", "70", "70",
    ]  # fmt: skip
    assert told(client, "each * 10. fee. amount", frame=1) == ["10", "4", "30"]
    assert told(client, "self deposit", frame=3)[0] is not None
    # It is a message like any other: it changes the image, and an error in it is reported where it was typed.
    assert told(client, "self balance: a. self balance", frame=0)[-1] == "30"
    assert told(client, "savings balance") == ["30"]
    outcome = run(client, "1.\n a foo: f", frame=0).outcomes[-1]
    assert outcome.error is not None and "#foo:" in outcome.error.message
    assert outcome.error.source_line.strip() == "a foo: f"
    assert "cannot be used again" in str(told(client, "b value: 3", frame=0)[0])
    # The stack is still there: what fails in a frame does not replace it.
    assert len(client.call(Stack()).frames) == 4  # type: ignore[attr-defined]


def test_the_missing_method_is_written_and_the_message_runs_again(kernel: Any, connect: Any) -> None:
    client = connect(kernel)
    assert not run(client, PROGRAM).failed
    assert run(client, "savings deposit: 30; withdraw: 5", keep_stack=True).failed
    stack = client.call(Stack())
    assert isinstance(stack, StackReply)
    run(client, "OrderedCollection >> frobnicate: n [ ^n ]")
    assert run(client, stack.statement, keep_stack=True).failed
    again = client.call(Stack())
    assert isinstance(again, StackReply) and again.missing is not None
    assert (again.missing["prototype"], again.missing["selector"]) == ("Account", "withdraw:")
    run(client, "Account >> withdraw: n [ balance := balance - n ]")
    assert not run(client, again.statement).failed
    assert told(client, "savings balance") == ["67"]  # 70, one for each of two checks, less 5


def test_a_stack_is_the_sessions_own_and_bounded(kernel: Any, connect: Any) -> None:
    one, other = connect(kernel, "one"), connect(kernel, "other")
    failed(one)
    for command in (Stack(), Evaluate(source="3", frame=0)):
        with pytest.raises(BridgeProblem) as caught:
            other.call(command)
        assert caught.value.code == Code.NO_SUCH_STACK
    with pytest.raises(BridgeProblem) as caught:
        one.call(Evaluate(source="3", frame=4))
    assert caught.value.code == Code.NO_SUCH_STACK
    run(one, "Object >> down: n [ | big | big := String new: 5000000. n = 0 ifTrue: [^self oops]. ^self down: n - 1 ]")
    run(one, "Object down: 300", keep_stack=True)
    deep = one.call(Stack())
    assert isinstance(deep, StackReply)
    assert len(deep.frames) == 100 and all(len(e.printed) < 400 for f in deep.frames for e in f.variables)
    # The values of one stack have four megabytes; what is beyond is shown, and says that it cannot be used.
    wide = "Object >> wide: n [ | big | big := 2 raisedTo: 1000000 + n. n = 0 ifTrue: [^self oops]. ^self wide: n - 1 ]"
    run(one, wide)
    run(one, "Object wide: 80", keep_stack=True)
    assert told(one, "big > 0. n", frame=0) == ["true", "0"]
    assert "cannot be used again" in str(told(one, "big > 0", frame=70)[0])


def test_a_recursion_without_end_and_an_interrupt_have_a_stack_too(kernel: Any, connect: Any) -> None:
    client = connect(kernel)
    run(client, "Object >> forever: n [ ^self forever: n + 1 ]")
    assert run(client, "Object forever: 1", keep_stack=True).failed
    reply = client.call(Stack())
    assert isinstance(reply, StackReply) and reply.frames[0].label.endswith("forever:")
    pending = client.post(Evaluate(source="| n | n := 0. [true] whileTrue: [n := n + 1]", keep_stack=True, seconds=0.3))
    assert isinstance(client.wait(pending, 30), Done)
    reply = client.call(Stack())
    assert isinstance(reply, StackReply) and reply.frames[-1].label == "<input>"
