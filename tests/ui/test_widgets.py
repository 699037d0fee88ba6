"""Widget logic in this process, off the screen: the tree of morphs, what rules may do, classes out of texts, the seeds'
thread. Each test of Kivy's own runs in a process of its own, since Kivy has one window and one clock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batos.bridge.covenant import UvmStateUpdateEvent
from batos.ui.canvas.keys import KEYS
from batos.ui.canvas.kvcheck import objection
from batos.ui.canvas.settings import Settings, keep_state, load_state, state_file, with_state
from batos.ui.canvas.theme import DARK, LIGHT, paint
from batos.ui.canvas.tree import Tree, number

from .conftest import Kernel, clean_environment

GENESIS = Path(__file__).parents[2] / "interp" / "genesis" / "200-morphs.st"


def event(state: dict[str, Any], whole: bool = True, removed: tuple[str, ...] = ()) -> UvmStateUpdateEvent:
    return UvmStateUpdateEvent(state=state, whole=whole, removed=list(removed), target="scene:w")


def node(x: float = 0, y: float = 0, within: str = "w", holds: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"x": x, "y": y, "width": 100, "height": 50, "within": within, "holds": list(holds), "views": [], **more}


def world() -> Tree:
    tree = Tree()
    tree.apply(
        event(
            {
                "w": node(holds=("a", "b")),
                "a": node(10, 10, holds=("c",), padding=5, draggable=True),
                "c": node(5, 5, within="a", pressable=True, width=20, height=20),
                "b": node(60, 30),
                "view:v": {"kv": "<M>:", "name": "M"},
            }
        )
    )
    return tree


# -- the tree ---------------------------------------------------------------------------------------------------------


def test_who_is_where() -> None:
    tree = world()
    assert tree.corner("c") == (15, 15)
    assert tree.at(16, 16) == "c" and tree.at(12, 40) == "a" and tree.at(70, 40) == "b"  # b lies in front of a
    assert tree.at(500, 500) is None
    assert list(tree.below("w")) == ["w", "a", "c", "b"]
    assert tree.bounds() == (10, 10, 160, 80)


def test_what_a_hand_takes() -> None:
    tree = world()
    assert tree.pressed("c") == "c" and tree.pressed("a") is None
    assert tree.dragged("c") == "a"  # a layout places what it holds: the drag is the layout's
    tree.nodes["a"]["draggable"] = False
    assert tree.dragged("c") is None
    tree.nodes["c"]["visible"] = False
    assert tree.at(16, 16) == "a"


def test_only_what_changed() -> None:
    tree = world()
    changes = tree.apply(event({"b": node(1, 1), "view:v": {"kv": ""}}, whole=False, removed=("c", "view:x")))
    assert (changes.changed, changes.removed, changes.views, changes.whole) == (["b"], ["c"], ["v"], False)
    assert tree.holds("a") == []  # its node still names c, which is gone


STRANGE = st.fixed_dictionaries(
    {
        "holds": st.lists(st.sampled_from("wabcd")),
        "within": st.sampled_from(["w", "a", "d", None, 3]),
        "x": st.one_of(st.none(), st.floats(), st.text(), st.integers()),
    }
)


@given(st.dictionaries(st.sampled_from("wabcd"), STRANGE))
def test_no_tree_is_too_strange(state: dict[str, Any]) -> None:
    """Circles, morphs in two places, texts for numbers: the window asks and gets an answer."""
    tree = Tree()
    tree.apply(event(state))
    list(tree.below("w"))
    tree.at(0, 0)
    tree.bounds()
    for handle in tree.nodes:
        tree.corner(handle)
        tree.dragged(handle)
        tree.title(handle)


def test_numbers() -> None:
    assert [number(value) for value in (3, 2.5, True, "x", None, float("nan"), 10**400)] == [3, 2.5, 0, 0, 0, 0, 1e6]


def test_paint() -> None:
    assert paint("accent", DARK) == DARK.accent and paint("ink", LIGHT) == LIGHT.ink
    assert paint("#ff0000", DARK) == (1, 0, 0, 1) and paint("#00000080", DARK)[3] == pytest.approx(0.5, abs=0.01)
    for nothing in (None, 3, "source", "name", "#ff", "__class__"):
        assert paint(nothing, DARK) == (0, 0, 0, 0)


# -- what a rule may do without being asked ---------------------------------------------------------------------------


def test_the_rules_of_the_library_may() -> None:
    texts = GENESIS.read_text().split("setSlot: 'kv' value: '")[1:]
    assert len(texts) == 7
    for text in texts:
        assert objection(text.split("\n'.")[0].replace("''", "'")) == ""


@pytest.mark.parametrize(
    "text",
    [
        "<M>:\n    opacity: __import__('os').getpid()",
        "<M>:\n    opacity: self.__class__",
        "<M>:\n    opacity: open('/etc/passwd')",
        "<M>:\n    opacity: app.stop()",
        "<M>:\n    opacity: app.link",
        "<M>:\n    opacity: (lambda: 1)()",
        "<M>:\n    opacity: self.export_to_png('/tmp/x')",
        "<M>:\n    on_touch_down: root.add_widget(self)",
        "<M>:\n    opacity: 9 ** 9 ** 9",
        "<M>:\n    opacity: '{0.__class__}'.format(self)",
        "<M>:\n    Image:\n        source: '/etc/passwd'",
        "<M>:\n    FileChooserListView:",
        "<M>:\n    Label:\n        font_name: '/etc/passwd'",
        "#:import os os\n<M>:\n    opacity: 1",
        "<M>:\n    opacity: 1\n<Button>:\n    opacity: 0",
        "<M>:\n    on_touch_down:\n        import os",
        "Widget:\n    on_kv_post: exec('1')",
        "<M@Label+FileChooser>:\n    opacity: getattr(self, 'x')",
        "<M>:\n    opacity: [x for x in ().__class__.__bases__]",
        "x" * 70_000,
    ],
)
def test_what_a_rule_may_not(text: str) -> None:
    assert objection(text)


@given(st.text())
def test_any_text_can_be_judged(text: str) -> None:
    objection(text)


def test_state_is_kept_and_a_broken_file_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert load_state() == {}
    keep_state({"theme": "light", "text_size": 20})
    assert with_state(Settings(), load_state()) == Settings(theme="light", text_size=20)
    assert with_state(Settings(), {"theme": "pink"}) == Settings()
    state_file().write_text("{")
    assert load_state() == {}


def test_the_page_of_keys_is_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "canvas.md").read_text()
    for _, keys in KEYS:
        for key, _ in keys:
            assert key in page, key


# -- Kivy, off the screen ---------------------------------------------------------------------------------------------


def kivy(program: str, folder: Path, *arguments: str) -> str:
    """Run a program with Kivy in it; what it printed."""
    pytest.importorskip("kivy")
    begin = "import sys\nfrom batos.ui.canvas import prepare_kivy\nfrom batos.ui.canvas.settings import Settings\n"
    begin += "prepare_kivy(Settings())\nfrom kivy.core.window import Window\nif Window is None:\n    sys.exit(77)\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + program, *arguments],
        env=clean_environment(folder, SDL_VIDEODRIVER="offscreen", LIBGL_ALWAYS_SOFTWARE="1"),
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
    )
    if done.returncode == 77:
        pytest.skip("LEFT OUT: no OpenGL off the screen: apt-get install libegl1")
    assert done.returncode == 0, done.stderr
    return done.stdout


CLASSES = """
from kivy.app import App
from kivy.properties import ObjectProperty, NumericProperty
from kivy.lang import Builder
from kivy.factory import Factory
from batos.ui.canvas.looks import Looks, Problem
from batos.ui.canvas.morphview import MorphView
from batos.ui.canvas.theme import DARK
from batos.ui.canvas import parts
class Plain(App):
    theme = ObjectProperty(DARK, rebind=True); unit = NumericProperty(15); sharpness = NumericProperty(1.0)
