"""Keys that work wherever the focus is; keys.py lists them for people."""

from __future__ import annotations

from typing import Any

from kivy.clock import Clock
from kivy.core.window import Window
from kivy.uix.textinput import TextInput

NAMED = {282: "f1", 286: "f5", 287: "f6", 288: "f7", 289: "f8", 290: "f9", 278: "home", 27: "escape", 9: "tab"}
ARROWS = {273: (0, 1), 274: (0, -1), 275: (1, 0), 276: (-1, 0)}


def focused(app: Any) -> Any:
    """The widget that has the keyboard, if it is one of ours."""
    keyboards = getattr(Window, "_keyboards", {})
    for keyboard in keyboards.values():
        target = getattr(keyboard, "target", None)
        if target is not None:
            return target
    return None


def shortcut(app: Any, window: Any, key: int, scancode: int, text: str, modifiers: list[str]) -> bool:
    """Whether the key was a shortcut, and was done."""
    ctrl, shift = "ctrl" in modifiers, "shift" in modifiers
    name = NAMED.get(key) or (chr(key) if 32 <= key < 127 else "")
    desk = app.desk
    top = desk.cards[-1].tool if desk.cards else None
    if name == "tab" and not ctrl:
        Clock.schedule_once(lambda _: desk.follow_focus(), 0)  # when the field has taken it
        return False
    if name == "f1":
        desk.toggle("keys")
    elif name == "f8":
        desk.toggle("weaver")
    elif name == "f9":
        desk.toggle("settings")
    elif name in ("f5", "f6", "f7"):
        wish = {"f5": "do", "f6": "print", "f7": "inspect"}[name]
        place = focused(app)
        owner = top if top is not None and hasattr(top, "evaluate") and within(place, top) else app.conversation
        owner.evaluate(wish) if hasattr(owner, "evaluate") else owner.send_as(wish)
    elif name == "escape":
        if desk.end_prompt():
            pass
        elif within(focused(app), app.stage.board):
            app.stage.focus = True  # out of a morph's own text, with its halo still there
        elif app.stage.chosen and app.stage.focus:
            app.stage.choose(None)
        else:
            desk.open("conversation") if desk.card("conversation") else desk.toggle("conversation")
    elif "alt" in modifiers and key in ARROWS and desk.cards:
        dx, dy = ARROWS[key]
        desk.cards[-1].nudge(dx * app.unit * 2, dy * app.unit * 2, shift)
    elif not ctrl:
        return False
    elif name in ("+", "="):
        app.resize_text(1)
    elif name == "-":
        app.resize_text(-1)
    elif name == "t":
        app.switch_theme()
    elif name in ("z", "y"):
        if isinstance(focused(app), TextInput) and focused(app).text:
            return False  # the typing's own undo
        app.undo(redo=name == "y" or shift)
    elif name == "r":
        for tool in desk.tools():
            tool.start()
    elif name == "l":
        app.conversation.ids.output.clear()
    elif name == "f":
        searched = next((each for each in reversed(desk.tools()) if "filter" in each.ids), None)
        if searched is not None:
            searched.ids.filter.focus = True
    elif name == "q":
        app.stop()
    elif name == "w":
        desk.close(desk.cards[-1] if desk.cards else None)
    elif name == "tab":
        desk.next()
    elif name == "home":
        inspector = desk.tool("inspector")
        if inspector is not None:
            inspector.go_home()
    elif name == "0":
        app.stage.focus = True
    elif name.isdigit():
        from .desk import ORDER

        desk.toggle(ORDER[int(name) - 1])
    elif name == "c" and not getattr(focused(app), "selection_text", ""):
        app.interrupt()
    else:
        return False
    return True


def within(widget: Any, owner: Any) -> bool:
    """Is it the owner, or somewhere in it?"""
    while widget is not None and widget is not owner and widget.parent is not widget:
        widget = widget.parent
    return widget is owner
