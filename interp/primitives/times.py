"""Primitives of dates and times: the calendar, and the clock. Days and seconds count from 1 January 1901, in UTC."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING, Any

from ..flow import Fault
from . import primitive

if TYPE_CHECKING:
    from ..world import World

FIRST = date(1901, 1, 1).toordinal()
UNIX = date(1970, 1, 1).toordinal() - FIRST  # days from 1901 to the start of Unix time


@primitive("date.days")
def days(self: Any, year: Any, month: Any, day: Any) -> int:
    """Days from 1 January 1901 to a date; negative before. Years 1 to 9999."""
    if not type(year) is type(month) is type(day) is int:
        raise Fault("SystemExceptions.WrongClass", "year, month and day are Integers")
    try:
        return date(year, month, day).toordinal() - FIRST
    except (ValueError, OverflowError):
        raise Fault("SystemExceptions.InvalidArgument", f"there is no date {year}-{month:02}-{day:02}") from None


@primitive("date.civil", world=True)
def civil(world: World) -> Any:
    """An Array of year, month and day for a count of days."""

    def civil(self: Any, count: Any) -> Any:
        if type(count) is not int:
            raise Fault("SystemExceptions.WrongClass", "days are counted in Integers")
        try:
            there = date.fromordinal(count + FIRST)
        except (ValueError, OverflowError):
            raise Fault("SystemExceptions.InvalidArgument", "the calendar goes from year 1 to year 9999") from None
        return world.new_array([there.year, there.month, there.day])

    return civil


@primitive("clock.seconds")
def seconds(self: Any) -> int:
    """Whole seconds from 1901 to now."""
    return time.time_ns() // 1_000_000_000 + UNIX * 86_400


@primitive("clock.nanoseconds")
def nanoseconds(self: Any) -> int:
    """Nanoseconds of a clock that is never set: for measuring."""
    return time.perf_counter_ns()
