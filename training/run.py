"""The steps of `batos train` from configuration to shipped adapter; each leaves in its folder what the next needs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..jit import adapter as adapters
from ..jit.adapter import read_adapter
from ..jit.bench import BadTask, Report, Stage, Task, evaluate, read_tasks
from ..jit.embedded import EmbeddedEngine, file_digest
from ..jit.model_status import weights_path
from .card import loss_curve, model_card, read_log
from .config import TrainConfig
from .data import data_hash, write_rows
from .errors import DataProblem, GateShut
from .evaluate import OTHER_TASKS, TaskScores, promotion, score_tasks
from .export import export
from .finetune import Tell, check_tools, finetune, unpack_embedded
from .leaks import held_out
from .schema import Row, parse_line
from .validate import read_rows

SMOKE_ROWS = 64


def run_finetune(
    config: TrainConfig, files: Sequence[Path], work: Path, tell: Tell, resume: bool = True
) -> dict[str, Any]:
    """Train what the configuration says on the files' rows; without files (the smoke test) on a few rows of its own."""
    check_tools()
    work.mkdir(parents=True, exist_ok=True)
    if not files:
        from ..interp import deep

        own = work / "rows.jsonl"
        deep(lambda: write_rows(own, config.rows or SMOKE_ROWS, config.seed, {"code": 1.0}))
        files = [own]
    if not resume:
        shutil.rmtree(work / "checkpoints", ignore_errors=True)
        (work / "log.jsonl").unlink(missing_ok=True)
    rows = read_rows(files)
    forbidden = held_out()
    leaked = next((why for row in rows if (why := forbidden.why(row))), "")
    if leaked:
        raise DataProblem(f"the rows hold what is held out ({leaked}); run `batos train validate` on them first")
    told = {"config": config.model_dump(), "data": {f.name: data_hash(f) for f in files}}
    (work / "config.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    summary = finetune(config, rows, work, tell, resume)
    (work / "loss.svg").write_text(loss_curve(read_log(work / "log.jsonl")), encoding="utf-8")
    return summary


def run_export(work: Path, out: Path) -> Path:
    """The run's adapter in both forms, with its card and a page about it. Raises TrainingProblem."""
    check_tools()
    try:
        told = json.loads((work / "config.json").read_text(encoding="utf-8"))
        config = TrainConfig.model_validate(told["config"])
    except (OSError, ValueError, KeyError) as problem:
        raise DataProblem(f"{work} is no finished run: {problem}") from problem
    digest = ""
    if config.base == "embedded":
        base = unpack_embedded(work / "base")
        path = weights_path()
        assert path is not None  # unpack_embedded needed it
        digest = file_digest(path)
    else:
        base = Path(config.base)
        if not (base / "config.json").exists():
            raise DataProblem(
                f"export needs the base model's config.json in {base}: name its folder in the configuration"
            )
    summary_file = work / "summary.json"
    summary = json.loads(summary_file.read_text(encoding="utf-8")) if summary_file.exists() else {}
    made = export(config, work / "adapter", base, out, digest, {"data": told["data"], "run": summary})
    card = json.loads(made.with_suffix(".json").read_text(encoding="utf-8"))
    page = model_card(card["name"], config, card, summary)
    (out / card["name"] / "README.md").write_text(page, encoding="utf-8")
    curve = work / "loss.svg"
    if curve.exists():
        shutil.copy(curve, out / card["name"] / "loss.svg")
    return made


def try_answer(made: Path) -> str:
    """What the embedded model writes with it for one miss: proof that llama.cpp takes it. Raises EngineProblem."""
    from ..jit.prompt import build_prompt
    from ..jit.situation import Argument, Situation, Slot

    found = read_adapter(made)
    engine = EmbeddedEngine(default=found)
    try:
        asked = Situation(
            "Purse", "deposit:", "deposit_", (Argument("amount", "int", "5"),), "purse deposit: 5",
            slots=(Slot("balance", "int", "70"),),
        )  # fmt: skip
        prompt = build_prompt(asked, found.style, found.name)
        told = engine.complete(prompt.messages, prompt.options)
        return f"{found.name} answers: {prompt.head}{told.text.rstrip()}"
    finally:
        engine.close()


def run_evaluate(
    adapter: Path | None,
    split: Any,
    file: Path,
    rows_file: Path | None,
    limit: int | None,
    tell: Callable[[int, int], None],
) -> Iterator[str]:
    """JITBench, and the other tasks' rows if given; results in `file` and beside it. Yields lines for people."""
    found = read_adapter(adapter) if adapter is not None else None
    tasks, spoilt = standing(read_tasks(split))
    tasks = tasks[: limit or None]
    for why in spoilt:
        yield f"left out: {why}"
    engine = EmbeddedEngine(default=found)
    try:
        report = evaluate(engine, tasks, repairs=0, keep=file, on_result=lambda _, done, of: tell(done, of))
        report.save(file)
        yield report.table()
        if rows_file is not None:
            rows = _other_rows(rows_file, limit)
            scores = score_tasks(engine, rows, found.name if found else None, tell)
            scores.save(scores_beside(file))
            for task, right in scores.right.items():
                yield f"{task}: {sum(right)} of {len(right)} right"
    finally:
        engine.close()


def standing(tasks: Sequence[Task]) -> tuple[list[Task], list[str]]:
    """The tasks whose message is a miss in today's library, and why the others are none: a library that grows comes to
    understand some of them, or something so near that a typo is suspected."""
    from ..interp import deep

    good: list[Task] = []
    spoilt: list[str] = []

    def look() -> None:
        stage = Stage()
        try:
            for task in tasks:
                try:
                    with stage.put_on(task):
                        good.append(task)
                except BadTask as problem:
                    spoilt.append(str(problem))
        finally:
            stage.close()

    deep(look)
    return good, spoilt


def scores_beside(file: Path) -> Path:
    """Where the other tasks' scores of an evaluation lie."""
    return file.with_name(file.stem + ".tasks.json")


def _other_rows(path: Path, limit: int | None) -> list[Row]:
    rows: list[Row] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        said = parse_line(line, number)
        if isinstance(said, Row) and said.task in OTHER_TASKS and said.messages[-1].role == "assistant":
            rows.append(said)
    kept: list[Row] = []
    for task in OTHER_TASKS:
        kept += [row for row in rows if row.task == task][: limit or None]
    return kept


def run_publish(adapter: Path, before: Path, after: Path, into: Path | None, dry_run: bool) -> Iterator[str]:
    """Ask the gate; if it is open, the adapter takes the shipped one's place. Raises GateShut."""
    found = read_adapter(adapter)
    try:
        old, new = Report.load(before), Report.load(after)
    except (OSError, ValueError) as problem:
        raise DataProblem(str(problem)) from problem
    if new.how.get("adapter") != found.name:
        raise DataProblem(
            f"{after} is an evaluation of {new.how.get('adapter') or 'the bare model'}, not of {found.name}"
        )
    other = [TaskScores.load(p) if p.exists() else None for p in map(scores_beside, (before, after))]
    said = promotion(old, new, *other)
    yield from said.told
    if not said.open:
        raise GateShut(f"{found.name} is not published: the gate says no")
    if dry_run:
        yield "the gate is open; nothing was changed (--dry-run)"
        return
    folder = into or adapters.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / found.path.name).resolve() != found.path.resolve():
        shutil.copy(found.path, folder / found.path.name)
        shutil.copy(found.path.with_suffix(".json"), folder / found.path.with_suffix(".json").name)
    for card in folder.glob("*.json"):
        if card.stem != found.name:  # names hold a dot-free digest, so the stem is the name
            card.with_suffix(".gguf").unlink(missing_ok=True)
            card.unlink()
    yield f"{found.name} is the shipped adapter now ({folder})"
