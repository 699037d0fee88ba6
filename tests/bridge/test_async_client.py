"""The asyncio client against a real server."""

from __future__ import annotations

import asyncio
import time

import pytest

from batos.bridge.async_client import AsyncClient
from batos.bridge.codes import Code
from batos.bridge.core import BridgeProblem, KernelGone
from batos.bridge.covenant import (
    Approval,
    Evaluate,
    Event,
    GetFullStateCommand,
    Outcome,
    Ping,
    Subscribe,
    UvmStateUpdateEvent,
)

from .toy import Running


def test_many_calls_at_once(running: Running) -> None:
    async def main() -> None:
        async with AsyncClient(running.endpoint) as client:
            calls = [client.evaluate(f"echo {n}") for n in range(50)]
            done = await asyncio.gather(*calls)
            assert [each.outcomes[0].printed for each in done] == [str(n) for n in range(50)]

    asyncio.run(main())


def test_a_thousand_calls_one_after_another(running: Running) -> None:
    """None may hang on a swallowed edge of the socket's descriptor."""

    async def main() -> None:
        async with AsyncClient(running.endpoint) as client, asyncio.timeout(60):
            for number in range(1000):
                await client.call(Ping() if number % 3 else Evaluate(source=f"echo {number}"))

    asyncio.run(main())


def test_outcomes_stream_and_approvals_are_answered(running: Running) -> None:
    async def main() -> None:
        async with AsyncClient(running.endpoint) as client:
            seen: list[str | None] = []

            def on_event(event: Event) -> None:
                if isinstance(event, Outcome):
                    seen.append(event.printed)
                if isinstance(event, Approval):
                    client.answer(event.approval, "edit", code="better")

            await client.evaluate("count 300", on_event=on_event)
            assert seen == [str(n) for n in range(300)]
            done = await client.evaluate("ask x", on_event=on_event)
            assert done.outcomes[0].printed == "edit"

    asyncio.run(main())


def test_a_cancelled_task_interrupts_its_message(running: Running) -> None:
    async def main() -> None:
        async with AsyncClient(running.endpoint) as client:
            task = asyncio.create_task(client.evaluate("wait"))
            await asyncio.to_thread(running.toy.began.get, timeout=10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            done = await client.evaluate("echo free", timeout=10)
            assert done.outcomes[0].printed == "free"

    asyncio.run(main())


def test_interrupt(running: Running) -> None:
    async def main() -> None:
        async with AsyncClient(running.endpoint) as client:
            task = asyncio.create_task(client.evaluate("wait"))
            await asyncio.to_thread(running.toy.began.get, timeout=10)
            client.interrupt()
            with pytest.raises(BridgeProblem) as caught:
                await task
            assert caught.value.code == Code.INTERRUPTED

    asyncio.run(main())


def test_events_come_by_next_event_or_by_callback(running: Running) -> None:
    async def main() -> None:
        async with AsyncClient(running.endpoint) as client:
            await client.call(Subscribe(topics=["state"]))
            (identity,) = running.toy.watched
            running.server.publish(identity, UvmStateUpdateEvent(state={"n": 1}))
            event = await asyncio.wait_for(client.next_event(), 10)
            assert isinstance(event, UvmStateUpdateEvent) and event.state == {"n": 1}
            came: asyncio.Queue[Event] = asyncio.Queue()
            client.on_event = came.put_nowait
            running.server.publish(identity, UvmStateUpdateEvent(state={"n": 2}))
            event = await asyncio.wait_for(came.get(), 10)
            assert isinstance(event, UvmStateUpdateEvent) and event.state == {"n": 2}

    asyncio.run(main())


def test_a_failing_callback_is_told_and_costs_nothing_else(running: Running) -> None:
    async def main() -> None:
        told: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))

        def broken(event: Event) -> None:
            raise ZeroDivisionError

        async with AsyncClient(running.endpoint) as client:
            await client.evaluate("count 2", on_event=broken)
            assert isinstance(await client.call(GetFullStateCommand()), UvmStateUpdateEvent)
        assert len(told) == 2

    asyncio.run(main())


def test_a_kernel_that_goes_fails_the_call_in_a_few_seconds(running: Running) -> None:
    async def main() -> None:
        async with AsyncClient(running.endpoint) as client:
            task = asyncio.create_task(client.evaluate("wait"))
            await asyncio.to_thread(running.toy.began.get, timeout=10)
            running.server.call(lambda: running.server._ended.set())  # type: ignore[union-attr]
            start = time.monotonic()
            with pytest.raises(KernelGone):
                await task
            assert time.monotonic() - start < 8
            assert client.away

    asyncio.run(main())
