"""The method is found in whatever a model writes around it."""

from __future__ import annotations

import json
import sys
import textwrap

import pytest

from batos.jit.extract import ends_method, method_source

HEAD = "def withdraw_(self, amount):"
WANTED = f"{HEAD}\n    self.balance -= amount\n    return self\n"
BODY = "    self.balance -= amount\n    return self"


@pytest.mark.parametrize(
    "answer",
    [
        WANTED,
        f"```python\n{WANTED}```",
        f"Sure! Here is it:\n\n```py\n{WANTED}```\nHope it helps.",
        f"Here you are:\n{HEAD}\n{BODY}\n\nThis subtracts.",
        f"class Account:\n{textwrap.indent(WANTED, '    ')}\n    def other(self):\n        pass",
        f"import math\n\n{WANTED}\nprint(withdraw_(1, 2))\n",
        json.dumps({"explanation": "takes money out", "code": WANTED}),
        BODY,
        "self.balance -= amount\nreturn self",
        f"```python\n{HEAD}\r\n\tself.balance -= amount\r\n\treturn self\r\n",
        f"# withdraw\n{HEAD}\n{BODY}\n```",
    ],
)
def test_whole_answers(answer: str) -> None:
    assert method_source(answer, "withdraw_", HEAD) == WANTED


def test_an_answer_nested_without_end_is_no_json_and_ends_no_process() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)  # a worker's: a reader that recursed in C would run out of stack here
    try:
        assert method_source('{"code": ' + "[" * 500_000, "withdraw_", HEAD)
    finally:
        sys.setrecursionlimit(limit)


def test_continued_answers() -> None:
    prefill = f"```python\nclass Account:\n    def deposit_(self, amount):\n        return self\n\n    {HEAD}\n       "
    answer = " self.balance -= amount\n        return self\n\n    def more(self):\n        pass\n```\nprose"
    assert method_source(answer, "withdraw_", HEAD, prefill) == WANTED
    assert method_source(WANTED, "withdraw_", HEAD, prefill) == WANTED, "a server that ignores the prefill"


def test_another_function_is_left_for_the_gates() -> None:
    assert method_source("def foo(self):\n    return 1\n", "withdraw_", HEAD) == "def foo(self):\n    return 1\n"


def test_the_empty_answer_is_a_method_without_body() -> None:
    assert method_source("", "withdraw_", HEAD).startswith(HEAD)


@pytest.mark.parametrize(
    ("text", "indent", "ended"),
    [
        (" return 1", 8, False),
        (" self.a = 1\n        return", 8, False),
        (" self.a = 1\n      ", 8, False),
        (" self.a = 1\n    def", 8, True),
        (" self.a = 1\n\n", 8, True),
        (" self.a = 1\n\n    b = 2", 4, False),
        (" self.a = 1\n```", 4, True),
        (" if x:\n        y = 1\nprint", 4, True),
    ],
)
def test_the_end_of_a_method(text: str, indent: int, ended: bool) -> None:
    assert ends_method(text, indent) is ended
