"""`batos weaver`: the facets there are, which servers hold them, what aliases mean, and what it all did."""

from __future__ import annotations

import getpass
from typing import Any

import click


@click.group("weaver")
def weaver() -> None:
    """The CognitiveWeaver: many facets (LoRA adapters) on one served model.

    \b
    batos weaver facets                      the adapters there are, and what they did
    batos weaver status                      the servers, and what each holds now
    batos weaver publish ./robin.gguf robin  take an adapter in; robin means it from now on
    batos weaver alias robin robin@0123456789ab
                                             let robin mean another one
    batos weaver ask robin 'I am stuck'      one question to one facet
    batos weaver load robin                  have a server hold it before it is asked

    Who answers: the servers that `batos serve-model` runs here; else BATOS_MODEL_URL; else the model in this process.
    `batos jit set weaver ...` names others. In the image the same is CognitiveWeaver: `CognitiveWeaver facets`.
    """


@weaver.command()
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """The servers: whether they answer, what they hold, what they did."""
    told = _panel(context)
    if as_json:
        import json

        click.echo(json.dumps(told, indent=1))
        return
    for server in told["servers"]:
        state = server["state"] + (f" ({server['reason']})" if server["state"] == "down" else "")
        click.echo(f"server   {server['name']}  {state}  {server['kind']}")
        held = [
            name if each["state"] == "held" else f"{name} ({each['state']})" for name, each in server["held"].items()
        ]
        click.echo(f"  holds  {len(held)} of {server['room']}: {', '.join(sorted(held)) or 'none'}")
        if server.get("loads") or server.get("hits"):
            click.echo(
                f"  did    {server['loads']} loads, {server['evictions']} evictions; {server['hits']} requests found "
                f"their facet loaded, {server['waits']} waited; {server['failures']} failures"
            )
        click.echo(f"  now    {server['in_flight']} under way, {server['waiting']} wait for a facet")
    if not told["servers"]:
        click.echo("server   none")
    for alias, name in sorted(told["aliases"].items()):
        click.echo(f"alias    {alias} means {name}")
    click.echo(f"rules    {told['rules']}")


@weaver.command()
@click.pass_context
def facets(context: click.Context) -> None:
    """The adapters there are, which aliases mean them, who holds them, what they did."""
    rows = _panel(context)["facets"]
    for each in rows:
        notes = [", ".join(each["forms"]) or "not in the library", f"{each['bytes'] / 2**20:.1f} MB"]
        if each["aliases"]:
            notes.append("alias " + ", ".join(each["aliases"]))
        if each["servers"]:
            notes.append("held by " + ", ".join(each["servers"]))
        if each["requests"]:
            notes.append(f"{each['requests']} answers, {each['tokens']} tokens, {each['seconds']:.2f} s each")
        click.echo(f"{each['name']:32}  {'; '.join(notes)}")
    if not rows:
        click.echo("there are none; `batos weaver publish FILE FACET` takes one in")


@weaver.command()
@click.argument("facet")
@click.pass_context
def load(context: click.Context, facet: str) -> None:
    """Have a server hold FACET (an alias, a facet, or a full name) before it is asked."""
    from .image import holder

    server = _say(context, f"CognitiveWeaver load: {_quoted(facet)}")
    alone = server == "embedded" and not context.obj["at"] and holder(context.obj["image"]) is None
    until = ", in this process, which ends now; in a kernel (batos, batos kernel) it stays" if alone else ""
    click.echo(f"{facet} is held by {server}{until}")


@weaver.command()
@click.argument("facet")
@click.pass_context
def unload(context: click.Context, facet: str) -> None:
    """Have the servers let FACET go, once nobody is asking it any more."""
    _say(context, f"CognitiveWeaver unload: {_quoted(facet)}")
    click.echo(f"{facet} is let go")


@weaver.command()
@click.argument("word", required=False)
@click.argument("name", required=False)
@click.option("--remove", is_flag=True, help="WORD means nothing any more.")
@click.pass_context
def alias(context: click.Context, word: str | None, name: str | None, remove: bool) -> None:
    """What WORD means, or let it mean NAME from now on, in one transaction; `undo` takes it back.

    \b
    batos weaver alias                     all of them
    batos weaver alias robin robin@0123456789ab
    batos weaver alias jit --remove
    """
    if word is None:
        aliases = _panel(context)["aliases"]
        for each, meant in sorted(aliases.items()):
            click.echo(f"{each} means {meant}")
        if not aliases:
            click.echo("no word means an adapter yet; `batos weaver publish FILE WORD` lets one")
    elif remove:
        _say(context, f"CognitiveWeaver alias: {_quoted(word)} to: nil")
        click.echo(f"{word} means nothing any more")
    elif name is None:
        click.echo(_say(context, f"CognitiveWeaver named: {_quoted(word)}"))
    else:
        meant = _say(context, f"CognitiveWeaver publish: {_quoted(name)} as: {_quoted(word)}")
        click.echo(f"{word} means {meant}")


