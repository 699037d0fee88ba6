"""How good a model is at everyday misses: `python benchmarks/jit/run_everyday.py [tune|held] [-v] [--style large]`.

Prints, for each half, how many of the thirty come out right at the first answer, right after up to two repairs that
the static gates ask for, and refused by the gates; tokens and seconds. The judge runs the body on a plain Python
object: it needs no image, so that a prompt can be tuned in a minute.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

from everyday import ANY, HELD, TUNE, Task

from batos.grammar import parse_method
from batos.jit.crucible import assay
from batos.jit.extract import method_source
from batos.jit.gates.verdict import Candidate, Surroundings
from batos.jit.prompt import build_prompt
from batos.jit.settings import read_settings
from batos.jit.situation import Argument, Attempt, Neighbour, Situation, Slot

KINDS = {int: "int", float: "float", bool: "bool", str: "str", list: "list"}


def situation_of(task: Task) -> Situation:
    values = task.checks[0][1]
    nouns = {int: "amount", str: "text"}
    keywords = [k for k in task.selector.split(":") if k]
    names = [keywords[i] if i else nouns.get(type(v), "other") for i, v in enumerate(values)]
    arguments = tuple(Argument(n, KINDS[type(v)], repr(v)) for n, v in zip(names, values, strict=True))
    neighbours = tuple(Neighbour(task.prototype, parse_method(m).selector, m) for m in task.neighbours)
    slots = tuple(Slot(n, KINDS[type(v)], repr(v)) for n, v in task.slots.items())
    return Situation(task.prototype, task.selector, task.selector.replace(":", "_"), arguments, task.statement,
                     slots=slots, neighbours=neighbours)  # fmt: skip


def surroundings_of(task: Task) -> Surroundings:
    selectors = frozenset(parse_method(m).selector for m in task.neighbours) | frozenset(task.slots)
    return Surroundings(task.prototype, frozenset(task.slots), selectors)


def judge(source: str, task: Task) -> str:
    """ "right", or what was wrong when the body ran."""
    for before, arguments, changed, answer in task.checks:
        namespace: dict[str, Any] = {}
        thing = type(task.prototype, (), {})()
        vars(thing).update(task.slots, **before)
        wanted = {**vars(thing), **changed}
        try:
            exec(source, namespace)
            got = namespace[task.selector.replace(":", "_")](thing, *arguments)
        except Exception as problem:
            return f"raises {type(problem).__name__}"
        if vars(thing) != wanted:
            return "wrong slots"
        close = isinstance(answer, float) and isinstance(got, int | float) and abs(got - answer) < 0.1
        if answer is not ANY and not close and (got != answer or isinstance(got, bool) != isinstance(answer, bool)):
            return "wrong answer"
    return "right"


def run(name: str, tasks: list[Task], style: Any, verbose: bool, engine: Any) -> None:
    first = repaired = refused = tokens = 0
    started = time.monotonic()
    for task in tasks:
        situation = situation_of(task)
        for attempt in range(3):
            prompt = build_prompt(situation, style)
            answer = engine.complete(prompt.messages, prompt.options)
            tokens += answer.tokens
            source = method_source(answer.text, situation.name, prompt.head, prompt.options.prefill)
            candidate = Candidate(task.selector, situation.name, situation.parameters, source)
            result = assay(candidate, surroundings_of(task))
            verdict = judge(source, task)
            first += attempt == 0 and verdict == "right"
            if result.failure is None:
                break
            situation = replace(situation, rejected=(*situation.rejected, Attempt(source, result.failure.reason)))
        repaired += result.passed and verdict == "right"
        refused += not result.passed
        if verbose:
            body = " ; ".join(line.strip() for line in source.splitlines()[1:] if line.strip())
            gate = "" if result.failure is None else f"  [{result.failure.reason}]"
            print(f"{verdict:13} {attempt} {task.statement:22} {body}{gate}", flush=True)
    seconds = time.monotonic() - started
    print(f"{name}: right at first {first}/{len(tasks)}, passed and right after repairs {repaired}/{len(tasks)}, "
          f"refused by gates {refused}; {tokens} tokens, {seconds:.0f} s", flush=True)  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("half", nargs="?", choices=["tune", "held"])
    options.add_argument("-v", action="store_true")
    options.add_argument("--style", choices=["small", "large"], default="small")
    given = options.parse_args()
    engine = read_settings().engine()
    print(engine.describe())
    try:
        for name, tasks in (("tune", TUNE), ("held", HELD)):
            if given.half in (None, name):
                run(name, tasks, given.style, given.v, engine)
    finally:
        engine.close()


if __name__ == "__main__":
    main()
