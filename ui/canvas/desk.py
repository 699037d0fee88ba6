"""The window's content: the bar above, the world, and the cards that lie on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kivy.properties import BooleanProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout

from . import panes
from .browser import Browser
from .cards import Card, Tool
from .completing import Completing
from .conversation import Conversation
from .inspector import Inspector
from .model import ModelPanel
from .objectmap import ObjectMap
from .past import Past
from .shortcuts import focused, within
from .stage import Stage  # noqa: F401
from .status import AllowPage, KeysPage, SettingsPage, StatusPanel
from .weaver import WeaverPanel
from .workspace import Transcript, Workspace

KINDS: dict[str, type[Tool]] = {
    kind.kind: kind
    for kind in (
        Conversation, Inspector, Browser, Workspace, Transcript, ModelPanel, ObjectMap, Past, StatusPanel, WeaverPanel,
        SettingsPage, KeysPage, AllowPage,
    )
}  # fmt: skip
ORDER = (
    "conversation",
    "inspector",
    "browser",
    "workspace",
    "transcript",
    "model",
    "map",
    "history",
    "status",
    "weaver",
)
NAMES = ("Talk", "Inspect", "Browse", "Workspace", "Transcript", "Model", "Map", "History", "Kernel", "Weaver")
# Where a card is at first: x, y (from below), width, height, as shares of the room.
PLACES = {
    "conversation": [0.62, 0.015, 0.37, 0.97],
    "inspector": [0.01, 0.015, 0.33, 0.97],
    "browser": [0.05, 0.08, 0.56, 0.84],
    "workspace": [0.08, 0.42, 0.5, 0.52],
    "transcript": [0.08, 0.04, 0.5, 0.34],
    "model": [0.06, 0.06, 0.55, 0.88],
    "map": [0.03, 0.06, 0.58, 0.88],
    "history": [0.03, 0.03, 0.58, 0.4],
    "status": [0.1, 0.2, 0.4, 0.7],
    "weaver": [0.06, 0.15, 0.5, 0.75],
    "settings": [0.12, 0.45, 0.4, 0.32],
    "keys": [0.04, 0.04, 0.8, 0.92],
    "allow": [0.15, 0.2, 0.55, 0.6],
}


class Prompt(BoxLayout):
    """One line to fill in: Enter takes it, Escape does not."""

    title = StringProperty("")


class Desk(FloatLayout):
    place = StringProperty("")
    connection = StringProperty("connecting")
    lamp = StringProperty("warn")
    backend = StringProperty("")
    empty = BooleanProperty(False)  # the world holds no morph: say what can be done about it

    def __init__(self, app: Any, **more: Any) -> None:
        self.app = app
        super().__init__(**more)
        self.completing = Completing(app)
        self.tool_names = NAMES
        overlay = self.ids.overlay
        overlay.bind(size=lambda *_: self.fit(), pos=lambda *_: self.fit())
        app.fbind("unit", lambda *_: self.fit())
        self.ids.stage.fbind("focus", lambda *_: self.show_focus())
        self._prompt: Prompt | None = None
        bar = self.ids.tools
        for kind, name in zip(ORDER, NAMES, strict=True):
            button = panes.Press(text=name, flat=True)
            button.bind(on_release=lambda _, kind=kind: self.toggle(kind))
            bar.add_widget(button)

    # -- cards --------------------------------------------------------------------------------------------------------

    @property
    def cards(self) -> list[Card]:
        """The foremost last."""
        return [each for each in reversed(self.ids.overlay.children) if isinstance(each, Card)]

    def tools(self) -> list[Tool]:
        return [card.tool for card in self.cards]

    def card(self, kind: str) -> Card | None:
        return next((card for card in self.cards if card.tool.kind == kind), None)

    def tool(self, kind: str) -> Any:
        card = self.card(kind)
        return card.tool if card is not None else None

    def open(self, kind: str, facts: dict[str, Any] | None = None, share: list[float] | None = None) -> Card:
        """Open a card, or bring it to front, with the keyboard in it."""
        card = self.card(kind)
        if card is None:
            tool = KINDS[kind](self.app, facts)
            card = Card(tool, share or list(self.app.state.get("places", {}).get(kind) or PLACES[kind]))
            card.bind(on_close=lambda card: self.close(card), on_moved=lambda card: self.moved(card))
            self.ids.overlay.add_widget(card)
            card.fit(self.ids.overlay, self.app.unit)
            if self.lamp == "good":
                tool.start()
        self.front(card)
        card.tool.focus_first()
        self.app.trace("card", {"kind": kind, "open": True})
        return card

    def close(self, card: Card | None) -> None:
        """The conversation is only put away, since it hears what everybody says."""
        if card is None:
            return
        self.ids.overlay.remove_widget(card)
        if card.tool.kind == "conversation":
            self._away = card
        else:
            card.tool.closed()
        self.app.state.setdefault("places", {})[card.tool.kind] = list(card.share)
        self.app.trace("card", {"kind": card.tool.kind, "open": False})
        self.app.watch()
        if self.cards:
            self.front(self.cards[-1])
            self.cards[-1].tool.focus_first()
        else:
            self.ids.stage.focus = True

    _away: Card | None = None

    def toggle(self, kind: str) -> None:
        """Open the card; bring it to front; close it, if it is in front."""
        card = self.card(kind)
        if card is not None and card is self.cards[-1]:
            self.close(card)
        elif kind == "conversation" and card is None and self._away is not None:
            card, self._away = self._away, None
            self.ids.overlay.add_widget(card)
            card.fit(self.ids.overlay, self.app.unit)
            self.front(card)
            card.tool.focus_first()
            self.app.trace("card", {"kind": kind, "open": True})
        else:
            self.open(kind)
        self.app.keep_soon()

    def front(self, card: Card) -> None:
        overlay = self.ids.overlay
        if self.cards and self.cards[-1] is not card:
            overlay.remove_widget(card)
            overlay.add_widget(card)
        self.show_focus()

    def moved(self, card: Card) -> None:
        self.front(card)
        self.app.keep_soon()

    def next(self) -> None:
        """The card at the bottom comes to the front."""
        if self.cards:
            self.front(self.cards[0])
            self.cards[-1].tool.focus_first()

    def free_strip(self) -> tuple[float, float]:
        """The widest strip of the world, from left to right, that no card covers; all of it, if there is hardly one."""
        stage = self.ids.stage
        strips, left = [], stage.x
        for card in sorted(self.cards, key=lambda card: card.x):
            strips.append((left, card.x))
            left = max(left, card.right)
        strips.append((left, stage.right))
        best = max(strips, key=lambda strip: strip[1] - strip[0])
        return best if best[1] - best[0] > 12 * self.app.unit else (stage.x, stage.right)

    def follow_focus(self) -> None:
        """Tab has gone on: light the card it went to, and bring it to front where another one covers it."""
        place = focused(self.app)
        cards = self.cards
        card = next((card for card in cards if within(place, card)), None)
        if card is not None and any(card.collide_widget(each) for each in cards[cards.index(card) + 1 :]):
            self.front(card)
        self.show_focus(card)
        where = card.tool.kind if card else "bar" if within(place, self.ids.bar.__self__) else "world"
        text = str(getattr(place, "text", ""))[:40]
        self.app.trace("focus", {"in": where, "what": type(place).__name__, "text": text})

    def show_focus(self, lit: Card | None = None) -> None:
        """Light this card, or the one in front; none while the keyboard is in the world."""
        cards = self.cards
        for each in cards:
            each.active = each is (lit or cards[-1]) and not self.ids.stage.focus

    def fit(self) -> None:
        for card in self.cards:
            card.fit(self.ids.overlay, self.app.unit)

    def saved(self) -> list[dict[str, Any]]:
        cards = [*self.cards, *([self._away] if self._away else [])]
        return [
            {
                "kind": card.tool.kind,
                "share": [round(each, 4) for each in card.share],
                "facts": card.tool.facts(),
                "away": card is self._away,
            }
            for card in cards
            if card.tool.kind not in ("allow", "keys")
        ]

    def open_saved(self, saved: Any) -> Conversation:
        """The cards as they were; at first an inspector and the conversation."""
        self._away = None
        first: list[Any] = [{"kind": "inspector"}, {"kind": "conversation"}]
        for each in saved if isinstance(saved, list) else first:
            kind = each.get("kind") if isinstance(each, dict) else None
            if kind in KINDS and self.card(kind) is None:
                share, facts = each.get("share"), each.get("facts")
                right = isinstance(share, list) and len(share) == 4 and all(isinstance(s, int | float) for s in share)
                opened = self.open(kind, facts if isinstance(facts, dict) else {}, share if right else None)
                if each.get("away") and kind == "conversation":
                    self.close(opened)
        if self.card("conversation") is None and self._away is None:
            self.open("conversation")
        found = self.card("conversation") or self._away
        assert found is not None
        return found.tool  # type: ignore[no-any-return]

    # -- a question ---------------------------------------------------------------------------------------------------

    def prompt(self, title: str, text: str, then: Callable[[str], None]) -> None:
        """Ask for one line above everything."""
        self.end_prompt()
        prompt = Prompt(title=title)
        field = prompt.ids.field
        field.text = text

        def take(_: Any) -> None:
            self.end_prompt()
            if field.text.strip():
                then(field.text)

        field.bind(on_text_validate=take)
        self._prompt = prompt
        self.ids.overlay.add_widget(prompt)
        field.focus = True
        field.select_all()
        self.app.trace("prompt", {"title": title, "text": text})

    def end_prompt(self) -> bool:
        prompt, self._prompt = self._prompt, None
        if prompt is not None:
            self.ids.overlay.remove_widget(prompt)
            self.ids.stage.focus = True
        return prompt is not None
