"""The Persona Codex (interp/codex.py) by facet, what an Architect may say to the two, what is wrong with an answer."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ...interp.codex import page

FACETS = ("voice", "values", "constraints", "forbidden")


@dataclass(frozen=True)
class Persona:
    """One of the two; `facets` are the tables of its file, each with an `about` in words."""

    name: str
    essence: str
    facets: dict[str, dict[str, Any]]

    @property
    def forbidden(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern) for pattern in self.facets["forbidden"]["patterns"]]

    def told(self) -> str:
        """The persona in words, for a prompt."""
        lines = [f"{self.name}: {self.essence}"]
        return "\n".join([*lines, *(f"- {facet}: {self.facets[facet]['about']}" for facet in FACETS)])


@cache
def persona(name: str) -> Persona:
    """ROBIN or BRICK."""
    data = page(name.lower())
    return Persona(data["name"], data["essence"], {facet: data[facet] for facet in FACETS})


@cache
def situations() -> dict[str, Any]:
    """`situation`: the tables of what is said; `words`: what it may be about."""
    return tomllib.loads(resources.files(__package__).joinpath("situations.toml").read_text(encoding="utf-8"))


def codex_text() -> str:
    """Both, in words."""
    return persona("ROBIN").told() + "\n\n" + persona("BRICK").told()


def persona_problem(text: str) -> str:
    """What is wrong with an answer of the two, or "": order, reference, forbidden moves, steps."""
    match = re.fullmatch(r"\(ROBIN\): (.+?)\n\n\(BRICK\): (.+)", text.strip(), re.S)
    if match is None:
        return "it is not (ROBIN): ..., a blank line, (BRICK): ..."
    said = dict(zip(("ROBIN", "BRICK"), match.groups(), strict=True))
    for name, words in said.items():
        for pattern in persona(name).forbidden:
            found = pattern.search(words)
            if found:
                return f"{name} never says {found[0]!r}"
    if "ROBIN" not in said["BRICK"]:
        return "BRICK does not build on what ROBIN said"
    few, many = persona("ROBIN").facets["constraints"]["sentences"]
    count = len(re.findall(r"[.?!](?:\s|$)", said["ROBIN"]))
    if not few <= count <= many:
        return f"ROBIN has {count} sentences, not {few} to {many}"
    few, many = persona("BRICK").facets["constraints"]["steps"]
    count = len(re.findall(r"(?:^|\s)\d\. ", said["BRICK"]))
    if not few <= count <= many:
        return f"BRICK has {count} steps, not {few} to {many}"
    return ""
