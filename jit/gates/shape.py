"""Gate 1: the text is one plain Python function, with the name and the parameters the miss asks for."""

from __future__ import annotations

import ast

from ...grammar.python_text import parse_python
from ..allowlist import MAX_DEPTH, MAX_NODES, MAX_SOURCE
from .verdict import Candidate, Refused


def check_shape(candidate: Candidate) -> ast.FunctionDef:
    """The function's tree. Raises Refused.

    Sizes come first: every later gate walks the tree recursively, and so does Python's compiler.
    """
    source = candidate.source
    if len(source) > MAX_SOURCE:
        raise Refused(f"the method has {len(source)} characters; at most {MAX_SOURCE} are allowed")
    strange = next((c for c in source if not c.isprintable() and c not in "\n\t"), None)
    if strange is not None:  # what a person reads must be what Python reads: no control or direction characters
        raise Refused(f"the character U+{ord(strange):04X} is not allowed")
    try:
        tree = parse_python(source, "<candidate>")
    except SyntaxError as problem:
        raise Refused(f"not Python: {problem.msg}", problem.lineno or 0) from None
    except (ValueError, MemoryError, RecursionError, OverflowError) as problem:
        raise Refused(f"not Python: {type(problem).__name__}: {str(problem)[:200]}") from None
    _check_size(tree)
    if len(tree.body) != 1:
        raise Refused(f"one function is wanted and nothing beside it, not {len(tree.body)} statements")
    function = tree.body[0]
    if type(function) is not ast.FunctionDef:
        raise Refused(f"one function is wanted, not {type(function).__name__}")
    _check_head(function, candidate)
    _check_body(function)
    return function


def _check_size(tree: ast.AST) -> None:
    level, count, nodes = 0, 0, [tree]
    while nodes:
        count += len(nodes)
        level += 1
        if level > MAX_DEPTH or count > MAX_NODES:
            raise Refused(f"too big: at most {MAX_NODES} pieces of syntax, nested at most {MAX_DEPTH} deep")
        nodes = [child for node in nodes for child in ast.iter_child_nodes(node)]


def _check_head(function: ast.FunctionDef, candidate: Candidate) -> None:
    if function.name != candidate.name:
        raise Refused(f"the function must be called {candidate.name}, not {function.name}", function.lineno)
    if function.decorator_list:
        raise Refused("decorators are not allowed", function.lineno)
    if function.returns or function.type_comment or getattr(function, "type_params", None):
        raise Refused("annotations are not allowed", function.lineno)
    arguments = function.args
    if arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or arguments.kwarg:
        raise Refused("only plain parameters are allowed: no /, no *, no **", function.lineno)
    if arguments.defaults or arguments.kw_defaults:
        raise Refused("default values are not allowed", function.lineno)
    if any(a.annotation for a in arguments.args):
        raise Refused("annotations are not allowed", function.lineno)
    names = tuple(a.arg for a in arguments.args)
    wanted = ("self", *candidate.parameters)
    if names[:1] != ("self",) or len(names) != len(wanted):
        raise Refused(f"the parameters must be ({', '.join(wanted)}), not ({', '.join(names)})", function.lineno)


def _check_body(function: ast.FunctionDef) -> None:
    told = [s for s in function.body if not isinstance(s, ast.Pass) and not _is_text(s)]
    if not told:
        raise Refused("the method does nothing", function.lineno)


def _is_text(statement: ast.stmt) -> bool:
    """A docstring, or the `...` that stands for a body still to be written."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
