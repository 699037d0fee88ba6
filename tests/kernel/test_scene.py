"""The world of morphs over the wire: read in pages, told of in differences, as it was, and with an object as self."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batos.bridge.client import Client
from batos.bridge.core import BridgeProblem
from batos.bridge.covenant import (
    Data,
    GetScene,
    History,
    Revert,
    Subscribe,
    UvmStateUpdateEvent,
    Written,
)
from batos.image import open_image
from batos.interp import Worker
from batos.scene import Scene

from .conftest import KernelProcess

Connect = Callable[..., Client]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelProcess]:
    """One kernel for all tests of this file: each begins with an empty world."""
    folder = tmp_path_factory.mktemp("k")
    kernel = KernelProcess(folder / "world.fs")
    yield kernel
    kernel.kill()


@pytest.fixture
def kernel(running: KernelProcess, connect: Connect) -> KernelProcess:
    say(connect(running), "World removeAllMorphs. Morph radius: 8")
    return running


def say(client: Client, source: str, workspace: str = "default") -> str:
    outcome = client.evaluate(source, workspace=workspace).outcomes[-1]
    assert outcome.error is None, outcome.error
    return outcome.printed or ""


def scene(client: Client, **more: Any) -> UvmStateUpdateEvent:
    reply = client.call(GetScene(**more))
    assert isinstance(reply, UvmStateUpdateEvent), reply
    return reply


def named(state: dict[str, Any], kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(key, node) for key, node in state.items() if node.get("kind") == kind]


def next_state(client: Client) -> UvmStateUpdateEvent:
    event = client.next_event(5)
    assert isinstance(event, UvmStateUpdateEvent)
    return event


def test_a_scene_has_what_a_window_draws(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    say(client, "(ButtonMorph label: 'Go' do: [3]) openAt: 30@40")
    found = scene(client)
    ((handle, button),) = named(found.state, "ButtonMorph")
    ((world, top),) = named(found.state, "World")
    assert (button["label"], button["x"], button["y"], button["width"]) == ("Go", 30, 40, 120)
    assert button["within"] == world and top["holds"] == [handle] and top["within"] is None
    assert found.target == f"scene:{world}" and found.whole and not found.truncated
    looks = [found.state["view:" + each] for each in button["views"]]
    assert [look["name"] for look in looks] == ["ButtonMorph", "Morph"]
    assert "RoundedRectangle" in looks[0]["kv"] and "label" in looks[0]["slots"]
    assert button["onPress"] == {"handle": "", "print": "a BlockClosure"}


def test_pages(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    say(client, "1 to: 700 do: [:i | World addMorph: (Morph clone x: i; yourself)]")
    first = scene(client)
    second = scene(client, start=500)
    assert (len(first.state), first.truncated, second.whole, second.truncated) == (500, True, False, False)
    assert len(first.state | second.state) == 702
    client.call(Subscribe(topics=["scene"]))
    pages = [next_state(client), next_state(client)]
    assert [page.whole for page in pages] == [True, False]
    assert pages[0].state | pages[1].state == first.state | second.state


def test_only_what_changed_is_told(kernel: Any, connect: Connect) -> None:
    client, other = connect(kernel), connect(kernel)
    say(client, "a := Morph clone. b := Morph clone. a openInWorld. b openInWorld. b color: 'good'")
    other.call(Subscribe(topics=["scene"]))
    whole = next_state(other).state
    (a, _), (b, _) = named(whole, "Morph")
    say(client, "b x: 77")
    assert {key: node["x"] for key, node in next_state(other).state.items()} == {b: 77}
    say(client, "Morph radius: 3")  # of all its clones
    changed = next_state(other).state
    assert {a, b} < set(changed) and changed[a]["radius"] == 3
    say(client, "Morph kv: '<Morph>:\n    opacity: .5'")
    assert [node["kv"] for node in next_state(other).state.values()] == ["<Morph>:\n    opacity: .5"]
    say(client, "a bringToFront")
    (top,) = next_state(other).state.values()
    assert top["holds"] == [b, a]
    say(client, "a addMorph: b")
    assert next_state(other).state[b]["within"] == a
    say(client, "a delete")
    assert sorted(next_state(other).removed) == sorted([a, b])


def test_the_100_ms_promise(kernel: Any, connect: Connect) -> None:
    client, other = connect(kernel), connect(kernel)
    say(client, "1 to: 1000 do: [:i | World addMorph: Morph clone]. m := World submorphs first")
    other.call(Subscribe(topics=["scene"]))
    while not named(next_state(other).state, "World"):
        pass
    while other.next_event(0.5):
        pass
    seconds = []
    for i in range(10):
        began = time.perf_counter()
        say(client, f"m x: {i + 1}")
        next_state(other)
        seconds.append(time.perf_counter() - began)
    assert sorted(seconds)[5] < 0.1, seconds


def test_a_clone_does_not_show_its_prototypes_submorphs(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    say(
        client,
        "r := RowMorph clone. r addMorph: Morph clone. r openInWorld. r clone openInWorld. r duplicate openInWorld",
    )
    rows = [node for _, node in named(scene(client).state, "RowMorph")]
    assert sorted(len(row["holds"]) for row in rows) == [0, 1, 1]


def test_long_values_are_whole_and_bounded(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    say(client, "(PlotMorph clone plot: [:x | x * x] from: 0 to: 2) openInWorld")
    say(client, "(ListMorph clone items: ((1 to: 20000) collect: [:i | i printString]); yourself) openInWorld")
    state = scene(client).state
    ((_, plot),) = named(state, "PlotMorph")
    ((_, items),) = named(state, "ListMorph")
    assert len(plot["values"]) == 101 and plot["values"][-1] == 4.0
    assert len(items["items"]) == 10_000 and items["items"][9_999] == "10000"


def test_as_it_was(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    say(client, "m := Morph clone. m openInWorld. m x: 5")
    history = client.call(History(count=1))
    assert isinstance(history, Data)
    moment = history.data[0]["transaction"]
    say(client, "m x: 99")
    say(client, "Morph clone openInWorld")
    then = scene(client, moment=moment)
    assert [node["x"] for _, node in named(then.state, "Morph")] == [5]
    assert [node["kv"][:8] for key, node in then.state.items() if key.startswith("view:")] == ["<Morph>:"]
    with pytest.raises(BridgeProblem, match="no transaction"):
        client.call(GetScene(moment="7" * 16))


def test_an_object_as_self(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    say(client, "m := Morph clone. m x: 20. m openInWorld")
    ((handle, _),) = named(scene(client).state, "Morph")
    assert say(client, "x + self width", "@" + handle) == "140"
    assert say(client, "x := 3. x", "@" + handle) == "3"
    assert say(client, "m x") == "3"
    lost = client.evaluate("3", workspace="@fffffff").outcomes[0].error
    assert lost is not None and "no object" in lost.message


def test_nothing_written_nothing_to_revert(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)
    written = client.call(Written())
    assert isinstance(written, Data) and written.data == []
    with pytest.raises(BridgeProblem, match="no method fooBar"):
        client.call(Revert(target="1", selector="fooBar"))


def test_a_scene_reads_again_only_what_changed(tmp_path: Path) -> None:
    with open_image(str(tmp_path / "i.fs")) as image:
        worker, looker = Worker(image), Worker(image, name="looker")
        worker.evaluate("a := Morph clone. a openInWorld. Morph clone openInWorld")
        look = Scene()
        before, _, _ = looker.transact(look.look)
        worker.evaluate("a x: 7")
        after, _, _ = looker.transact(look.look)
        same = [key for key in before if before[key] is after.get(key)]
        changed = [key for key in before if before[key] != after[key]]
        assert len(changed) == 1 and after[changed[0]]["x"] == 7
        assert len(same) >= 2  # the world and the other morph
        worker.close()
        looker.close()


def test_what_is_not_shown_is_told(kernel: Any, connect: Connect) -> None:
    client = connect(kernel)

    def amiss() -> list[str]:
        ((_, top),) = named(scene(client).state, "World")
        return top.get("amiss", [])  # type: ignore[no-any-return]

    say(client, "Inner := Morph clone. Outer := Morph clone. Outer openInWorld. Outer addMorph: Inner")
    assert amiss() == []
    say(client, "Inner setSlot: 'children' value: (OrderedCollection with: Outer)")
    assert amiss() == ["Outer is among the children of Inner, and its owner is World; it is not shown there"]
    say(client, "Outer setSlot: 'owner' value: Inner")
    (told,) = amiss()
    assert "Outer is among the children of World" in told and "in a circle" in told
    say(client, "World setSlot: 'children' value: nil. e := Morph clone. e openInWorld. Deep := Morph clone")
    say(client, "1 to: 80 do: [:i | | n | n := Morph clone. e addMorph: n. e := n]. Deep openInWorld")
    (told,) = amiss()
    assert "60 morphs deep" in told
    assert named(scene(client).state, "Deep")  # the others are there all the same
