"""Messages to the one string a model reads, without losing any of them and without letting data speak as a role.

A chat template may drop a message whose role it does not know, without a word, and a slot that holds the text
`<|im_end|>` would end the turn it is quoted in. So: every content must be found again in what the template made, or
plain ChatML is used; and a control token inside a content is broken up by a space first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from .engine import Message

if TYPE_CHECKING:
    import llama_cpp

Template = Callable[[list[dict[str, str]]], str]


def chatml(messages: list[dict[str, str]]) -> str:
    """The format of OpenAI's ChatML, which SmolLM2 and many others were trained on."""
    turns = [f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages]
    return "".join(turns) + "<|im_start|>assistant\n"


class ChatFormat:
    """How one model wants its messages."""

    def __init__(self, template: Template = chatml, control: Iterable[str] = ("<|im_start|>", "<|im_end|>")) -> None:
        self._template = template
        self._control = sorted((c for c in control if len(c) > 1), key=len, reverse=True)
        self.stops = tuple(c for c in self._control if "end" in c or "eot" in c)

    @classmethod
    def of_llama(cls, llama: llama_cpp.Llama) -> ChatFormat:
        """The format that the GGUF itself carries, ChatML where it carries none."""
        import llama_cpp
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        vocab = llama._model.vocab
        control = [
            llama_cpp.llama_vocab_get_text(vocab, token).decode("utf-8", "replace")
            for token in range(llama.n_vocab())
            if llama_cpp.llama_vocab_is_control(vocab, token)
        ]
        source = llama.metadata.get("tokenizer.chat_template")
        if not source:
            return cls(control=control or ("<|im_start|>", "<|im_end|>"))
        formatter = Jinja2ChatFormatter(
            template=source,
            eos_token=llama._model.token_get_text(llama.token_eos()),
            bos_token=llama._model.token_get_text(llama.token_bos()),
        )
        return cls(lambda messages: formatter(messages=messages).prompt, control)  # type: ignore[arg-type]

    def render(self, messages: Sequence[Message], prefill: str = "") -> str:
        """The whole prompt, ending where the model goes on writing."""
        turns = [{"role": m.role, "content": self.defuse(m.content)} for m in messages]
        try:
            text = self._template(turns)
        except Exception:  # a template is data of unknown origin: any failure means it does not fit these messages
            text = ""
        if not all(turn["content"].strip() in text for turn in turns):
            text = chatml(turns)
        return text + self.defuse(prefill)

    def defuse(self, content: str) -> str:
        for token in self._control:
            content = content.replace(token, token[0] + " " + token[1:])
        return content