App._running_app = Plain()
looks = Looks(MorphView)
def view(kv, python=""):
    return {"name": "Meter", "kv": kv, "python": python, "slots": ["level", "text"]}
looks.change("1", view("<Meter>:\\n    opacity: root.level / 10"))
made = looks.class_for(("1",))
it = made(level=5, text="a")
print(it.opacity, made.__name__.startswith("Meter_"), sorted(MorphView.slots_of(made)))
it.take({"level": 8}); print(it.opacity)
rules = len(Builder.rules)
looks.change("1", view("<Meter>:\\n    opacity: 1 - root.level / 10"))
again = looks.class_for(("1",))
print(again is not made, len(Builder.rules) == rules, made.__name__ in Factory.classes)
print(round(again(level=8).opacity, 1))
looks.change("2", view("opacity: root.level / 100"))  # without a header, and over another one
both = looks.class_for(("2", "1"))
print(both.__mro__[1] is again, both(level=50).opacity)
NONE = (("<M>:\\n  : 1", ""), ("<M>:\\n    opacity: nobody", ""), ("", "class View(Base): pass"), ("", "1 +"))
for kv, python in NONE:
    looks.change("3", view(kv, python))
    try:
        looks.class_for(("3",))
        print("made")
    except Problem as problem:
        print(bool(problem.asks))
