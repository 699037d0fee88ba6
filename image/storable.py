"""Which values survive a restart, and how to say it when one does not."""

from __future__ import annotations

import pickle
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import FunctionType
from typing import Any

from .errors import CannotPersist, ImageProblem
from .object import Body, StoredBlock
from .values import Character, ScaledDecimal, Symbol

VALUES = frozenset(
    (type(None), bool, int, float, complex, str, bytes, Fraction, Decimal, date, datetime, timedelta)
    + (Symbol, Character, ScaledDecimal, StoredBlock)
)
CONTAINERS = (tuple, list, dict, set, frozenset)


def obstacle(value: Any) -> str | None:
    """What in value could not be stored ("a socket"), or None when all of it can."""
    kind = type(value)
    if kind in VALUES or isinstance(value, Body):
        return None
    if kind is FunctionType:
        return None if "recipe_of" in value.__globals__ else f"the Python function {value.__qualname__}"
    if isinstance(value, CONTAINERS):
        inside = value.items() if isinstance(value, dict) else value
        for item in inside:
            found = obstacle(item)
            if found is not None:
                return found
        return None
    try:
        pickle.dumps(value)
    except Exception:
        name = kind.__name__
        return ("an " if name[:1].lower() in "aeiou" else "a ") + name
    return None


def explain_failure(failure: BaseException) -> ImageProblem | None:
    """The problem of the image behind an exception that came out of a commit or a load, if that is what it is."""
    if isinstance(failure, ImageProblem):
        return failure
    text = str(failure)
    if isinstance(failure, pickle.PicklingError | TypeError) and ("pickle" in text or "cannot persist" in text):
        return CannotPersist("an object", "?", "a value that cannot be written to disk", text)
    return None
