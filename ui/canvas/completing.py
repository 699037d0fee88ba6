"""The list of completions at the cursor: arrows choose, Enter or Tab takes, Escape closes."""

from __future__ import annotations

from typing import Any

from ...bridge.covenant import Complete, Completions
from .rows import Cell, RowList

MOST_ROWS = 9


class Completing(RowList):
    """Hangs below the place where the completed word begins, while there is something to choose."""

    def __init__(self, app: Any, **more: Any) -> None:
        self.app = app
        super().__init__(size_hint=(None, None), is_focusable=False, split=0.5, **more)
        self.target: Any = None
        self.start = 0

    async def ask(self, editor: Any, position: int, workspace: str) -> None:
        text = editor.text
        reply = await self.app.look.ask(Complete(source=text, position=position, workspace=workspace, limit=200))
        if not isinstance(reply, Completions):
            self.app.refused(reply)
            return
        self.app.trace("completions", {"names": [item.text for item in reply.items[:50]]})
        if editor.text != text or not reply.items:
            return
        if len(reply.items) == 1:
            editor.replace(reply.start, reply.items[0].text)
            return
        self.target, self.start = editor, reply.start
        self.show([Cell(item.text, f"{item.what}  {item.hint}".strip(), "method") for item in reply.items], keep=False)
        self.at = 0
        unit = self.app.unit
        self.size = unit * 32, self.row_height * min(len(reply.items), MOST_ROWS) + 6
        x, y = editor.to_window(*editor.cursor_pos)
        below = y - editor.line_height - self.height
        room = self.app.room
        self.pos = (
            min(max(x - unit, room.x + 4), max(room.right - self.width - 4, room.x + 4)),
            below if below > room.y else y + 6,
        )
        if self.parent is None:
            self.app.overlay.add_widget(self)

    def key(self, key: str, editor: Any) -> bool:
        """A key typed in an editor; whether it was for this list."""
        if self.parent is None or editor is not self.target:
            return False
        if key in ("up", "down"):
            self.at = (int(self.at) + (1 if key == "down" else -1)) % len(self.source)
            self.reveal(int(self.at))
            return True
        if key in ("enter", "numpadenter", "tab"):
            row = self.chosen
            self.close()
            if row is not None:
                editor.replace(self.start, row.name)
            return True
        self.close()
        return key == "escape"

    def close(self) -> None:
        if self.parent is not None:
            self.parent.remove_widget(self)
        self.target = None if self.parent is None else self.target

    def on_touch_down(self, touch: Any) -> bool:
        if not self.collide_point(*touch.pos):
            self.close()
            return False
        editor = self.target
        super().on_touch_down(touch)
        row = self.chosen
        if getattr(touch, "button", "left") == "left" and row is not None and editor is not None:
            self.close()
            editor.replace(self.start, row.name)
            editor.focus = True
        return True
