"""What a method written by a model may consist of, as data.

Everything not named here is refused. The shape of these lists comes from what got people out of RestrictedPython and
its like: generator and traceback frames (CVE-2023-37271), `str.format` and `format_map` (CVE-2023-41039), type
confusion in `except*` (CVE-2025-22153), modules that lead to other modules (CVE-2024-47532), attributes reached by
patterns, decorators or defaults that no check of `ast.Attribute` sees. So there is an allow-list for syntax, names,
modules and attributes alike, and no attribute is allowed for being harmless on the object somebody had in mind.
"""

from __future__ import annotations

import ast
from typing import Final

MAX_SOURCE: Final = 8_000
"""Characters of one method."""
MAX_DEPTH: Final = 30
"""Nesting of the syntax tree; Python's own compiler may crash a long way above this."""
MAX_NODES: Final = 2_000

SYNTAX: Final[frozenset[type[ast.AST]]] = frozenset(
    {
        # the method and its statements
        *(ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AugAssign, ast.Expr, ast.Pass),
        *(ast.If, ast.For, ast.While, ast.Break, ast.Continue, ast.Raise, ast.Try, ast.ExceptHandler, ast.Assert),
        *(ast.Import, ast.ImportFrom, ast.alias),
        # expressions
        *(ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Constant, ast.Call, ast.keyword, ast.IfExp),
        *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.List, ast.Tuple, ast.Dict, ast.Set),
        *(ast.ListComp, ast.SetComp, ast.DictComp, ast.comprehension, ast.Lambda, ast.JoinedStr, ast.FormattedValue),
        # contexts and operators
        *(ast.Load, ast.Store, ast.And, ast.Or, ast.Not, ast.UAdd, ast.USub),
        *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
        *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot, ast.In, ast.NotIn),
    }
)

SYNTAX_WORDS: Final[dict[str, str]] = {
    "AsyncFunctionDef": "async functions", "ClassDef": "classes", "Delete": "del", "AsyncFor": "async for",
    "With": "with", "AsyncWith": "async with", "Match": "match", "TryStar": "except*", "Global": "global",
    "Nonlocal": "nonlocal", "NamedExpr": "the walrus", "GeneratorExp": "generator expressions (use a list)",
    "Await": "await", "Yield": "yield", "YieldFrom": "yield from", "Starred": "* unpacking",
    "AnnAssign": "annotations", "BitOr": "|", "BitAnd": "&", "BitXor": "^", "LShift": "<<", "RShift": ">>",
    "MatMult": "@", "Invert": "~", "TypeAlias": "type aliases", "Interactive": "statements", "Del": "del",
    "TemplateStr": "template strings", "Interpolation": "template strings",
}  # fmt: skip
"""How a refused piece of syntax is called when a person or a model is told of it."""

BUILTINS: Final[frozenset[str]] = frozenset(
    "abs all any bool divmod enumerate filter float int isinstance len list map max min range reversed round set"
    " sorted str sum tuple dict zip".split()
)
"""Functions of Python a body may call. No getattr, type, vars, open, eval, format, print, iter, next, super."""

EXCEPTIONS: Final[frozenset[str]] = frozenset(
    "ArithmeticError AssertionError IndexError KeyError LookupError OverflowError TypeError ValueError"
    " ZeroDivisionError".split()
)
"""What a body may raise and catch. Not Exception or wider: an interrupt or a spent budget must get through."""

KEYWORDS: Final[frozenset[str]] = frozenset({"key", "reverse", "default", "start", "strict"})
"""Keyword arguments of the functions above; a send has none."""

MODULES: Final[dict[str, frozenset[str]]] = {
    "math": frozenset(
        "acos asin atan atan2 ceil comb copysign cos degrees dist e exp fabs floor fmod fsum gcd hypot inf isclose"
        " isfinite isinf isnan isqrt lcm log log10 log2 modf nan pi pow prod radians sin sqrt tan tau trunc".split()
    ),
    "random": frozenset("choice choices gauss randint random randrange sample shuffle uniform".split()),
    "statistics": frozenset("fmean mean median mode pstdev pvariance stdev variance".split()),
}
"""Modules and the names that may be used of them. A module is never a value: `m = math` is refused."""

METHODS: Final[frozenset[str]] = frozenset(
    (
        # str
        "capitalize casefold center count endswith find index isalnum isalpha isdigit islower isspace isupper join"
        " ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip"
        " split splitlines startswith strip swapcase title upper zfill"
        # list, dict, set
        " append clear copy extend insert pop remove reverse sort get items keys values setdefault update add"
        " difference discard intersection isdisjoint issubset issuperset symmetric_difference union"
        # numbers
        " bit_length conjugate denominator imag is_integer numerator real"
    ).split()
)
"""Attributes allowed on any value. Whatever the world itself has (slots, selectors) is allowed besides."""

NEVER: Final[frozenset[str]] = frozenset(
    (
        "format format_map mro with_traceback add_note"
        " gi_frame gi_code gi_yieldfrom cr_frame cr_code cr_await cr_origin ag_frame ag_code ag_await"
        " tb_frame tb_next tb_lasti tb_lineno f_back f_builtins f_code f_globals f_locals f_trace f_lineno"
        " co_code co_consts co_names func_globals func_code im_func im_self im_class"
    ).split()
)
"""Refused even when the world has a slot of that name: on a Python value it leads to frames, code or a formatter."""

REFLECTION: Final[frozenset[str]] = frozenset(
    "setSlot:value: removeSlot: addSlot:value: parent*: parents: setParent: define: define:method: compile: evaluate:"
    " become: perform: perform:with: perform:with:with: perform:withArguments: instVarAt:put: instVarNamed:put:"
    " doesNotUnderstand: undo redo commit abort snapshot quit halt fork fork: newProcess fileIn: fileOut: revert"
    " install: uninstall: primitive primitive: python: asPython thisContext installOn: getSlot: slotAt: slotAt:put:"
    " evaluate evaluate:in: evaluate:to: evaluate:to:ifError: evaluate:ifError: evaluate:for: evaluate:for:logged:"
    " evaluate:in:to: evalString: evalString:to: evalString:ifError: evalString:to:ifError: compile:classified:"
    " compile:category: compile:ifError: compile:notifying: addSelector:withMethod: removeSelector: rename:"
    " renameClassNamed:as: removeClassNamed: changeClassTo: writeSlot:value: valueWithReceiver:withArguments:"
    " perform:with:with:with: perform:with:with:with:with:"
    .split()
)  # fmt: skip
"""Sends that change behaviour, run text as code, or reach past the message: a person's business, never a model's."""

WORLD_NAMES_REFUSED: Final[frozenset[str]] = frozenset(
    "Smalltalk System Image Kernel Compiler Processor Process Workspace genesis Object Method Context thisContext"
    " Python Jit Model File FileStream FileDescriptor Stdio StandardInput stdin Directory Socket OSProcess"
    " History".split()
)
"""Names of the world that lead to the system rather than to a thing of the person's."""
