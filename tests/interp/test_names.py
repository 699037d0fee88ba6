"""A person's variables may have the names that compiled code uses itself, or that Python keeps."""

from __future__ import annotations

from batos.interp.scopes import TAKEN

from .conftest import Bench


def test_every_name_of_compiled_code_is_known(bench: Bench) -> None:
    names = {name for name in bench.worker.world.globals if name.isidentifier()} - {"__builtins__"}
    assert names <= TAKEN


def test_a_variable_may_have_such_a_name(bench: Bench) -> None:
    names = sorted(name for name in TAKEN if name[0] != "_")
    for name in names:
        bench.well(f"""
            T{name} := Object clone. T{name} setSlot: 'kept' value: nil.
            T{name} >> all: {name} [ | sum |
                sum := 0.
                1 to: 2 do: [:i | sum := sum + (#(1 2) at: i) + {name} + ({name} + 0.5) truncated].
                #(1 2) do: [:x | sum := sum + x]. 2 timesRepeat: [sum := sum + 1]. 1 to: 2.0 do: [:x | sum := sum + x].
                sum := sum + 'abc' size + ('abc' at: 1) value + (OrderedCollection new add: {name}; removeLast).
                ^[sum even ifTrue: [{{Object. {name}. sum}}] ifFalse: [{{Object. {name}. sum + 1}}]]
                    on: Error do: [:e | e] ].
            T{name} >> block: x [ | {name} | {name} := x. kept := [:by | {name} := {name} + by]. ^kept value: 1 ].
            T{name} >> walk: c [ | n |
                n := 0. c do: [:{name} | n := n + {name}]. ^n + (c inject: 0 into: [:a :{name} | a + {name}]) ].
            """)
        assert bench(f"T{name} all: 7") == bench(f"T{name} all: 7") == "(Object 7 146 )"
        assert bench(f"T{name} block: 3") == "4"
        assert bench(f"T{name} walk: #(1 2 3)") == "12"
        counted = f"| {name} | {name} := 3. 1 to: 2 do: [:i | {name} := {name} + i]. {name}"
        assert name[0].isupper() or bench(counted) == "6"
    bench.reopen()
    for name in names:
        assert bench(f"T{name} kept value: 2") == "6", name
