"""The facets there are: adapters in a folder, each named once and for ever by its content.

    jit@0c0e25e0920b.gguf      for llama.cpp, with its card  jit@0c0e25e0920b.json
    jit@0c0e25e0920b/          the same in PEFT's form, for vLLM

`facet@` and twelve digits of the SHA-256 of its content is a name that never means anything else, so no server ever has
to load one in place of another. What `jit` means today is for an alias in the image to say.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..adapter import adapter_name, read_adapter
from ..errors import AdapterRefused, AdapterUnknown, EngineMissing
from ..serving.base import BaseShape
from ..serving.check_adapter import CONFIG, NAME, TENSORS, check_adapter, check_form, check_name
from ..serving.forms import peft_folder

FACET = re.compile(r"[a-z0-9][a-z0-9._-]{0,50}")
MAX_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class Facet:
    """One adapter. forms: "gguf", "peft"; bytes: of its largest form."""

    name: str
    forms: tuple[str, ...]
    bytes: int

    @property
    def facet(self) -> str:
        return self.name.partition("@")[0]


class Library:
    """Adapters in some folders; what is published goes to the first."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = [folder.expanduser() for folder in folders]
        self._checked: dict[tuple[object, ...], Path] = {}

    def facets(self) -> list[Facet]:
        """All adapters, by name."""
        found: dict[str, dict[str, int]] = {}
        for folder in self.folders:
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)[:MAX_NAMES]
            except OSError:
                continue
            for entry in entries:
                stem = entry.name.removesuffix(".gguf")
                if not NAME.fullmatch(stem) or stem.startswith("."):
                    continue
                if entry.name.endswith(".gguf"):
                    found.setdefault(stem, {}).setdefault("gguf", entry.stat().st_size)
                elif entry.is_dir() and (tensors := Path(entry.path, TENSORS)).is_file():
                    found.setdefault(stem, {}).setdefault("peft", tensors.stat().st_size)
        return [Facet(name, tuple(sorted(forms)), max(forms.values())) for name, forms in sorted(found.items())]

    def resolve(self, word: str) -> str:
        """The full name of an adapter, from that or from its facet where only one adapter has that. Raises
        AdapterUnknown."""
        if not NAME.fullmatch(word):
            raise AdapterUnknown(f"a facet's name is 1 to 64 of a-z 0-9 @ . _ -, not {word[:80]!r}")
        names = [each.name for each in self.facets()]
        if word in names:
            return word
        fitting = [name for name in names if name.partition("@")[0] == word]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise AdapterUnknown(
                f"{word} is the facet of {len(fitting)} adapters: {', '.join(fitting[:20])}; name one of them, or "
                f"publish it: CognitiveWeaver publish: '{fitting[-1]}' as: '{word}'"
            )
        there = ", ".join(names[:40]) or "none"
        raise AdapterUnknown(f"there is no facet {word}; there are: {there} (in {', '.join(map(str, self.folders))})")

    def gguf(self, name: str) -> Path:
        """The file for llama.cpp, which is what its card says. Raises AdapterUnknown, AdapterRefused."""
        path = self._inside(name, name + ".gguf", "llama.cpp")
        try:
            return read_adapter(path).path
        except EngineMissing as problem:
            raise AdapterRefused(str(problem)) from None

    def peft(self, name: str, base: BaseShape, max_rank: int = 16) -> Path:
        """The folder for vLLM, every tensor of which has been looked at; made from the GGUF where only that is there.
        Raises AdapterUnknown, AdapterRefused."""
        check_name(name)
        for home in self.folders:
            if (home / name).exists():
                return self._check(home, name, base, max_rank)
        home = self.folders[0]
        found = self.gguf(name)
        if found.parent != home:  # what is shipped lies where nothing should be written
            self.publish(found, name.partition("@")[0])
        peft_folder(home, name, base)
        return self._check(home, name, base, max_rank)

    def _check(self, home: Path, name: str, base: BaseShape, max_rank: int) -> Path:
        """Looked at once for as long as the file is the same."""
        try:
            stat = (home / name / TENSORS).stat()
            key = (home, name, base.model, max_rank, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        except OSError:
            return check_adapter(home, name, base, max_rank)
        if key not in self._checked:
            self._checked[key] = check_adapter(home, name, base, max_rank)
        return self._checked[key]

    def publish(self, source: Path, facet: str) -> str:
        """Take an adapter into the library under an immutable name; that name. `source` is a GGUF file with its card,
        or a folder in PEFT's form. Raises AdapterRefused."""
        if not FACET.fullmatch(facet):
            raise AdapterRefused(f"a facet is called by 1 to 51 of a-z 0-9 . _ -, not {facet[:80]!r}")
        source = source.expanduser()
        home = self.folders[0]
        home.mkdir(parents=True, exist_ok=True)
        try:
            if source.is_dir():
                return self._take_folder(source, facet, home)
            return self._take_file(source, facet, home)
        except OSError as problem:
            raise AdapterRefused(f"{source} cannot be taken into {home}: {problem.strerror}") from None

    def _take_folder(self, source: Path, facet: str, home: Path) -> str:
        for part in (CONFIG, TENSORS):
            if not (source / part).is_file():
                raise AdapterRefused(f"{source} is no adapter in PEFT's form: it has no {part}")
        check_form(source.name, source)
        name = adapter_name(facet, source / TENSORS)
        if not (home / name).exists():
            _copy_folder(source, home / name)
        return name

    def _take_file(self, source: Path, facet: str, home: Path) -> str:
        if source.suffix not in (".gguf", ".json") or not source.is_file():
            raise AdapterRefused(f"{source} is no adapter: neither a GGUF with its card, nor a folder in PEFT's form")
        try:
            found = read_adapter(source)
        except EngineMissing as problem:
            raise AdapterRefused(str(problem)) from None
        name = f"{facet}@{found.name.partition('@')[2]}"
        if not (home / f"{name}.gguf").exists():
            with TemporaryDirectory(prefix=".draft-", dir=home) as draft:
                copy, card = Path(draft, "gguf"), Path(draft, "card")
                shutil.copyfile(found.path, copy)
                card.write_text(json.dumps({**found.card, "name": name, "facet": facet}, indent=1) + "\n", "utf-8")
                card.rename(home / f"{name}.json")
                copy.rename(home / f"{name}.gguf")
        beside = found.path.with_suffix("")
        if beside.is_dir() and not (home / name).exists():
            _copy_folder(beside, home / name)
        return name

    def _inside(self, name: str, part: str, reader: str) -> Path:
        """A part of an adapter, which really lies in one of the folders, links followed."""
        if not NAME.fullmatch(name):
            raise AdapterRefused(f"an adapter's name is 1 to 64 of a-z 0-9 @ . _ -, not {name[:80]!r}")
        for folder in self.folders:
            path = folder / part
            if not path.exists():
                continue
            real, root = path.resolve(), folder.resolve()
            if not real.is_relative_to(root) or real == root:
                raise AdapterRefused(f"the adapter {name} lies outside {folder}, at {real}")
            return path
        raise self._not_there(name, reader)

    def _not_there(self, name: str, reader: str) -> AdapterRefused | AdapterUnknown:
        forms = next((facet.forms for facet in self.facets() if facet.name == name), ())
        if forms:
            return AdapterRefused(f"{name} is there for {', '.join(forms)} only, not in the form that {reader} takes")
        return AdapterUnknown(f"there is no adapter {name} in {', '.join(map(str, self.folders))}")


def _copy_folder(source: Path, target: Path) -> None:
    """The two files of an adapter in PEFT's form; the target is whole or not there, also where two copy at once."""
    with TemporaryDirectory(prefix=".draft-", dir=target.parent) as made:
        draft = Path(made, "adapter")
        draft.mkdir()
        for part in (CONFIG, TENSORS):
            shutil.copyfile(source / part, draft / part)
        try:
            draft.rename(target)
        except OSError:
            if not target.is_dir():
                raise
