"""Primitives of blocks and Booleans: running blocks, and control flow where the compiler could not put it in line."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World


@primitive("block.value")
def value(self: Any, *args: Any) -> Any:
    wanted = self.__code__.co_argcount
    if wanted != len(args):
        raise Fault(
            "SystemExceptions.WrongArgumentCount",
            f"wrong argument count: this block takes {wanted}, {len(args)} were given",
            "wrong argument count",
        )
    return self(*args)


@primitive("block.valueWithArguments", world=True)
def value_with_arguments(world: World) -> Any:
    from .objects import argument_list

    return lambda self, arguments: value(self, *argument_list(world, arguments))


@primitive("block.cull")
def cull(self: Any, *args: Any) -> Any:
    wanted = self.__code__.co_argcount
    return value(self, *args[:wanted])


@primitive("block.numArgs")
def num_args(self: Any) -> int:
    return int(self.__code__.co_argcount)


def _run(world: World, thing: Any) -> Any:
    return thing() if type(thing) is FunctionType and not thing.__code__.co_argcount else world.send(thing, "value")


@primitive("boolean.ifTrueIfFalse", world=True)
def if_true_if_false(world: World) -> Any:
    return lambda self, yes, no: _run(world, yes if self else no)


@primitive("boolean.ifFalseIfTrue", world=True)
def if_false_if_true(world: World) -> Any:
    return lambda self, no, yes: _run(world, yes if self else no)


@primitive("boolean.ifTrue", world=True)
def if_true(world: World) -> Any:
    return lambda self, yes: _run(world, yes) if self else None


@primitive("boolean.ifFalse", world=True)
def if_false(world: World) -> Any:
    return lambda self, no: None if self else _run(world, no)


@primitive("boolean.and", world=True)
def and_(world: World) -> Any:
    return lambda self, other: _run(world, other) if self else False


@primitive("boolean.or", world=True)
def or_(world: World) -> Any:
    return lambda self, other: True if self else _run(world, other)


@primitive("boolean.not")
def not_(self: bool) -> bool:
    return not self


@primitive("object.notBoolean", world=True)
def not_boolean(world: World) -> Any:
    return lambda self, *branches: world.not_boolean(self, "ifTrue:ifFalse:")


@primitive("block.whileTrue", world=True)
def while_true(world: World) -> Any:
    def while_true(self: Any, body: Any = None) -> None:
        while world.truth(_run(world, self), "whileTrue:"):
            if body is not None:
                _run(world, body)

    return while_true


@primitive("block.whileFalse", world=True)
def while_false(world: World) -> Any:
    def while_false(self: Any, body: Any = None) -> None:
        while not world.truth(_run(world, self), "whileFalse:"):
            if body is not None:
                _run(world, body)

    return while_false


@primitive("block.repeat", world=True)
def repeat(world: World) -> Any:
    def repeat(self: Any) -> None:
        while True:
            _run(world, self)

    return repeat


@primitive("block.ensure", world=True)
def ensure(world: World) -> Any:
    signals = world.signals

    def ensure(self: Any, last: Any) -> Any:
        chain = signals.chain
        ending = False
        try:
            return self()
        finally:
            ending = True  # noqa: F841 - read by processes.py: who is terminated meanwhile may finish this
            signals.chain = chain
            if last.__class__ is FunctionType:
                last()
            else:
                _run(world, last)
            if world.processes.postponed:
                world.processes.after(sys._getframe())

    world.ensuring.add(ensure.__code__)
    return ensure


@primitive("block.ifCurtailed", world=True)
def if_curtailed(world: World) -> Any:
    def if_curtailed(self: Any, last: Any) -> Any:
        done = ending = False  # ending: as in ensure
        chain = world.signals.chain
        try:
            result = _run(world, self)
            done = True
            return result
        finally:
            if not done:
                ending = True  # noqa: F841
                world.signals.chain = chain
                _run(world, last)
                if world.processes.postponed:
                    world.processes.after(sys._getframe())

    world.ensuring.add(if_curtailed.__code__)
    return if_curtailed


@primitive("number.toDo", world=True)
def to_do(world: World) -> Any:
    def to_do(self: Any, stop: Any, block: Any) -> Any:
        if type(self) is int and type(stop) is int and type(block) is FunctionType and block.__code__.co_argcount == 1:
            for index in range(self, stop + 1):
                block(index)
        else:
            for index in world.steps(self, stop, 1):
                world.send(block, "value:", index)
        return self

    return to_do


@primitive("number.toByDo", world=True)
def to_by_do(world: World) -> Any:
    def to_by_do(self: Any, stop: Any, step: Any, block: Any) -> Any:
        plain = type(block) is FunctionType and block.__code__.co_argcount == 1
        for index in world.by_steps(self, stop, step):
            if plain:
                block(index)
            else:
                world.send(block, "value:", index)
        return self

    return to_by_do


@primitive("int.timesRepeat", world=True)
def times_repeat(world: World) -> Any:
    def times_repeat(self: Any, block: Any) -> Any:
        if type(self) is not int:
            raise Fault("SystemExceptions.WrongClass", f"{world.describe(self)} timesRepeat: wants an Integer")
        for _ in range(self):
            _run(world, block)
        return self

    return times_repeat
