"""What the library can do beyond the message at hand, no method of a model's can send: also what the library learnt
since the lists were written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from batos.image import Image
from batos.image.object import is_object, own_slots
from batos.interp import Worker, World
from batos.interp.families import is_method
from batos.jit.allowlist import MAKES_CLASSES, REFLECTION, REFLECTIVE
from batos.jit.gates.allow import REFLECTION_NAMES, python_name
from batos.jit.settings import Settings
from batos.jit.situate import surroundings_of
from batos.jit.weave import Weaver
from batos.mentions import sends

from .conftest import BANK, Scripted, last

PRIMITIVE = re.compile(r"<primitive: '([^']+)'")
FAR = (
    "class.", "method.", "image.", "jit.", "system.", "object.perform", "object.setSlot", "object.removeSlot",
    "object.become", "object.addParent", "object.removeParent", "object.getSlot", "process.fork", "symbol.",
)  # fmt: skip
# Looked at: they read, or what they send or write is their own affair.
HARMLESS = {
    "addDependent:", "removeDependent:", "release", "comment:", "chat", "includesSelector:", "numArgs", "press",
    "onPress:", "addMorph:", "text:", "fetch", "value:", "value:value:", "value:value:value:", "valueWithArguments:",
    "bindWithArguments:", "message:receiver:", "value:onTimeoutDo:", "keywords", "copyFrom:",
    "copyTwoLevel", "longPrintOn:",
    "createMethod:code:in:",  # only with a method that is written out, and passes the gates (check_given) "name:",
    "+", "-", "*", "/", "//", "\\\\",
}  # fmt: skip


def library(world: World) -> Iterator[tuple[str, str, str]]:
    """(prototype, selector, source) of the methods that a model's method might send."""
    for name, value in own_slots(world.names).items():
        if is_object(value) and name[:1].isupper() and name not in REFLECTIVE:
            for selector, method in own_slots(value).items():
                if is_method(method):
                    yield name, selector.removeprefix("&"), own_slots(method)["source"]


def test_nothing_of_the_library_that_reaches_far_may_be_sent(image: Image) -> None:
    worker = Worker(image)

    def look(world: World) -> None:
        vocabulary = surroundings_of(world, world.genesis).vocabulary
        found = set()
        for name, selector, source in library(world):
            if selector in REFLECTION or MAKES_CLASSES.match(python_name(selector)) or selector in HARMLESS:
                continue
            primitive = PRIMITIVE.search(source)
            far = primitive is not None and primitive[1].startswith(FAR)
            if far or set(sends(source, "smalltalk")) & REFLECTION - {"primitive:", "asSymbol", "fork", "getSlot:"}:
                found.add(f"{name}>>{selector}")
        # In jit/allowlist.py these belong to REFLECTION, or here to HARMLESS.
        assert " ".join(sorted(found)) == ""
        beyond = {"send", "removeFromSystem", "compile:category:", "evaluate:in:", "load:", "publish:as:", "runCase"}
        assert not beyond & vocabulary

    worker.transact(look)
    worker.close()


def test_the_names_are_python_s() -> None:
    assert "perform_with_with_with_with_" in REFLECTION_NAMES and "extend" not in REFLECTION_NAMES


@pytest.mark.parametrize(
    "body",
    [
        "DirectedMessage.receiver_selector_arguments_(self, 'compile:', ['x [ ]']).send()",
        "ButtonMorph.createMethod_code_in_('pid', 'def pid(self): import os; return os.getpid()', Account)",
        "ButtonMorph.createMethod_code_in_('all', 'Smalltalk at: 3 put: 4', Account)",
        "ButtonMorph.createMethod_code_in_('all', self.balance, Account)",
        "ButtonMorph.command_({'command': 'create_method'})",
        "ButtonMorph.target_selector_(Account, 'removeSelector:')",
        "ButtonMorph.target_selector_(Account, self.balance)",
        "ObjectMemory.quit_(3)",
        "Account.jitPolicy_('auto')",
        "Smalltalk.at_put_('Account', 3)",
        "CognitiveWeaver.load_('x')",
        "Account.subclass_('Thing')",
    ],
)
def test_what_reaches_far_is_not_installed_by_auto(image: Image, body: str) -> None:
    """Behind a condition that the trial does not meet, so that only the static gates can tell."""
    source = f"def plan(self):\n    if self.balance > 1000000:\n        {body}\n    return self.balance\n"
    weaver = Weaver(Settings(), engine=Scripted(*[source] * 3))
    worker = Worker(image, misses=weaver)
    assert all(o.error is None for o in worker.evaluate(BANK))
    error = last(worker, "savings plan", policy="auto").error
    assert error is not None and "allow:" in error.message, error
    worker.close()
    weaver.close()


def test_what_a_model_s_method_has_compiled_is_the_model_s(image: Image) -> None:
    """Were a way found all the same: Python that such a method brings in runs as narrowly as the method itself."""
    worker = Worker(image)
    inner = "def pid(self):\\n    import os\\n    return os.getpid()"
    source = f"def bring(self):\n    self.compile_('{inner}')\n    return self\n"

    def put(world: World) -> None:
        from batos.image.method import Method

        world.define(world.lookup("Account"), Method("bring", source, "python", author="model:m"))

    assert all(o.error is None for o in worker.evaluate(BANK))
    worker.transact(put)
    assert last(worker, "Account bring").error is None
    error = last(worker, "Account pid").error
    assert error is not None and "cannot import os" in error.message
    assert last(worker, f"Account compile: '{inner}'. Account pid".replace("\\n", "\n")).printed == str(os.getpid())
    worker.close()
