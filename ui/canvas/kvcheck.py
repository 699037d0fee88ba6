"""May this Kivy rule be used without asking? A rule is text out of the image, and its expressions are Python.

A person's image is trusted as they are; but a method that a model wrote can write a slot, and so a rule. Therefore a
rule is held to what drawing needs: slots, theme, arithmetic, a few functions, widgets that neither read files nor the
network, `root.send(...)`. A rule that wants more, and any Python text, is shown to the person, who lets it run or
does not (looks.py). What passes here can still draw nonsense, and can still be slow.
"""

from __future__ import annotations

import ast
import re

WIDGETS = frozenset(
    "Widget Label Words Editor Items Picture Plot Button ToggleButton CheckBox Slider Switch ProgressBar BoxLayout "
    "GridLayout FloatLayout RelativeLayout AnchorLayout StackLayout ScrollView".split()
)
INSTRUCTIONS = frozenset(
    "Color Rectangle RoundedRectangle BorderImage Ellipse Line SmoothLine Triangle Quad Point Bezier PushMatrix "
    "PopMatrix Rotate Scale Translate SmoothRectangle SmoothRoundedRectangle SmoothEllipse SmoothTriangle SmoothQuad "
    "StencilPush StencilUse StencilUnUse StencilPop BoxShadow Clear".split()
)
FUNCTIONS = frozenset(
    "paint said dp sp min max round abs len str int float bool sum sorted range list tuple zip enumerate".split()
)
NAMES = FUNCTIONS | {"self", "root", "app", "args", "True", "False", "None"}
METHODS = frozenset("send upper lower strip split join get index count keys values items startswith endswith".split())
OF_APP = frozenset({"theme", "unit", "text_size", "sharpness"})
REFUSED = frozenset({"source", "font_name", "font_context", "texture", "id"})  # files, and names from elsewhere
HEADER = re.compile(r"^<(-?)[^>\n]*>\s*:\s*$")
LONGEST = 64 * 1024
MOST = 300  # widgets and instructions of a rule: each costs the window a millisecond
PAIRS = (("PushMatrix", "PopMatrix"), ("StencilPush", "StencilPop"))
NODES = (
    ast.Expression, ast.Module, ast.Expr, ast.Constant, ast.Name, ast.Load, ast.Attribute, ast.Call, ast.keyword,
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
    ast.List, ast.Tuple, ast.Dict, ast.Set, ast.Subscript, ast.Slice, ast.Starred,
    ast.ListComp, ast.GeneratorExp, ast.comprehension, ast.Store, ast.If,
)  # fmt: skip


def objection(text: str) -> str:
    """Why a rule may not be used without asking; "" if it may. What is not even a rule is for Kivy to say."""
    if len(text) > LONGEST:
        return f"a rule of {len(text):,} characters"
    parts = [line.strip()[:-1] for line in text.split("\n") if line.strip()[:1].isupper() and line.strip()[-1] == ":"]
    if len(parts) > MOST:
        return f"a rule of {len(parts):,} widgets and instructions"
    for push, pop in PAIRS:
        if parts.count(push) != parts.count(pop):
            return f"{push} and {pop} go together"
    first = True
    for number, line in enumerate(text.expandtabs(4).split("\n"), 1):
        bare = line.strip()
        if bare.startswith("#:"):
            return f"line {number}: directives ({bare.split()[0]}) are not for rules of morphs"
        if not bare or bare.startswith("#"):
            continue
        header = first and HEADER.match(line)
        first = False
        problem = "" if header else "one rule only" if line[:1] == "<" else _line(bare)
        if problem:
            return f"line {number}: {problem}"
    return ""


def _line(bare: str) -> str:
    """What is wrong with ``Widget:`` or ``name: expression``, each on one line."""
    name, colon, value = bare.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not name.replace(".", "_").isidentifier():
        return "a widget, or a name and its value, stand on one line"
    if name[:1].isupper():
        return "" if name in WIDGETS | INSTRUCTIONS and not value else f"{name} is no widget for rules of morphs"
    if name in ("canvas", "canvas.before", "canvas.after"):
        return ""
    if name in REFUSED:
        return f"{name}: is not for rules of morphs"
    if not value:
        return "values and handlers stand on the line of their name"
    return _expression(value)


def _expression(text: str) -> str:
    try:
        tree = ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""  # Kivy says it better
    local = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if not isinstance(node, NODES):
            return f"{type(node).__name__} is not for rules of morphs"
        if isinstance(node, ast.Name) and node.id not in NAMES and node.id not in local:
            return f"{node.id} is no name that rules of morphs have"
        if isinstance(node, ast.Attribute):
            if node.attr.startswith("_"):
                return f"{node.attr} is private"
            if isinstance(node.value, ast.Name) and node.value.id == "app" and node.attr not in OF_APP:
                return f"app.{node.attr} is not for rules of morphs"
        if isinstance(node, ast.Call) and not (
            (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS)
            or (isinstance(node.func, ast.Attribute) and node.func.attr in METHODS)
        ):
            return "only " + ", ".join(sorted(FUNCTIONS)) + " and root.send may be called"
        if isinstance(node, ast.If) and any(isinstance(each, ast.Mult | ast.Mod) for each in ast.walk(node)):
            return "no * and % in an if"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.LShift):
            return "powers are not for rules of morphs"
    return ""
