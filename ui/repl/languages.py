"""Which Pygments lexer a source wants: the grammar's own, or Python's for a body written in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer


def lexer_for(source: str) -> Lexer:
    if source.lstrip().startswith(("def ", "async def ", "@", "import ", "from ")):
        from pygments.lexers.python import PythonLexer

        return PythonLexer()
    from ...grammar.highlight import MessageLexer

    return MessageLexer()
