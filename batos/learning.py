"""`batos train`: data, validation, fine-tuning, evaluation, export and publishing of adapters."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from .progress import bar

File = click.Path(dir_okay=False, path_type=Path)
Folder = click.Path(file_okay=False, path_type=Path)
MODULES = ("batos.bridge.covenant", "batos.bridge.wire", "zmq", "ormsgpack", "pydantic")
"""What the code of a conversation may import, loaded before the process that runs it is locked in."""


@click.group("train")
def train() -> None:
    """Teach the language model this house's language: data, training, evaluation, and the adapter that comes of it.

    \b
    batos train data rows.jsonl --count 10000      make rows: every method in them has been run
    batos train validate rows.jsonl                judge every line; what fails is kept, with its reason
    batos train expand talks.jsonl --count 1000    have a model write conversations like the goldens
    batos train finetune --preset smollm2-cpu --data rows.jsonl --work run
    batos train export --work run --out adapters   GGUF for llama.cpp, PEFT for vLLM
    batos train evaluate --adapter adapters/NAME.gguf --json tuned.json
    batos train publish adapters/NAME.gguf --before base.json --after tuned.json
    \b
    Making and validating rows needs nothing but BAT OS; finetune and export need pip install 'bat-os[train]'.
    Every long command shows how far it is, and goes on where it was when it is given again.
    """


@train.command()
@click.argument("out", type=File)
@click.option("--count", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True)
@click.option("--seed", type=int, default=8, show_default=True, help="The same seed makes the same rows.")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    help="Only this task (code, persona, function, control); may be repeated, "
    "and weighed: --task code=3 --task control=1.",
)
@click.option(
    "--goldens",
    is_flag=True,
    help="Write the golden conversations instead: train, validation and test files beside OUT, split by scenario.",
)
def data(out: Path, count: int, seed: int, tasks: tuple[str, ...], goldens: bool) -> None:
    """Make training rows in OUT (JSON Lines, ChatML).

    \b
    code       methods for messages nobody understood; each ran, in Python and in message syntax, with one outcome
    persona    ROBIN and BRICK answer the Architect, by the Persona Codex
    function   what the Architect wants, as JSON calls of internal tools
    control    which blocks a message runs; the interpreter was asked
    \b
    Nothing of JITBench's held-out half is in them. Ctrl-C stops; the same command goes on.
    """
    from .interp import deep
    from .training.data import data_hash, write_rows

    if goldens:
        from .training.goldens import write_splits

        for path, number in write_splits(out).items():
            click.echo(f"{path}: {number} conversations")
        return
    shares = _shares(tasks)
    with bar(count, "rows") as tell:
        counts = deep(lambda: write_rows(out, count, seed, shares, tell))
    click.echo(f"{out}: {', '.join(f'{n} {task}' for task, n in sorted(counts.items()))}; {data_hash(out)}")


def _shares(tasks: tuple[str, ...]) -> dict[str, float] | None:
    from .training.schema import TASKS

    shares: dict[str, float] = {}
    for told in tasks:
        name, _, weight = told.partition("=")
        try:
            shares[name] = float(weight or 1)
        except ValueError:
            raise click.ClickException(f"--task takes NAME or NAME=WEIGHT, not {told!r}") from None
        if name not in TASKS or not 0 < shares[name] < 1e6:
            raise click.ClickException(f"--task {told}: tasks are {', '.join(TASKS)}, and weights above 0")
    total = sum(shares.values())
    return {name: weight / total for name, weight in shares.items()} or None


@train.command()
@click.argument("out", type=File)
@click.option("--count", type=click.IntRange(1, 1_000_000), default=100, show_default=True, help="Conversations.")
@click.option("--seed", type=int, default=8, show_default=True)
@click.option("--attempts", type=click.IntRange(1), help="Questions at most [5 times that].")
@click.option("--price", type=float, nargs=2, default=(0.0, 0.0), help="Of a million tokens in and out.")
def expand(out: Path, count: int, seed: int, attempts: int | None, price: tuple[float, float]) -> None:
    """Have a language model write conversations like the goldens into OUT; only those that run are kept.

    \b
    BATOS_MODEL_URL=http://127.0.0.1:8000/v1 batos train expand talks.jsonl --count 1000 --price 0.15 0.60

    The engine is the one the settings choose. Each answer is judged in a locked process as `validate` does; what is
    refused lies in OUT.refused. The same command goes on where it was. A model of the embedded one's size seldom
    writes a conversation that runs.
    """
    from .interp import deep
    from .jit.settings import read_settings
    from .training.expand import expand as ask
    from .training.lanes import Line, judge_lines

    def judge(text: str) -> str:
        return next(judge_lines(iter([Line(1, text)]), 1, MODULES)).reason

    engine = read_settings().engine()
    try:
        with bar(count, "conversations") as tell:
            report = deep(lambda: ask(engine, out, count, seed=seed, attempts=attempts or 0, tell=tell, judge=judge))
    finally:
        engine.close()
    click.echo(report.told(price))


@train.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=File, help="Where good lines go [SOURCE.good].")
@click.option("--rejected", type=File, help="Where the others go, with line, reason and text [SOURCE.rejected].")
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=lambda: min(os.cpu_count() or 1, 8), help="Processes [cores]."
)
@click.option("--no-run", is_flag=True, help="Do not run the code.")
@click.option("--strict", is_flag=True, help="Exit 1 if a line was rejected.")
def validate(source: Path, out: Path | None, rejected: Path | None, jobs: int, no_run: bool, strict: bool) -> None:
    """Judge every line of SOURCE: conversations (architect, uvm_jit) and ChatML rows alike.

    \b
    json, schema   what is wrong is named by line, turn and field
    syntax         code that Python cannot parse
    names          a name that is used before anything makes it
    execution      code that does not run in a scratch image, or not as it was recorded; in a locked process
    duplicate      said before          leak   a task of JITBench's held-out half
    """
    from .training.validate import validate as judge

    total = sum(1 for line in source.open("rb") if line.strip())
    with bar(total, "lines") as tell:
        report = judge(
            source, out or source.with_name(source.name + ".good"),
            rejected or source.with_name(source.name + ".rejected"),
            jobs=jobs, preload=MODULES, run=not no_run, tell=tell,
        )  # fmt: skip
    click.echo(report.table())
    if strict and report.good < report.lines:
        raise click.exceptions.Exit(1)


@train.command()
@click.option("--preset", help="llama-3.1-8b-qlora, smollm2-cpu or cpu-smoke.")
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A TOML file with the same keys."
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="One key, over preset and file: --set epochs=2."
)
@click.option(
    "--data",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rows; may be given more than once. cpu-smoke makes its own.",
)
@click.option("--work", type=Folder, default=Path("train-run"), show_default=True, help="Where the run lives.")
@click.option("--fresh", is_flag=True, help="Begin anew, rather than go on from the last checkpoint.")
@click.option("--show", is_flag=True, help="Only show the configuration.")
def finetune(
    preset: str | None,
    config: Path | None,
    settings: tuple[str, ...],
    files: tuple[Path, ...],
    work: Path,
    fresh: bool,
    show: bool,
) -> None:
    """Train a LoRA adapter. It goes on from the last checkpoint of WORK, if there is one.

    \b
    batos train finetune --preset cpu-smoke                         two minutes: the whole chain on a small model
    batos train finetune --preset smollm2-cpu --data rows.jsonl     the embedded model's adapter: an hour on two cores
    batos train finetune --preset llama-3.1-8b-qlora --data rows.jsonl   QLoRA on one GPU
    \b
    WORK then holds adapter/ (PEFT), config.json, log.jsonl, loss.svg and summary.json. `batos train export` is next.
    """
    from .training.config import read_config
    from .training.errors import ConfigProblem

    if preset is None and config is None:
        raise click.ClickException("--preset or --config says what to train; see batos train finetune --help")
    chosen = read_config(preset or "", config, settings)
    if show:
        click.echo(chosen.model_dump_json(indent=1))
        return
    from .training.run import run_finetune

    if not files and preset != "cpu-smoke":
        raise ConfigProblem("--data says which rows to learn; `batos train data` makes some")
    with bar(0, "steps") as tell:

        def told(line: dict[str, Any]) -> None:
            tell(line["step"], f"of {line['steps']}, loss {line['loss']:.4f}, {line['seconds']:.0f} s")

        summary = run_finetune(chosen, list(files), work, told, resume=not fresh)
    click.echo(f"{work / 'adapter'}: {json.dumps(summary)}")


@train.command()
@click.option("--work", type=Folder, default=Path("train-run"), show_default=True, help="The run to export.")
@click.option("--out", type=Folder, default=Path("adapters"), show_default=True)
@click.option("--answer", is_flag=True, help="Have llama.cpp load it and answer one question.")
def export(work: Path, out: Path, answer: bool) -> None:
    """Write the run's adapter as NAME.gguf with NAME.json (llama.cpp) and NAME/ (PEFT, for vLLM), and its card.

    NAME is the facet and twelve digits of the file's SHA-256. Rank, shapes and kind are checked first: vLLM would load
    wrong shapes silently, and llama.cpp ends the process on half a file.
    """
    from .training.run import run_export, try_answer

    made = run_export(work, out)
    click.echo(f"{made} ({made.stat().st_size / 1e6:.1f} MB)")
    if answer:
        click.echo(try_answer(made))


@train.command()
@click.option(
    "--adapter",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="GGUF with its card beside it; without: the embedded model as it is.",
)
@click.option("--split", type=click.Choice(["public", "heldout"]), default="heldout", show_default=True)
@click.option("--json", "file", type=File, required=True, help="Keep the results here; a stopped run goes on from it.")
@click.option(
    "--rows",
    "rows_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rows of the other tasks to score as well (a seed that was not trained on).",
)
@click.option("--limit", type=click.IntRange(1), help="At most so many tasks of each kind.")
def evaluate(adapter: Path | None, split: Any, file: Path, rows_file: Path | None, limit: int | None) -> None:
    """How good is it? JITBench with the embedded model (the one the adapter is for), first answers only.

    \b
    batos train evaluate --json base.json                      the model as it is
    batos train evaluate --adapter NAME.gguf --json tuned.json
    batos train publish NAME.gguf --before base.json --after tuned.json
    """
    from .training.run import run_evaluate

    with bar(0, "tasks") as tell:
        for line in run_evaluate(adapter, split, file, rows_file, limit, lambda done, of: tell(done, f"of {of}")):
            click.echo(line)


@train.command()
@click.argument("adapter", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--before", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="What is in use now."
)
@click.option(
    "--after", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="The adapter."
)
@click.option("--into", type=Folder, help="The folder of shipped adapters [the installed one].")
@click.option("--dry-run", is_flag=True, help="Only say what the gate says.")
def publish(adapter: Path, before: Path, after: Path, into: Path | None, dry_run: bool) -> None:
    """Put ADAPTER in the place of the shipped one, if the promotion gate is open.

    The gate: at least 2 points better at pass@1 with the whole 95 % interval above zero, and no task worse by more
    than 1.
    """
    from .training.run import run_publish

    for line in run_publish(adapter, before, after, into, dry_run):
        click.echo(line)
