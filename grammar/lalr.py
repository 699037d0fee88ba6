"""Lark's LALR driver with its inner loop unrolled, for the many methods that an image is made of.

Tables, lexer interface, callbacks and errors are Lark's. What is gained, a third of the time: rules are looked up once
per table entry and not once per reduction, and a rule that only passes a value on (``?primary: block``) is a change of
state.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lark.exceptions import UnexpectedInput, UnexpectedToken
from lark.lexer import Token as LarkToken
from lark.parse_tree_builder import ExpandSingleChild
from lark.parsers.lalr_analysis import IntParseTable, Shift
from lark.parsers.lalr_interactive_parser import InteractiveParser
from lark.parsers.lalr_parser import LALR_Parser, _Parser

#: A state to go to, or for a reduction (how many values, what makes one of them (None: it is passed on), rule name).
Action = int | tuple[int, Any, str]


class MessageParser(LALR_Parser):
    """Takes the place of lark's LALR_Parser (by Lark's ``_plugins``)."""

    def __init__(self, parser_conf: Any, debug: bool = False, strict: bool = False) -> None:
        super().__init__(parser_conf, debug=debug, strict=strict)
        self.parser = _Driver(self._parse_table, parser_conf.callbacks)

    @classmethod
    def deserialize(  # type: ignore[override]
        cls, data: Any, memo: Any, callbacks: Any, debug: bool = False
    ) -> MessageParser:
        made = cls.__new__(cls)
        made._parse_table = IntParseTable.deserialize(data, memo)
        made.parser = _Driver(made._parse_table, callbacks)
        return made


def _with_end(state: Any) -> Iterator[Any]:
    """The tokens of a text, and then its end."""
    token = None
    for token in state.lexer.lex(state):
        yield token
    yield LarkToken.new_borrow_pos("$END", "", token) if token else LarkToken("$END", "", 0, 1, 1)


class _Driver(_Parser):
    def __init__(self, parse_table: Any, callbacks: Any) -> None:
        super().__init__(parse_table, callbacks)
        self.rows: dict[int, dict[str, Action]] = {}

    def row(self, state: int) -> dict[str, Action]:
        """What to do in a state, by the terminal or rule that comes; worked out when the state is first reached."""
        made: dict[str, Action] = {}
        for name, (action, argument) in self.parse_table.states[state].items():
            if action is Shift:
                made[name] = argument
            else:
                size, callback = len(argument.expansion), self.callbacks[argument]
                passes_on = size == 1 and isinstance(callback, ExpandSingleChild)
                made[name] = (size, None if passes_on else callback, argument.origin.name)
        self.rows[state] = made
        return made

    def parse_from_state(self, state: Any, last_token: Any = None) -> Any:
        states, values, rows = state.state_stack, state.value_stack, self.rows
        end_state = state.parse_conf.end_state
        try:
            for token in _with_end(state):
                kind = token.type
                while True:
                    at = states[-1]
                    action = (rows.get(at) or self.row(at)).get(kind)
                    if action.__class__ is int:
                        states.append(action)
                        values.append(token)
                        break
                    if action is None:
                        if at == end_state:  # only the end itself leads here
                            return values[-1]
                        raise UnexpectedToken(token, set(rows[at]), state=state)
                    size, make, name = action  # type: ignore[misc]
                    if make is None:
                        states.pop()
                    elif size:
                        made = make(values[-size:])
                        del values[-size:], states[-size:]
                        values.append(made)
                    else:
                        values.append(make([]))
                    at = states[-1]
                    states.append((rows.get(at) or self.row(at))[name])
        except UnexpectedInput as error:
            error.interactive_parser = InteractiveParser(self, state, state.lexer)
            raise
