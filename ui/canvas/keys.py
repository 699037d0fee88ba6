"""Every key of the canvas, as the help page and docs/canvas.md show them."""

from __future__ import annotations

KEYS: list[tuple[str, list[tuple[str, str]]]] = [
    (
        "everywhere",
        [
            ("F1", "this page"),
            ("Ctrl-1 ... Ctrl-5", "conversation, inspector, browser, workspace, transcript"),
            ("Ctrl-6 ... Ctrl-9", "model, map, history, kernel"),
            ("F8, F9", "the Weaver, settings"),
            ("Ctrl-Tab, Ctrl-0", "the next card, the world"),
            ("Ctrl-W, Ctrl-Q", "close the card, the window"),
            ("Alt-arrows, Alt-Shift-arrows", "move, resize the card"),
            ("Tab, Shift-Tab", "the next field, list or button; the one before"),
            ("Ctrl-Z, Ctrl-Y", "undo, redo (in the image; in a text field, of the typing)"),
            ("Ctrl-C", "copy what is selected; else interrupt what runs"),
            ("Ctrl-plus, Ctrl-minus", "larger, smaller text"),
            ("Ctrl-T, Escape", "dark or light; back to the line"),
        ],
    ),
    (
        "the line, a workspace, an evaluator",
        [
            ("Enter", "send what is typed, if it is whole; else a new line"),
            ("Shift-Enter, Ctrl-Enter", "a new line; send anyway"),
            ("Up, Down at the edge", "what was sent before"),
            ("F5, F6, F7", "do it, print it, inspect it"),
            ("Ctrl-Space", "complete; arrows choose, Enter or Tab takes"),
            ("Ctrl-S", "in a slot's or method's text: accept"),
            ("Ctrl-L", "clear the conversation"),
        ],
    ),
    (
        "lists",
        [
            ("arrows, Home, End, Page keys", "choose"),
            ("Enter, Backspace", "walk into an object, go back"),
            ("F2", "edit the slot"),
            ("Ctrl-Home, Ctrl-R, Ctrl-F", "the genesis object, fetch again, find"),
        ],
    ),
    (
        "the world",
        [
            ("Tab, Shift-Tab", "the next morph, the one before: its halo"),
            ("arrows, Shift-arrows", "move it, resize it"),
            ("Enter or Space", "press it, type into it"),
            ("i e c f o p Delete", "inspect, edit, clone, bring to front, owner, change parent, delete"),
            ("arrows without a halo, Ctrl-arrows", "pan"),
            ("+ - 0 a", "zoom in, out, to 1; show all"),
            ("click, drag", "press, move"),
            ("right click, again", "the halo of the outermost morph there, of the one in it"),
            ("drag the ground, wheel, Ctrl-wheel", "pan, scroll, zoom"),
        ],
    ),
]