text = "class View(Base):\\n    def twice(self): return self.level * 2"
looks.change("3", view("", text))
looks.allow(text)
print(looks.class_for(("3",))(level=4).twice())
"""


def test_classes_out_of_texts(tmp_path: Path) -> None:
    lines = kivy(CLASSES, tmp_path).splitlines()
    assert lines[0] == "0.5 True ['level', 'text']" and lines[1] == "0.8"
    assert lines[2:4] == ["True True False", "0.2"]
    assert lines[4] == "True 0.5"
    assert lines[5:9] == ["True"] * 4  # a person may let it run, and see what comes of it
    assert lines[9] == "8"


THREADED = """
from kivy.base import EventLoop, runTouchApp, stopTouchApp
from kivy.clock import Clock
from kivy.uix.label import Label
from batos.bridge.covenant import GetFullStateCommand, UpdatePropertyCommand, UvmStateUpdateEvent
from batos.ui.canvas.threaded import ThreadedBridge
import threading
main = threading.get_ident()
status = Label(text="Initializing...")
def event(event):
    if isinstance(event, UvmStateUpdateEvent) and event.state.get("answer") == 43:
        print("event", threading.get_ident() == main)
        stopTouchApp()
def shown(reply):
    status.text = f"Backend State: {len(reply.state)}"
    print(status.text, threading.get_ident() == main)
    bridge.subscribe(["state"])
    bridge.ask(UpdatePropertyCommand(property_name="answer", property_value=43), lambda reply: None)
bridge = ThreadedBridge(sys.argv[1], event, print)
bridge.start()
bridge.ask(GetFullStateCommand(), shown)
Clock.schedule_once(lambda _: sys.exit("nothing came"), 30)
runTouchApp(status)
bridge.stop()
"""


def test_the_seeds_thread_and_schedule_once(puppet: Kernel, tmp_path: Path) -> None:
    """Whoever runs Kivy himself gets answers and events on Kivy's thread."""
    lines = kivy(THREADED, tmp_path, puppet.endpoint).splitlines()
    assert lines[0] == "Backend State: 6 True"
    assert "event True" in lines


def test_a_thread_without_a_kernel_says_so(tmp_path: Path) -> None:
    program = "from batos.ui.canvas import threaded\nfrom kivy.clock import Clock\nimport time\n"
    program += (
        "threaded.PATIENCE = 0.1\nheard = []\nbridge = threaded.ThreadedBridge(sys.argv[1], on_lost=heard.append)\n"
    )
    program += "bridge.start()\nend = time.time() + 20\nwhile not heard and time.time() < end:\n    Clock.tick()\n"
    program += "bridge.stop()\nprint(heard[0])"
    assert "no kernel" in kivy(program, tmp_path, f"ipc://{tmp_path}/none.sock")


def test_nothing_here_needs_a_display() -> None:
    assert os.environ.get("SDL_VIDEODRIVER") != "offscreen"  # the tests above set it for their own processes only
