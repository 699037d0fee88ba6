"""The workspace, a page of messages to try; and the transcript, what they wrote."""

from __future__ import annotations

from typing import Any

from .cards import Tool

WELCOME = '"Messages to try: the line of the cursor,\nor what is selected."\n'


class Workspace(Tool):
    kind = "workspace"

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(app, facts, **more)
        self.title = f"Workspace  {app.workspace}"
        source = self.ids.source
        source.keys = lambda key, modifiers: bool(app.completing.key(key, source))
        source.bind(on_complete=lambda _, position: app.complete(source, position, app.workspace))

    def take(self, facts: dict[str, Any]) -> None:
        text = facts.get("text")
        self.ids.source.text = text if isinstance(text, str) else WELCOME

    def facts(self) -> dict[str, Any]:
        return {"text": self.ids.source.text[:100_000]}

    def focus_first(self) -> None:
        self.ids.source.focus = True

    def evaluate(self, wish: str) -> None:
        source = self.ids.source.wanted
        if source.strip():
            self.app.spawn(self._evaluate(source, wish))

    async def _evaluate(self, source: str, wish: str) -> None:
        outcome = await self.app.run(source, self.app.workspace)
        if outcome is None:
            return
        if wish == "inspect":
            if outcome.handle:
                self.app.inspect(outcome.handle, (outcome.printed or "").split("\n")[0][:80])
                return
            wish = "print"
        if wish == "print":
            self._insert(f"  {outcome.printed}")
        self.app.trace("worked", {"text": outcome.printed, "wish": wish})

    def _insert(self, text: str) -> None:
        """The answer behind what was asked, selected, so that the next key writes over it."""
        editor = self.ids.source
        lines = editor.text.split("\n")
        if editor.selection_text:
            end = max(editor.selection_from, editor.selection_to)
        else:
            end = sum(len(line) + 1 for line in lines[: editor.cursor_row + 1]) - 1
        editor.text = editor.text[:end] + text + editor.text[end:]
        editor.cursor = editor.get_cursor_from_index(end + len(text))
        editor.select_text(end, end + len(text))


class Transcript(Tool):
    kind = "transcript"

    def __init__(self, app: Any, facts: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(app, facts, **more)
        self.title = "Transcript"
        for text in app.transcript:
            self.ids.pages.add(text.rstrip("\n"))

    def write(self, text: str) -> None:
        self.ids.pages.add(text.rstrip("\n"))
