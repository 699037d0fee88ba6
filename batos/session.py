"""Where a program's messages go: to a worker of our own, or to the kernel that holds the image.

Both answer with the same views, so that ``batos eval`` and ``batos run`` look the same either way.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class View:
    """One statement's outcome as shown: ``error`` is the whole report as text, ``code`` its stable code."""

    statement: str
    printed: str | None
    transcript: str
    error: str = ""
    code: str = ""
    defines: bool = False
    advice: str = ""  # as in interp.Report


Show = Callable[[View], None]


class Session(ABC):
    """A place for messages to go to. Close it, or use it in ``with``."""

    policy: Any

    def evaluate(
        self,
        source: str,
        show: Show,
        *,
        origin: str,
        workspace: str,
        atomic: bool,
        stop: bool = False,
        syntax: Any = "auto",
        echo: bool = True,
    ) -> bool:
        """Run source, showing each outcome; True when all went well."""
        return self._run(
            source,
            show,
            origin=origin,
            workspace=workspace,
            policy=self.policy,
            atomic=atomic,
            stop_on_error=stop,
            syntax=syntax,
            echo=echo,
        )

    @abstractmethod
    def _run(self, source: str, show: Show, **options: Any) -> bool: ...

    @abstractmethod
    def interrupt(self) -> None:
        """From any thread: end the message that runs."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Embedded(Session):
    """Messages run in this process, on an image that nobody else holds."""

    def __init__(self, location: str, policy: str) -> None:
        from .image import open_image
        from .interp import Worker

        self._handler: Any
        if policy != "off":
            from .jit import miss_handler

            self._handler = miss_handler(location, policy=policy)
        else:
            from .jit.later import Later

            self._handler = Later(location)
        self.image = open_image(location)
        for note in self.image.notes:
            print(f"batos: {note}", file=sys.stderr)
        try:
            self.worker = Worker(self.image, name="embedded", misses=self._handler if policy != "off" else None)
            self.worker.outside = self._handler
        except BaseException:
            self.image.close()
            raise
        self.policy = policy

    def close(self) -> None:
        self._handler.close()
        self.worker.close()
        self.image.close()

    def _run(self, source: str, show: Show, **options: Any) -> bool:
        well = True

        def tell(outcome: Any) -> None:
            nonlocal well
            well = well and outcome.error is None and not outcome.quit and not outcome.failures
            error = outcome.error
            show(
                View(
                    outcome.statement,
                    outcome.printed,
                    outcome.transcript,
                    error.render() if error is not None else "",
                    error.code if error is not None else "",
                    outcome.defines,
                    error.advice if error is not None else "",
                )
            )

        approve = _approve if self.policy == "ask" else None
        self.worker.evaluate(source, approve=approve, on_outcome=tell, **options)
        return well

    def interrupt(self) -> None:
        if not self.worker.interrupt():
            self._handler.cancel()  # no message runs: a model may be thinking about one


class Remote(Session):
    """Messages go to the kernel that serves the image."""

    def __init__(self, endpoint: str, policy: str) -> None:
        from .bridge.client import Client

        self.client = Client(endpoint, name="batos")
        try:
            self.client.connect()
        except BaseException:
            self.client.close()
            raise
        self.policy = policy

    def close(self) -> None:
        self.client.close()

    def _run(self, source: str, show: Show, **options: Any) -> bool:
        from .bridge.covenant import Approval, Outcome

        well = True

        def tell(event: Any) -> None:
            nonlocal well
            if isinstance(event, Approval):
                decision = _approve(event)
                self.client.answer(event.approval, decision.verdict, decision.code, decision.hint)
            elif isinstance(event, Outcome):
                well = well and event.error is None
                error = event.error
                show(
                    View(
                        event.statement,
                        event.printed,
                        event.transcript,
                        error.text or error.message if error is not None else "",
                        error.code if error is not None else "",
                        event.printed is None and error is None,
                        error.advice if error is not None else "",
                    )
                )

        done = self.client.evaluate(source, on_event=tell, **options)  # type: ignore[arg-type]
        for outcome in done.outcomes:
            tell(outcome)
        return well and not done.failed

    def interrupt(self) -> None:
        self.client.interrupt_from_afar()


def _approve(proposal: Any) -> Any:
    from .approval import ask

    return ask(proposal)


def open_session(location: str, policy: str, at: str | None = None) -> Session:
    """The kernel's session when a kernel holds the image, or answers `at` an endpoint; else one of our own. ImageLocked
    if something else holds the image."""
    if at is not None:
        return Remote(at, policy)
    from .front import serving

    found = serving(location)
    return Remote(found, policy) if found else Embedded(location, policy)
