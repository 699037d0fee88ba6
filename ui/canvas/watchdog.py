"""A rule, or Python, of a morph that does not end is ended, so that the window lives.

Once a frame a clock of the process is wound up. When it runs down, and what runs just then is a text of the image, an
exception is raised there, and the morph becomes a box that says so. Anything else that takes long is let be: it is the
machine that is slow. The clock counts processor time, so that a busy machine ends nothing. It cannot end what Python
does in one step (adding up a list of a billion numbers): so `range` is bounded in rules.
"""

from __future__ import annotations

import signal
from types import FrameType

from kivy.lang import global_idmap

PATIENCE = 0.5  # seconds of processor time
LONGEST = 100_000  # numbers of one range
OURS = "morph-"  # how the file names of the image's texts begin (looks.py)


class Endless(BaseException):
    """It ran for too long. It is no Exception: Kivy would wrap it at each level of a rule that called itself."""


def start() -> None:
    """End what does not end, from now on; does nothing where the system has no such clock."""
    if hasattr(signal, "SIGVTALRM"):
        signal.signal(signal.SIGVTALRM, _ran_down)


def wind_up() -> None:
    """A frame begins."""
    if hasattr(signal, "setitimer"):
        # Again and again: on a full stack what is called when it runs down fails, too.
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE, PATIENCE / 10)


def stop() -> None:
    """The window is closed: Python takes its handlers away while it ends, and the clock would end the process."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _ran_down(number: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_filename.startswith(OURS):
            raise Endless("it does not end, or takes too long")
        frame = frame.f_back


def bounded_range(*bounds: int) -> range:
    """Python's, for rules."""
    found = range(*bounds)
    if len(found) > LONGEST:
        raise Endless(f"a range of more than {LONGEST:,} numbers")
    return found


global_idmap["range"] = bounded_range
