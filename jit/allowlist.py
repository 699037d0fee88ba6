"""What a method written by a model may consist of, as data.

Everything not named here is refused. The shape of these lists comes from what got people out of RestrictedPython and
its like: generator and traceback frames (CVE-2023-37271), `str.format` and `format_map` (CVE-2023-41039), type
confusion in `except*` (CVE-2025-22153), modules that lead to other modules (CVE-2024-47532), attributes reached by
patterns, decorators or defaults that no check of `ast.Attribute` sees. So there is an allow-list for syntax, names,
modules and attributes alike, and no attribute is allowed for being harmless on the object somebody had in mind.
"""

from __future__ import annotations

import ast
import re
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
    (
        # slots, parents, methods
        "setSlot:value: removeSlot: addSlot:value: parent*: parents: setParent: define: define:method: getSlot: slotAt:"
        " slotAt:put: instVarAt: instVarAt:put: instVarNamed: instVarNamed:put: readSlot: addParent: removeParent:"
        " become: selectors lookupSelector: compiledMethodAt: compile: removeSelector: superclass: installOn: install:"
        " uninstall: primitive primitive: python: asPython fileIn: fileOut fileOut: fileOutOn:"
        # sends of what is only known when they happen, and what makes them
        " perform: perform:with: perform:with:with: perform:with:with:with: perform:with:with:with:with:"
        " perform:withArguments: sendTo: sentTo: reinvokeFor: adaptToCollection:andSend: adaptToNumber:andSend:"
        " broadcast: broadcast:with: broadcast:with:with: broadcast:withArguments: when:send:to:"
        " command: asSymbol asMutator asSetter asAccessor asLegalSelector asClass asClassIfPresent: doesNotUnderstand:"
        " thisContext valueWithReceiver:withArguments:"
        # text that is run
        " evaluate evaluate: evaluate:in: evaluate:to: evaluate:to:ifError: evaluate:ifError: evaluate:for:"
        " evaluate:for:logged: evaluate:in:to: evalString: evalString:to: evalString:ifError: evalString:to:ifError:"
        " compile:classified: compile:category: compile:ifError: compile:notifying: addSelector:withMethod: rename:"
        " renameClassNamed:as: removeClassNamed: changeClassTo: writeSlot:value:"
        # files
        " asFile asFileReference"
        # what outlives the message, or is no part of the image
        " undo redo commit abort snapshot snapshot: quit quit: halt halt: haltIf: haltOnce fork fork: forkAt:"
        " forkAt:named: forkNamed: forkAndWait newProcess newProcessWith: revert"
        # who decides about models, and what they are told
        " jitPolicy: intent: example: example:of: forgetExamples ask: newChat"
    ).split()
)
"""Sends that change behaviour, run text as code, or reach past the message: a person's business, never a model's."""

NAMES_A_SEND: Final[dict[str, int]] = {"target:selector:": 1}
"""Messages that keep another one for later, as a button's click, and which of their arguments names it: that has to be
written out, and to be one that may be sent."""

REFLECTIVE: Final[frozenset[str]] = frozenset(
    (
        "BaselineOf Behavior Class ClassDefinition ClassDescription ClassTestCase CognitiveWeaver CompiledBlock"
        " CompiledCode CompiledMethod Compiler ConfigurationOf Context ContextPart Contrapunto DirectedMessage"
        " Directory ExercismTest File FileLocator FilePath FileReference FileStream FileStreamLoader FileSystem"
        " Message MessageSend Metaclass Method MethodContext Mirror Namespace ObjectMemory PackageLoader"
        " PackageManifest Persona Process ProcessEnvironment Processor ProcessorScheduler Smalltalk SmalltalkImage"
        " StandardInput Stdio SystemDictionary SystemOrganization SystemOrganizer TestAsserter TestCase"
        " TestResource TestResult TestSuite Trait TraitComposition TraitDescription WeaverTools Workspace"
    ).split()
)
"""Prototypes of the library that are about the system itself. A model's method may neither name them nor send what only
they understand: of the library's hundreds of selectors that reach past the message most are theirs alone."""

WORLD_NAMES_REFUSED: Final[frozenset[str]] = REFLECTIVE | frozenset(
    "System Image Kernel genesis Object ProtoObject BlockContext thisContext Python Jit Model File FileDescriptor stdin"
    " Directory Socket OSProcess History ROBIN BRICK".split()
)
"""Names of the world that lead to the system rather than to a thing of the person's."""

MAKES_CLASSES: Final = re.compile(r"([a-z]+S|s|variable_s)ubclass_")
"""How a send begins that makes a prototype with a name of the world, or changes the one of that name."""
