"""`batos jit`: what the model is, what it wrote, and taking it back."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


@click.group("jit")
def jit() -> None:
    """What happens to messages nobody understands: the model, what it wrote, and taking that back."""


@jit.command()
@click.pass_context
def status(context: click.Context) -> None:
    """Which policy, which model and in what state."""
    from .jit.model_status import model_status
    from .jit.settings import read_settings

    settings = read_settings(policy=context.obj["policy"])
    click.echo(f"policy   {settings.policy}")
    engine = settings.engine()
    try:
        click.echo(f"engine   {engine.describe()}")
    finally:
        engine.close()
    if not settings.url and settings.cassette is None:
        click.echo(f"model    {model_status()}")
    budget = f"{settings.tokens_per_hour} tokens an hour" if settings.tokens_per_hour else "no budget"
    click.echo(f"limits   {settings.repairs} repairs, {budget}")


@jit.command()
@click.argument("selector", required=False)
@click.pass_context
def history(context: click.Context, selector: str | None) -> None:
    """The methods a model wrote; with SELECTOR each in full: gates, provenance, code."""
    from .jit.story import Story, stories

    found: list[Story] = _on_the_image(
        context, lambda worker: worker.transact(lambda world: list(stories(world))), _stories_from_kernel
    )
    if selector is not None:
        found = [story for story in found if story.selector == selector]
    for story in found:
        click.echo(story.line() if selector is None else story.render())
    if not found:
        click.echo("no method of this image was written by a model" + (f" for #{selector}" if selector else ""))


@jit.command()
@click.argument("prototype")
@click.argument("selector")
@click.pass_context
def revert(context: click.Context, prototype: str, selector: str) -> None:
    """Put back what PROTOTYPE did with SELECTOR before."""
    from .jit.swap import revert as put_back

    def take_back(worker: Any) -> str:
        oid = worker.transact(lambda world: getattr(world.lookup(prototype), "_p_oid", None))
        if oid is None:
            raise click.ClickException(f"the world has no object named {prototype}")
        return put_back(worker, oid, selector, getpass.getuser())

    click.echo(_on_the_image(context, take_back, lambda client: _revert_by_kernel(client, prototype, selector)))


def _stories_from_kernel(client: Any) -> list[Any]:
    from .bridge.covenant import MAX_PAGE, Written
    from .jit.story import Story

    told = client.call(Written(count=MAX_PAGE)).data
    return [
        Story(
            each["prototype"],
            each["selector"],
            each["author"],
            each["source"],
            each["intent"],
            {
                **each["provenance"],
                "gates": [{**gate, "passed": gate.get("passed") == "True"} for gate in each["gates"]],
            },
        )
        for each in sorted(told, key=lambda one: (one["prototype"], one["selector"]))
    ]


def _revert_by_kernel(client: Any, prototype: str, selector: str) -> str:
    from .bridge.covenant import MAX_PAGE, Revert, Written

    targets = [
        each["target"]
        for each in client.call(Written(count=MAX_PAGE)).data
        if (each["prototype"], each["selector"]) == (prototype, selector)
    ]
    if not targets and prototype.replace(".", "").isidentifier():  # a person wrote it
        targets = [o.handle for o in client.evaluate(prototype).outcomes if o.handle]
    if not targets:
        raise click.ClickException(f"the world has no object named {prototype}")
    return str(client.call(Revert(target=targets[0], selector=selector)).data)


@jit.command("eval")
@click.option("--split", type=click.Choice(["public", "heldout", "all"]), default="public", show_default=True)
@click.option("--engine", type=click.Choice(["settings", "embedded", "server", "recorded"]), default="settings",
              show_default=True, help="settings: the one that BATOS_MODEL_URL and the like choose.")
@click.option("--adapter", help="A LoRA adapter: a GGUF file for the embedded engine, a name for a server.")
@click.option("--style", type=click.Choice(["small", "large"]), help="How to ask; else as the engine wants it.")
@click.option("--family", multiple=True, help="Only this family; may be given more than once.")
@click.option("--limit", type=click.IntRange(1), help="At most so many tasks: every n-th, so that all families are in.")
@click.option("--repairs", type=click.IntRange(0, 10), default=2, show_default=True)
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Keep all results in FILE. "
              "A run that was broken off goes on from it.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each task.")
@click.pass_context
def eval_(context: click.Context, split: Any, engine: str, adapter: str | None, style: Any, family: tuple[str, ...],
          limit: int | None, repairs: int, file: Path | None, verbose: bool) -> None:
    """JITBench: how good the model is at misses it has not seen, judged by running what it writes.

    \b
    batos jit eval --limit 20                        a first impression
    batos jit eval --split heldout --json base.json  all of the held-out half, kept
    batos jit eval --adapter tuned.gguf --split heldout --json tuned.json
    """
    from .evaluation import run

    run(context.obj["policy"], split, engine, adapter, style, family, limit, repairs, file, verbose)


def _on_the_image(context: click.Context, work: Callable[[Any], Any], ask: Callable[[Any], Any]) -> Any:
    """work(worker) on the image itself, or ask(client) of the kernel that holds it. ImageLocked if something else
    does."""
    from .image import holder, open_image

    held = holder(context.obj["image"])
    endpoint = context.obj["at"] or (held.endpoint if held is not None else "")
    if endpoint:
        from .bridge.client import Client

        with Client(endpoint, name=getpass.getuser()) as client:
            return ask(client)
    from .interp import Worker, deep

    def body() -> Any:
        with open_image(context.obj["image"], create=False) as opened:
            worker = Worker(opened, name="jit")
            try:
                return work(worker)
            finally:
                worker.close()

    return deep(body)
