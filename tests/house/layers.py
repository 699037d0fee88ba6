"""Which module imports which, read from the sources: the instrument of test_layers."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# room -> rooms it may import, besides itself. `batos` is the front door.
MAY_IMPORT: dict[str, set[str]] = {
    "grammar": set(),
    "image": set(),
    "bridge": set(),
    "interp": {"grammar", "image"},
    "jit": {"interp", "grammar", "image"},
    "ui": {"bridge", "grammar"},
    "training": {"jit", "interp", "grammar", "image"},
    "batos": {"grammar", "image", "bridge", "interp", "jit", "ui", "training"},
}

# (room, what it may not have of a room that it may import): people's side talks to a kernel and never is one.
EXCEPT: dict[str, tuple[str, ...]] = {"ui": ("batos.bridge.server",)}


@dataclass(frozen=True, slots=True)
class Import:
    """`importer` names `target` at `line`; `at_import` when that line runs while the module itself is imported."""

    importer: str
    target: str
    line: int
    at_import: bool


def modules(root: Path) -> dict[str, Path]:
    """Every module of ours under the project's root, by its name when installed."""
    found: dict[str, Path] = {}
    for room in MAY_IMPORT:
        package = "batos" if room == "batos" else f"batos.{room}"
        for path in sorted((root / room).rglob("*.py")):
            parts = path.relative_to(root / room).with_suffix("").parts
            name = ".".join([package, *parts]).removesuffix(".__init__")
            found[name] = path
    return found


def room_of(module: str) -> str:
    """`jit` for `batos.jit.swap`, and `batos` for `batos.cli`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else "batos"


def imports_of(name: str, path: Path, known: Iterable[str]) -> Iterator[Import]:
    """Every import of ours in one file, wherever it stands: at the top, in a function, under TYPE_CHECKING, and as
    `import_module("batos...")`."""
    known = set(known)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]

    def ours(target: str) -> bool:
        return target == "batos" or target.startswith("batos.")

    def visit(node: ast.AST, at_import: bool) -> Iterator[Import]:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            at_import = False
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for child in node.body:
                yield from visit(child, False)
            for child in node.orelse:
                yield from visit(child, at_import)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                if ours(alias.name):
                    yield Import(name, alias.name, node.lineno, at_import)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - (node.level - 1)]
                base = ".".join([*above, *([node.module] if node.module else [])])
            if ours(base):
                for alias in node.names:
                    inner = f"{base}.{alias.name}"
                    # What the front door exports is the front door's; its version is anybody's.
                    front_door = base == "batos" and alias.name != "__version__"
                    yield Import(name, inner if inner in known or front_door else base, node.lineno, at_import)
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0] if node.args else None
            if called in ("import_module", "__import__") and isinstance(first, ast.Constant):
                target = str(first.value)
                if target.startswith("."):
                    level = len(target) - len(target.lstrip("."))
                    above = package.split(".")[: len(package.split(".")) - (level - 1)]
                    target = ".".join([*above, target.lstrip(".")])
                if ours(target):
                    yield Import(name, target, node.lineno, at_import)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, at_import)

    yield from visit(ast.parse(path.read_text("utf-8"), str(path)), True)


def all_imports(root: Path) -> list[Import]:
    known = modules(root)
    return [each for name, path in known.items() for each in imports_of(name, path, known)]


def arrows_upward(imports: Iterable[Import]) -> list[str]:
    """Each import that the table does not allow, as a sentence."""
    wrong = []
    for each in imports:
        room, other = room_of(each.importer), room_of(each.target)
        # `batos` itself (its version, say) is the package around all rooms: importing it is no arrow to the front door.
        if room == other or each.target == "batos":
            continue
        forbidden = EXCEPT.get(room, ())
        if other not in MAY_IMPORT[room] or each.target.startswith(forbidden):
            wrong.append(f"{each.importer}, line {each.line}: {room} may not import {each.target}")
    return wrong


def circles(imports: Iterable[Import]) -> list[list[str]]:
    """Modules that import each other while being imported, once each (Tarjan: strongly connected components)."""
    after: dict[str, set[str]] = {}
    for each in imports:
        if each.at_import and each.importer != each.target:
            after.setdefault(each.importer, set()).add(each.target)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def walk(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(after.get(module, ())):
            if other not in index:
                walk(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            circle = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(circle) > 1:
                found.append(sorted(circle))

    for module in sorted(after):
        if module not in index:
            walk(module)
    return found
