"""Which values survive a restart, and how to say it when one does not."""

from __future__ import annotations

import pickle
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import FunctionType
from typing import Any

from transaction.interfaces import TransientError
from ZODB.POSException import ReadOnlyError, StorageError

from .errors import CannotPersist, ImageForbidden, ImageProblem, ImageUnreachable
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


def unreachable(failure: BaseException) -> bool:
    """Does this say that the server which stores the image went away?"""
    # The driver's errors by name: nobody imports a database's driver to ask.
    return isinstance(failure, StorageError | TransientError) or (
        type(failure).__module__.startswith("psycopg2")
        and any(kind.__name__ in ("OperationalError", "InterfaceError") for kind in type(failure).__mro__)
    )


def explain_failure(failure: BaseException) -> ImageProblem | None:
    """The problem of the image behind an exception that came out of a commit or a load, if that is what it is."""
    if isinstance(failure, ImageProblem):
        return failure
    text = str(failure)
    if isinstance(failure, ReadOnlyError):
        return ImageForbidden("the image was opened only to be read; nothing was changed")
    if unreachable(failure):
        return ImageUnreachable(f"the storage server does not answer ({text.strip() or type(failure).__name__})")
    if isinstance(failure, pickle.PicklingError | TypeError) and ("pickle" in text or "cannot persist" in text):
        return CannotPersist("an object", "?", "a value that cannot be written to disk", text)
    return None
