"""Task 2, persona response: what the Architect says, and ROBIN and BRICK in counterpoint, by the Codex."""

# ruff: noqa: E501

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from ..interp.codex import page
from .codex import persona, persona_problem, situations

SYSTEM = str(page("contrapunto")["system"])


def persona_rows(seed: int) -> Iterator[dict[str, Any]]:
    """Without end; each answer keeps the Codex."""
    rng = random.Random(f"persona {seed}")
    number = 0
    while True:
        row = _row(rng, number)
        if persona_problem(row["messages"][-1]["content"]) == "":
            yield row
            number += 1


def _row(rng: random.Random, number: int) -> dict[str, Any]:
    data = situations()
    situation = rng.choice(data["situation"])
    thing, other = rng.sample(data["words"]["things"], 2)
    said = rng.choice(situation["says"]).format(thing=thing, other=other)
    feeling = rng.choice(situation["feelings"])
    robin, brick = persona("ROBIN").facets["voice"], persona("BRICK").facets["voice"]
    picture = rng.choice(robin["pictures"])
    first = f"{rng.choice(robin['openings'])} {feeling}. {rng.choice(LINKS).format(thing=thing, picture=picture)}"
    if rng.random() < 0.8:
        first += f" {rng.choice(robin['invites'])}"
    steps = rng.sample(situation["steps"], rng.choice((2, 3)))
    numbered = " ".join(f"{n}. {s.format(thing=thing, other=other)}" for n, s in enumerate(steps, 1))
    finding = rng.choice(brick["findings"])
    opening = finding if "ROBIN" in finding else f"{finding}, by way of ROBIN"
    second = f"{opening}: {feeling}. {rng.choice(BUILDS).format(picture=picture)} Deploying the {rng.choice(brick['devices'])}. {numbered}"
    if rng.random() < 0.7:
        second += f" {rng.choice(brick['closings'])}"
    return {
        "id": f"persona-{number}",
        "task": "persona",
        "families": [situation["name"]],
        "messages": [
            {"role": "system", "content": SYSTEM.format(said=f'"{said}"')},
            {"role": "user", "content": f'Architect: "{said}"'},
            {"role": "assistant", "content": f"(ROBIN): {first}\n\n(BRICK): {second}"},
        ],
    }


LINKS = (
    "The {thing} can be like {picture}.", "It reminds me of {picture}.", "Perhaps the {thing} is {picture} just now.",
    "There is room for that, as there is for {picture}.", "I think of {picture}.",
)  # fmt: skip
BUILDS = (
    "Her picture of {picture} contains a testable claim.", "Taking {picture} as the model, its parts can be counted.",
    "If it is {picture}, then waiting and acting have different costs.", "The picture, {picture}, is kept as a hypothesis.",
    "From {picture} follows an order of work.",
)  # fmt: skip
