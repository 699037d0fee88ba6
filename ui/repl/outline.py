"""Data that has no form of its own, as lines for a person."""

from __future__ import annotations

import json
from typing import Any

from .screen import visible


def summary(row: Any) -> str:
    """A map as one line: what it tells of itself, or its values with the names of those that need one."""
    if not isinstance(row, dict):
        return visible(compact(row))
    if "told" in row:
        return visible("  ".join(str(row[key]) for key in ("transaction", "told", "user") if row.get(key)))
    words = [str(row[key]) for key in PLAIN if row.get(key)]
    words += [f"{key} {compact(value)}" for key, value in row.items() if key not in PLAIN and value not in (None, "")]
    return visible("  ".join(words).replace("\n", " "))


PLAIN = ("id", "name", "when", "who", "what", "note")  # values that say themselves what they are


def compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def outline(data: Any, indent: str = "") -> list[str]:
    """Nested data as indented lines."""
    lines: list[str] = []
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, dict | list) and value:
                lines += [f"{indent}{visible(str(key))}:", *outline(value, indent + "  ")]
            else:
                lines.append(f"{indent}{visible(str(key))}: {visible(compact(value))}")
    elif isinstance(data, list):
        for value in data:
            flat = isinstance(value, dict) and not any(isinstance(v, dict | list) for v in value.values())
            lines += [indent + summary(value)] if flat or not isinstance(value, dict | list) else outline(value, indent)
    else:
        lines.append(indent + visible(compact(data)))
    return lines
