"""A row as the numbers a model learns from: the rendered text, its tokens, and which of them count.

Rendering is the JIT's own ChatML (`jit.chat`), so that what is trained on is what is asked. What counts is the last
assistant message, or those parts of it that `spans` names; everything else is read and not learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..jit.chat import ChatFormat
from ..jit.engine import Message

IGNORED = -100
"""What torch's cross-entropy leaves out."""
FOLDED = {"architect": "user", "uvm_jit": "assistant", "user": "user", "assistant": "assistant", "system": "system"}
END = "<|im_end|>\n"


class NothingToLearn(ValueError):
    """A row none of whose answers is left, after truncation or from the start."""


def fold(messages: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Messages in the roles that chat templates know; a content of explanation and code becomes one text.

    A template drops a role it does not know without a word, so none may get that far. Raises KeyError.
    """
    return [Message(FOLDED[m["role"]], content_text(m["content"])) for m in messages]  # type: ignore[arg-type]


def content_text(content: Any) -> str:
    """A `{explanation, code}` as the text a model writes: the words, then the code in a fence."""
    if isinstance(content, str):
        return content
    return f"{content['explanation']}\n```python\n{content['code'].rstrip()}\n```"


def render(row: Mapping[str, Any]) -> tuple[str, list[tuple[int, int]]]:
    """The whole text of a row, and the character ranges of it that are learnt: (begin, end)."""
    messages = fold(row["messages"])
    chat = ChatFormat()
    text = ""
    learnt: list[tuple[int, int]] = []
    for index, message in enumerate(messages):
        text += f"<|im_start|>{message.role}\n"
        content = chat.defuse(message.content)
        if message.role == "assistant":
            spans = row.get("spans") if index == len(messages) - 1 else None
            if spans and content == message.content:
                ends = [(a, b + len("<|im_end|>") if b == len(content) else b) for a, b in spans]
            else:
                ends = [(0, len(content) + len("<|im_end|>"))]
            learnt += [(len(text) + a, len(text) + b) for a, b in ends]
        text += content + END
    return text, learnt


def encode(row: Mapping[str, Any], tokenizer: Any, max_length: int) -> dict[str, list[int]]:
    """`input_ids` and `labels`, cut from the right. Raises NothingToLearn."""
    text, learnt = render(row)
    told = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = told["input_ids"][:max_length], told["offset_mapping"][:max_length]
    labels = [
        token if any(begin <= start < end for begin, end in learnt) else IGNORED
        for token, (start, _) in zip(ids, offsets, strict=True)
    ]
    if all(label == IGNORED for label in labels):
        raise NothingToLearn(f"row {row.get('id', '?')}: no token is left to learn from at {max_length} tokens")
    return {"input_ids": ids, "labels": labels}
