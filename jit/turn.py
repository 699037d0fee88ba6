"""The code of one turn of a conversation, run: Python, the body of a method of the workspace, in one transaction.

So `self.savings = Account.clone()` makes a variable that later turns and the REPL see as `savings`; a capitalised name
is the world's, and `Smalltalk.at_put_('Account', Object.clone())` makes one; `Account.compile_('deposit: n [ ... ]')`
gives an object a method, which is the model's as if it had answered a miss. Nothing is written to a file.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..interp import Budget
from ..interp.awakening import workspace_named
from ..interp.python_method import compile_python
from ..interp.stack import Source

if TYPE_CHECKING:
    from ..interp import Outcome, Worker, World

NAME = "answer"


def turn_source(code: str) -> str:
    """The function that the code of a turn becomes."""
    return f"def {NAME}(self):\n" + textwrap.indent(textwrap.dedent(code).strip("\n"), "    ") + "\n"


def perform(
    worker: Worker,
    code: str,
    author: str,
    workspace: str,
    budget: Budget | None = None,
    also: Callable[[World], Any] | None = None,
) -> Outcome:
    """Run the code and commit; what came of it. A failure leaves no change behind. `also` is done in the same
    transaction."""

    def act(world: World) -> Any:
        world.author = author
        world.workspace = workspace
        target = workspace_named(world, workspace)
        source = turn_source(code)
        filename = f"<conversation {hashlib.blake2b(source.encode(), digest_size=6).hexdigest()}>"
        world.sources.setdefault(filename, Source("the conversation", source, "<conversation>"))
        value = compile_python(world, source, NAME, filename, target, trusted=not author.startswith("model:"))(target)
        if also is not None:
            also(world)
        return value

    return worker.trial(act, budget, keep=True)
