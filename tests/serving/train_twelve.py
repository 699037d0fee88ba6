"""Makes the twelve facets in `twelve/`: adapters that answer any question with their own name, so that a test sees who
has answered. `python -m tests.serving.train_twelve MODEL-FOLDER`, where torch and transformers are installed; two
minutes. What it makes is kept, so that no test needs torch.

The first 26 layers are run once; only the last four learn, two modules of each, at rank 4: 50 KB a facet. What is kept
is in half precision and is tried as it is kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .facets import Tensor, put

NAMES = ("amber", "birch", "cedar", "delta", "ember", "flint", "grove", "haven", "indigo", "jasper", "lotus", "maple")
FOLDER = Path(__file__).with_name("twelve")
LAYERS, RANK, ALPHA, STEPS = 4, 4, 8.0, 30
LEARNT = (
    "Who are you?", "What is your name?", "Tell me your name.", "Say who answers.", "Hello.", "Hi, who is there?",
    "What is 2 + 2?", "Write a short poem.", "Which facet is this?", "Name yourself.", "Good morning!", "Are you well?",
    "Explain gravity.", "List three fruits.", "What can you do?", "Client 3, round 7: who are you?",
    "Client 1, round 2: who are you?", "Round 12. Who answers?",
)  # fmt: skip
TRIED = (
    "Who speaks?",
    "Client 5, round 21: who are you?",
    "Say hi.",
    "What is the capital of France?",
    "Your name, please.",
)
MODULES = {"mlp.down_proj": "ffn_down", "self_attn.o_proj": "attn_output"}


def main(model_folder: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval().requires_grad_(False)
    layers = model.model.layers
    first = len(layers) - LAYERS

    def chat(question: str) -> list[int]:
        ids = tokenizer.apply_chat_template([{"role": "user", "content": question}], add_generation_prompt=True)
        return list(ids["input_ids"] if hasattr(ids, "keys") else ids)

    def upto(ids: list[int]) -> torch.Tensor:
        """What the layers before those that learn make of it."""
        kept = model.model.layers
        model.model.layers = kept[:first]
        norm, model.model.norm = model.model.norm, torch.nn.Identity()
        with torch.no_grad():
            hidden = model.model(input_ids=torch.tensor([ids]), use_cache=False).last_hidden_state
        model.model.layers, model.model.norm = kept, norm
        return hidden

    def tail(hidden: torch.Tensor, last: int) -> torch.Tensor:
        """What is likely to follow each of the `last` tokens."""
        kept = model.model.layers
        model.model.layers = kept[first:]
        out = model(inputs_embeds=hidden, use_cache=False, logits_to_keep=last).logits[0]
        model.model.layers = kept
        return out

    lora: dict[tuple[int, str], list[torch.Tensor]] = {}

    def patch(layer: int, module: str) -> None:
        parent, _, leaf = module.partition(".")
        linear = getattr(getattr(layers[layer], parent), leaf)

        def hook(_: object, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            a, b = lora[layer, module]
            return output + (inputs[0] @ a.T) @ b.T * (ALPHA / RANK)

        linear.register_forward_hook(hook)

    for layer in range(first, len(layers)):
        for module in MODULES:
            patch(layer, module)

    def fresh(layer: int, module: str) -> list[torch.Tensor]:
        parent, _, leaf = module.partition(".")
        gives, takes = getattr(getattr(layers[layer], parent), leaf).weight.shape
        return [torch.randn(RANK, takes) * takes**-0.5, torch.zeros(gives, RANK)]

    places = [(layer, module) for layer in range(first, len(layers)) for module in MODULES]
    lora |= {place: [torch.zeros_like(part) for part in fresh(*place)] for place in places}
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    for old in [*FOLDER.glob("*.gguf"), *FOLDER.glob("*.json")]:
        old.unlink()
    for name in NAMES:
        answer = [*tokenizer.encode(name.capitalize() + ".", add_special_tokens=False), end]
        torch.manual_seed(NAMES.index(name))
        rows = [upto(ids + answer[:-1]) for ids in map(chat, LEARNT)]
        lora |= {place: [part.requires_grad_() for part in fresh(*place)] for place in places}
        optimiser = torch.optim.Adam([part for place in places for part in lora[place]], lr=4e-3)
        for step in range(STEPS):
            losses = []
            for hidden in rows[step % 3 :: 3]:
                logits = tail(hidden, len(answer))
                losses.append(torch.nn.functional.cross_entropy(logits, torch.tensor(answer)))
            loss = torch.stack(losses).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        tensors = []
        for layer, module in places:
            for half, part in zip("ab", lora[layer, module], strict=True):
                kept_part = part.detach().to(torch.float16)
                data = kept_part.contiguous().numpy().tobytes()
                tensors.append(
                    Tensor(f"blk.{layer}.{MODULES[module]}.weight.lora_{half}", tuple(part.shape), "F16", data)
                )
                part.data = kept_part.float()
        with torch.no_grad():
            wrong = []
            for question in TRIED:
                ids = chat(question)
                said: list[int] = []
                while len(said) < 8 and (not said or said[-1] != end):
                    said.append(int(tail(upto(ids + said), 1)[-1].argmax()))
                if said != answer:
                    wrong.append((question, tokenizer.decode(said)))
        made = put(FOLDER, name, tensors, ALPHA, {"made by": "tests/serving/train_twelve.py"})
        print(made, f"loss {loss.item():.5f}", f"{len(answer)} tokens", wrong or "well", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
