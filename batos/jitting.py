"""`batos jit`: what the model is, what it wrote, what waits, deciding about it, and taking it back.

Each command works on the image itself, or through the kernel that holds it.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

POLICY = click.Choice(["off", "ask", "auto", "none"])


@click.group("jit")
def jit() -> None:
    """What happens to messages nobody understands: the model, what it wrote, and taking that back."""


@jit.command()
@click.pass_context
def status(context: click.Context) -> None:
    """Policy, model and its state, limits; and how much waits in the image."""
    from .image import holder
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
    probation = f"{settings.probation} sends of probation" if settings.probation else "no probation"
    review = f", reviewed by {', '.join(settings.review)}" if settings.review else ""
    click.echo(f"limits   {settings.repairs} repairs, {budget}, {probation}{review}")
    path = Path(context.obj["image"])
    if path.exists() or holder(context.obj["image"]) is not None:
        states = [row["state"] for row in _decide(context, "pending")]
        click.echo(f"image    {states.count('pending')} wait, {len(states) - states.count('pending')} refused")


@jit.command()
@click.pass_context
def models(context: click.Context) -> None:
    """The models there are: the embedded one, its adapters, and what a server lists."""
    from .jit.adapter import FOLDER
    from .jit.errors import JitProblem
    from .jit.model_status import model_status, weights_path
    from .jit.settings import read_settings

    settings = read_settings(policy=context.obj["policy"])
    chosen = settings.model or weights_path()
    click.echo(f"embedded  {chosen or 'none'}  ({model_status()})")
    for card in sorted(FOLDER.glob("*.json")):
        used = "used" if settings.adapter == "shipped" else "not used"
        click.echo(f"adapter   {card.stem}  (shipped, {used})")
    if settings.adapter not in ("shipped", "off"):
        click.echo(f"adapter   {settings.adapter}")
    if settings.url:
        from .jit.server import ServerEngine

        server = ServerEngine(settings.url, settings.model_name, settings.key, min(settings.timeout, 10.0))
        try:
            for name in server.models():
                used = "  (used)" if name == settings.model_name or not settings.model_name else ""
                click.echo(f"server    {name} at {settings.url}{used}")
        except JitProblem as problem:
            click.echo(f"server    {problem}")
        finally:
            server.close()


@jit.command("set")
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.pass_context
def set_(context: click.Context, name: str | None, value: str | None) -> None:
    """The settings, or set one of them for all your images: NAME VALUE; an empty VALUE takes it back.

    \b
    batos jit set                         all of them, and where each is from
    batos jit set temperature 0.2
    batos jit set url http://127.0.0.1:8000/v1
    batos jit set tokens-per-hour 20000
    A kernel reads them when it starts. The environment (BATOS_...) wins over what is set here.
    """
    from .jit.kept_settings import NAMES, describe_settings, keep_setting

    if name is None:
        click.echo("\n".join(describe_settings()))
        return
    if name not in NAMES:
        raise click.ClickException(f"no setting is called {name}; there are: {', '.join(NAMES)}")
    if value is None:
        raise click.ClickException(f"set {name} to what? ('' takes it back)")
    click.echo(f"{name} {value or 'as by default'}, kept in {keep_setting(name, value)}")


@jit.command()
@click.argument("prototype")
@click.argument("who", type=POLICY)
@click.pass_context
def policy(context: click.Context, prototype: str, who: str) -> None:
    """Who decides about what PROTOTYPE and its clones do not understand; none: as elsewhere."""
    click.echo(_decide(context, "policy", prototype, policy=who))


@jit.command()
@click.option("--all", "everything", is_flag=True, help="What was refused or put back, too.")
@click.pass_context
def pending(context: click.Context, everything: bool) -> None:
    """What a model wrote and nobody has decided about: approve or reject it."""
    rows = [row for row in _decide(context, "pending") if everything or row["state"] == "pending"]
    for row in rows:
        note = f": {row['note']}" if row["note"] else ""
        click.echo(f"{row['prototype']}>>{row['selector']}  {row['state']}  {row['time']}{note}")
        if row["explanation"]:
            click.echo(f"  {row['explanation']}")
        for line in row["code"].splitlines():
            click.echo(f"    {line}")
    if not rows:
        click.echo("nothing waits")


def _deciding(action: str, words: str) -> None:
    """A command that decides about PROTOTYPE and SELECTOR."""

    @jit.command(action, help=words)
    @click.argument("prototype")
    @click.argument("selector")
    @click.pass_context
    def decide(context: click.Context, prototype: str, selector: str) -> None:
        click.echo(_decide(context, action, prototype, selector))


_deciding("approve", "Install what waits for PROTOTYPE and SELECTOR, after the gates have passed it again.")
_deciding("reject", "Say no to what waits: it is not asked for again until something changes.")
_deciding("forget", "Let a miss be asked again that was refused, or whose method was put back since it raised.")


@jit.command()
@click.argument("selector", required=False)
@click.pass_context
def history(context: click.Context, selector: str | None) -> None:
    """The methods a model wrote; with SELECTOR each in full: gates, provenance, code."""
    from .jit.story import Story, stories

    found: list[Story] = on_the_image(
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

    click.echo(on_the_image(context, take_back, lambda client: _revert_by_kernel(client, prototype, selector)))


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
@click.option("--style", type=click.Choice(["small", "large", "tuned"]), help="How to ask; else as the engine wants.")
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
    BATOS_ADAPTER=off batos jit eval --style tuned   the bare model, with the prompt that an adapter gets
    """
    from .evaluation import run

    run(context.obj["policy"], split, engine, adapter, style, family, limit, repairs, file, verbose)


def _decide(
    context: click.Context, action: Any, prototype: str | None = None, selector: str | None = None, policy: Any = None
) -> Any:
    """Carry out a jit command, wherever the image is held."""
    from .bridge.covenant import JitCommand
    from .deciding import act

    command = JitCommand(action=action, prototype=prototype, selector=selector, policy=policy)

    def near(worker: Any) -> Any:
        from .jit import miss_handler

        weaver = miss_handler(context.obj["image"], policy="ask") if action == "approve" else None
        try:
            return act(worker, weaver, command, getpass.getuser())
        except LookupError as problem:
            raise click.ClickException(str(problem)) from None
        finally:
            if weaver is not None:
                weaver.close()

    return on_the_image(context, near, lambda client: client.call(command).data)


def on_the_image(context: click.Context, work: Callable[[Any], Any], ask: Callable[[Any], Any]) -> Any:
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
