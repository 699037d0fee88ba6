"""What a run leaves for people: the loss as a picture, and a card that says what the adapter is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .config import TrainConfig

WIDTH, HEIGHT, EDGE = 640, 320, 48


def read_log(path: Path) -> list[dict[str, Any]]:
    """The log's lines; where a run was stopped and went on, the later word on a step counts."""
    steps: dict[int, dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                told = json.loads(line)
                steps[int(told["step"])] = told
            except (ValueError, KeyError, TypeError):
                continue  # a torn last line
    return [steps[n] for n in sorted(steps)]


def loss_curve(log: list[dict[str, Any]]) -> str:
    """The loss over the steps, as SVG."""
    losses = [float(told["loss"]) for told in log]
    steps = [int(told["step"]) for told in log]
    if not losses:
        return f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"></svg>\n'
    top, last = max(losses) * 1.05, max(steps)

    def place(step: float, loss: float) -> tuple[float, float]:
        return (
            EDGE + (WIDTH - 1.5 * EDGE) * step / last,
            HEIGHT - EDGE - (HEIGHT - 1.5 * EDGE) * loss / top,
        )

    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, steps, losses))
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
            'font-size="12">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = place(last * share, top * share)
        parts.append(f'<line x1="{EDGE}" y1="{y:.1f}" x2="{WIDTH - EDGE / 2}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{EDGE - 6}" y="{y + 4:.1f}" text-anchor="end">{top * share:.2f}</text>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - EDGE + 18}" text-anchor="middle">{last * share:.0f}</text>')
    parts.append(f'<polyline points="{points}" fill="none" stroke="#3f7fd6" stroke-width="2"/>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">step</text>')
    parts.append(f'<text x="{EDGE}" y="16">loss of the answers: {losses[0]:.3f} to {losses[-1]:.3f}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def model_card(name: str, config: TrainConfig, card: dict[str, Any], summary: dict[str, Any]) -> str:
    """A page about an adapter, from what is known of it; what is not known it says it does not know."""
    data = card.get("data") or {}
    lines = [
        f"# {name}", "",
        (f"A LoRA adapter (rank {config.lora.rank}, alpha {config.lora.alpha}) for `{config.base}`, "
        f"facet `{config.facet}`; prompts in the style `{config.prompt_style}`."), "",
        "| | |", "|---|---|",
        f"| base model file | `{card.get('base') or 'not known'}` |",
        f"| GGUF | `sha256:{card.get('sha256', '')}` |",
        *[f"| data `{file}` | `{digest}` |" for file, digest in data.items()],
        (f"| rows, tokens, of these learnt | {summary.get('rows', '?')}, {summary.get('tokens', '?')}, "
        f"{summary.get('learnt_tokens', '?')} |"),
        (f"| steps, seconds, mean loss | {summary.get('steps', '?')}, {summary.get('seconds', '?')}, "
        f"{summary.get('loss', '?')} |"),
        f"| seed | {config.seed} |", "",
        ("Trained with loss on the answers only, on rows that ran in a scratch image, none of them of JITBench's "
        "held-out half."), "",
        "## Use", "",
        f"    BATOS_ADAPTER=path/to/{name}.gguf batos            llama.cpp, with the card beside it",
        f"    vllm serve BASE --enable-lora --lora-modules {name}=path/to/{name}", "",
        "## Limits", "",
        ("It writes short methods of one object, in the prompt style named above, and knows little else. What it "
            "writes is right often and not always: the gates and the trial are there for the rest."), "",
    ]  # fmt: skip
    return "\n".join(lines)
