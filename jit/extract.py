"""The method out of whatever a model wrote around it: fences, prose, a class, a JSON object, a second method."""

from __future__ import annotations

import re
import textwrap

from pydantic_core import from_json

FENCE = re.compile(r"```[ \t]*(?:python|py)?[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.S)


def method_source(answer: str, name: str, head: str, prefill: str = "") -> str:
    """Source of the function `name`, dedented, ending in one newline. Never raises: the gates refuse what is none.

    head: the line the function should begin with, `def withdraw_(self, amount):`; prefill: what the answer continues,
    "" or something that ends inside that function.
    """
    answer = answer.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    code = _unwrapped(answer)
    found = _function(code, name) or _function(answer, name)
    if found is not None:
        return found
    if prefill:
        found = _function(prefill.expandtabs(4) + answer, name, last=True)
        if found is not None:
            return found
    if re.search(r"^[ \t]*(async[ \t]+)?(def|class)\b", code, re.M):
        return code.strip("\n") + "\n"  # another function: the first gate says which name it wants
    body = textwrap.dedent(code.strip("\n"))
    return head + "\n" + textwrap.indent(body, "    ").rstrip() + "\n"


def ends_method(text: str, indent: int) -> bool:
    """Whether the text, a method's body being written with that indent, has left the body or closed its fence.

    `text` begins inside the body's first line, so that line tells nothing. A blank line ends a body, too, where it is
    indented as a method in a class: that is how the examples look.
    """
    if indent > 4 and "\n\n" in text.lstrip("\n"):
        return True
    lines = text.split("\n")
    for number, line in enumerate(lines[1:], 1):
        whole = number < len(lines) - 1
        deep = len(line) - len(line.lstrip(" "))
        if line.strip() and deep < indent and (whole or deep < len(line)):
            return True
    return False


def answer_of(text: str) -> tuple[str, str]:
    """(explanation, code) of an answer in a conversation: a JSON object, or words and a fence. Never raises: where
    there is no code, the code is ""."""
    stripped = text.strip()
    if stripped.startswith("{"):
        try:
            data = from_json(stripped)
        except ValueError:
            data = None
        if isinstance(data, dict):
            return _words(data.get("explanation")), _code(data.get("code"))
    fence = FENCE.search(text)
    return (_words(text[: fence.start()]), _code(fence[1])) if fence else (_words(text), "")


def explanation_of(text: str) -> str:
    """What an answer of explanation and code says in words; "" where it is code alone."""
    return answer_of(text)[0] if text.lstrip().startswith("{") else ""


def _words(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _code(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return textwrap.dedent(value.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)).strip("\n")


def _unwrapped(text: str) -> str:
    stripped = text.strip()
    if stripped.startswith("{"):
        try:
            data = from_json(stripped)
            if isinstance(data, dict) and isinstance(data.get("code"), str):
                return str(data["code"]).replace("\r\n", "\n").expandtabs(4)
        except ValueError:
            pass
    fence = FENCE.search(text)
    return fence[1] if fence else text


def _function(text: str, name: str, last: bool = False) -> str | None:
    heads = list(re.finditer(rf"^([ ]*)def[ ]+{re.escape(name)}[ ]*\(", text, re.M))
    if not heads:
        return None
    start = heads[-1] if last else heads[0]
    deep = len(start[1])
    lines = text[start.start() :].split("\n")
    kept = [lines[0]]
    for line in lines[1:]:
        if line.strip() and len(line) - len(line.lstrip(" ")) <= deep and not line.lstrip().startswith(")"):
            break
        kept.append(line)
    return textwrap.dedent("\n".join(kept)).rstrip() + "\n"