@weaver.command()
@click.argument("source", type=click.Path(exists=True))
@click.argument("facet")
@click.pass_context
def publish(context: click.Context, source: str, facet: str) -> None:
    """Take the adapter in SOURCE (a GGUF with its card, or a folder in PEFT's form) into the library as FACET, under a
    name that its content gives, and let the alias FACET mean it."""
    from pathlib import Path

    from .jit.settings import read_settings
    from .jit.weaver.opening import library_of

    name = library_of(read_settings()).publish(Path(source), facet)
    _say(context, f"CognitiveWeaver publish: {_quoted(name)} as: {_quoted(facet)}")
    click.echo(f"{facet} means {name}")


@weaver.command()
@click.argument("facet")
@click.argument("prompt")
@click.option("--tokens", type=click.IntRange(1, 32768), default=128, show_default=True, help="At most so many.")
@click.option("--temperature", type=click.FloatRange(0, 2), default=0.0, show_default=True)
@click.pass_context
def ask(context: click.Context, facet: str, prompt: str, tokens: int, temperature: float) -> None:
    """What FACET (`base` is the model without one) answers to PROMPT."""
    who = "nil" if facet == "base" else _quoted(facet)
    how = f"CognitiveWeaver clone tokens: {tokens}; temperature: {temperature}"
    _say(context, f"Transcript showCr: (({how}; yourself) facet: {who} complete: {_quoted(prompt)})", show=True)


@weaver.command()
@click.option("--clients", type=click.IntRange(1, 256), default=8, show_default=True, help="How many ask at once.")
@click.option("--requests", type=click.IntRange(1), default=64, show_default=True, help="How many in all.")
@click.option("--tokens", type=click.IntRange(1, 4096), default=32, show_default=True, help="Of each answer, at most.")
@click.option("--facet", "names", multiple=True, help="Ask these in turn; else all in the library, else the base.")
def bench(clients: int, requests: int, tokens: int, names: tuple[str, ...]) -> None:
    """Ask facets in turn, from many threads, and say how fast the answers came. (Against the same load sent straight to
    a server: `python -m benchmarks.weaver`.)"""
    from .jit.later import Later
    from .jit.weaver.timing import timed
    from .progress import bar

    handler = Later("")
    try:
        facets = handler.handler().facets
        for name in names:
            facets.library.resolve(name)  # what is not there is said before a bar is drawn
        with bar(requests, "answers") as tell:
            came = timed(facets, clients, requests, tokens, names, tell)
        click.echo(came.told())
    finally:
        handler.close()


def _panel(context: click.Context) -> dict[str, Any]:
    """The Weaver of the kernel that holds the image, or one of our own; the image need not be there yet."""
    from .image.errors import ImageMissing
    from .jitting import on_the_image

    def near(worker: Any) -> Any:
        from .jit.later import Later
        from .jit.weaver.panel import panel

        handler = Later(context.obj["image"])
        try:
            return panel(handler.handler().facets, worker)
        finally:
            handler.close()

    def far(client: Any) -> Any:
        from .bridge.covenant import WeaverCommand

        return client.call(WeaverCommand()).data

    try:
        told: dict[str, Any] = on_the_image(context, near, far)
    except ImageMissing:
        told = near(None)
    return told


def _say(context: click.Context, source: str, show: bool = False) -> str:
    """Send a message to the image; what its value prints as, without quotes."""
    from .interp import deep
    from .session import open_session

    views: list[Any] = []

    def body() -> None:
        with open_session(context.obj["image"], context.obj["policy"] or "off", context.obj["at"]) as session:
            workspace = f"weaver-{getpass.getuser()}"
            session.evaluate(source, views.append, origin="<weaver>", workspace=workspace, atomic=False)

    deep(body)
    if views[-1].error:
        raise click.ClickException(views[-1].error.split("\n")[0])
    if show:
        click.echo(views[-1].transcript, nl=False)
    printed = views[-1].printed or ""
    return printed[1:-1].replace("''", "'") if printed.startswith("'") else printed


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
