"""Kivy's list of values that rules of canvases wait to have computed, walked so that one that fails stops no other.

Kivy's own `Builder.sync` breaks the list where an expression raises: no rule of any widget is ever computed again, and
each frame raises anew. Here all of them have their turn; at the end the first error is raised, with the widgets whose
rules failed as its ``culprits``.
"""

from __future__ import annotations

from typing import Any

from kivy.lang import builder

from .watchdog import Endless


def sync() -> None:
    """What `Builder.sync` does."""
    problem: BaseException | None = None
    culprits: list[Any] = []
    item = builder._delayed_start
    while item is not None and item is not StopIteration:
        try:
            builder.call_fn(item[:-1], None, None)
        except ReferenceError:  # its widget has gone
            pass
        except (Exception, Endless) as error:
            problem = problem or error
            culprits.append(item[4].get("root"))
        done, item = item, item[-1]
        done[-1] = None
    builder._delayed_start = None
    if problem is not None:
        problem.culprits = culprits  # type: ignore[attr-defined]
        raise problem
