"""The command line. Each command imports what it needs when it runs: whoever types ``batos eval`` waits for imports."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from . import __version__
from .brokering import broker
from .jitting import jit
from .keys import keys
from .learning import train
from .serving import hold_for_kernel, serve_model
from .testcommand import test
from .weaver import weaver

DEFAULT_IMAGE = "live_image.fs"
POLICIES = click.Choice(["off", "ask", "auto"])


class Group(click.Group):
    """Errors of ours are one line on stderr and exit 1; wrong usage is exit 2, as click has it."""

    def invoke(self, context: click.Context) -> Any:
        _stand_in_for_closed_streams()
        from .image.errors import ImageProblem

        try:
            return super().invoke(context)
        except ImageProblem as problem:
            raise click.ClickException(str(problem)) from problem
        except BrokenPipeError:
            sys.stderr.close()
            context.exit(1)
        except Exception as problem:
            if getattr(problem, "code", None) is None or not type(problem).__module__.startswith("batos."):
                raise
            raise click.ClickException(str(problem)) from problem


def _stand_in_for_closed_streams() -> None:
    """A standard stream that whoever started us has closed is the null device: else the image would get its number, and
    what some library prints would be written into the image."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
            pass
        os.close(descriptor)
        sys.stdin, sys.stdout, sys.stderr = (
            stream or open(number, mode)
            for stream, number, mode in ((sys.stdin, 0, "r"), (sys.stdout, 1, "w"), (sys.stderr, 2, "w"))
        )


@click.group(cls=Group, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-i",
    "--image",
    default=DEFAULT_IMAGE,
    show_default=True,
    help="The image: a file, or a zodburi (zeo://, postgresql://).",
)
@click.option(
    "--jit",
    "policy",
    type=POLICIES,
    default=None,
    help="What happens when nobody understands a message: an error (off), a model writes the method and you decide "
    "(ask), or what passes every gate is installed (auto).",
)
@click.option(
    "--at",
    "endpoint",
    default=None,
    metavar="ENDPOINT",
    help="A kernel that runs already, also elsewhere, as tcp://host:port (see `batos keys`); no image is opened here.",
)
@click.version_option(__version__, prog_name="batos")
@click.pass_context
def main(context: click.Context, image: str, policy: str | None, endpoint: str | None) -> None:
    """BAT OS: one living image of prototype objects that you talk to in Smalltalk messages.

    \b
    batos                        the REPL on live_image.fs
    batos eval '3 + 4'           one line, one answer
    batos run bank.st            a file of statements, each a transaction of its own
    batos -i other.fs eval ...   another image

    Objects stay: what one command assigned, the next one finds.
    """
    context.obj = {"image": image, "policy": policy, "at": endpoint}
    if context.invoked_subcommand is None:
        context.invoke(repl)


def jit_option(function: Any) -> Any:
    return click.option("--jit", "policy", type=POLICIES, default=None, help="off, ask or auto; as for batos itself.")(
        function
    )


def _workspace(context: click.Context, option: click.Parameter, name: str) -> str:
    if not 1 <= len(name) <= 128:
        raise click.BadParameter("a workspace's name has 1 to 128 characters")
    return name


def workspace_option(function: Any) -> Any:
    return click.option(
        "-w",
        "--workspace",
        default="default",
        show_default=True,
        callback=_workspace,
        help="Whose variables: a workspace persists.",
    )(function)


def _settings(context: click.Context, policy: str | None, default: str) -> tuple[str, Any]:
    """The image, and who decides: the command line, else BATOS_JIT or `batos jit set`, else what the command does."""
    return context.obj["image"], _chosen(context, policy) or default


def _chosen(context: click.Context, policy: str | None) -> Any:
    """Whom the person wants to decide, if that was said."""
    from .jit.kept_settings import kept_policy

    return policy or context.obj["policy"] or kept_policy(os.environ)


def _run(context: click.Context, location: str, policy: str, work: Any) -> bool:
    """work(session) on a thread with room for deep recursion; Ctrl-C interrupts the message."""
    from .interp import deep
    from .session import open_session

    opened: list[Any] = []

    def body() -> bool:
        with open_session(location, policy, context.obj["at"]) as session:
            opened.append(session)
            return bool(work(session))

    body.interrupt = lambda: opened and opened[0].interrupt()  # type: ignore[attr-defined]
    return bool(deep(body))


@main.command("eval")
@click.argument("source")
@jit_option
@workspace_option
@click.option("--atomic", is_flag=True, help="All statements in one transaction.")
@click.pass_context
def eval_(context: click.Context, source: str, policy: str | None, workspace: str, atomic: bool) -> None:
    """Evaluate SOURCE and print the last statement's value. '-' reads it from standard input.

    \b
    batos eval '3 + 4'                      7
    batos eval 'x := 3. x * x'              9
    batos eval 'x'                          3, still
    """
    from .transcript import Advice, Last

    unasked = _chosen(context, policy) is None and not atomic
    location, policy = _settings(context, policy, "off")
    text = sys.stdin.read() if source == "-" else source
    last = Last()
    show = Advice(last, unasked)

    def work(session: Any) -> bool:
        return bool(session.evaluate(text, show, origin="<eval>", workspace=workspace, atomic=atomic))

    well = _run(context, location, policy, work)
    last.finish()
    show.finish()
    context.exit(0 if well else 1)


@main.command("run")
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option(
    "--transcript",
    is_flag=True,
    help="Print a golden transcript: each statement, => and its value, its output or its error.",
)
@click.option("--atomic", is_flag=True, help="Each file is one transaction: it happens wholly or not at all.")
@click.option("--stop", is_flag=True, help="Stop at the first error.")
@click.option(
    "--syntax",
    type=click.Choice(["auto", "messages", "chunks", "tonel"]),
    default="auto",
    help="How the files are written, where it is not told from what is in them.",
)
@jit_option
@workspace_option
@click.pass_context
def run_(
    context: click.Context,
    files: tuple[str, ...],
    transcript: bool,
    atomic: bool,
    stop: bool,
    syntax: str,
    policy: str | None,
    workspace: str,
) -> None:
    """Run FILES of statements. Output of Transcript goes to stdout, errors to stderr; the exit status is 1 if there was
    one.

    Files for other Smalltalks are run too, and their classes become prototypes: GNU Smalltalk's brackets (Object
    subclass: Foo [ ... ]), texts in chunks that end with !, and Tonel, of which FILES may also name folders.
    """
    from .reading import texts_of
    from .transcript import Advice, Golden, Plain

    unasked = _chosen(context, policy) is None and not atomic
    location, policy = _settings(context, policy, "off")
    texts = texts_of(files, syntax)
    show = Advice(Golden() if transcript else Plain(), unasked)

    def work(session: Any) -> bool:
        well = True
        for name, text, written in texts:
            went = session.evaluate(
                text,
                show,
                origin=name,
                workspace=workspace,
                atomic=atomic,
                stop=stop,
                syntax=written,
                echo=transcript,
            )
            well = well and went
            if stop and not went:
                break
        return well

    well = _run(context, location, policy, work)
    show.finish()
    context.exit(0 if well else 1)


@main.command()
@click.option(
    "--endpoint",
    default=None,
    help="Where to listen: ipc:///path or tcp://127.0.0.1:port. Default: a socket only you can open.",
)
@click.option(
    "--tcp",
    default=None,
    metavar="ENDPOINT",
    help="Listen here too, for clients with keys: 'tcp://*:5555'. See `batos keys`.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="How many messages run at once."
)
@click.option(
    "--lifeline",
    is_flag=True,
    help="Stop when standard input ends, as it does when the starter dies, and no client is connected any more.",
)
@click.option(
    "--receipts/--no-receipts",
    default=None,
    help="Keep in the image what each session's last messages answered, so that another kernel can tell a client "
    "whether a message was carried out. Default: yes where an image may have several kernels.",
)
@click.option("--metrics", default=None, metavar="HOST:PORT", help="Prometheus metrics over HTTP, on loopback only.")
@click.option("--serve-model", is_flag=True, help="Run a model server beside it, until the kernel ends.")
@click.option("--log", "log_file", default=None, metavar="FILE", help="Where to log; - is stderr. Default: IMAGE.log.")
@click.option("--log-format", type=click.Choice(["json", "text"]), default="json", show_default=True)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="debug: a line for each command.",
)
@jit_option
@click.pass_context
def kernel(
    context: click.Context,
    endpoint: str | None,
    tcp: str | None,
    workers: int,
    lifeline: bool,
    receipts: bool | None,
    metrics: str | None,
    serve_model: bool,
    log_file: str | None,
    log_format: str,
    log_level: str,
    policy: str | None,
) -> None:
    """Hold the image and serve it to many clients, until stopped.

    An image in a file has one kernel; one on a server (zeo://, postgresql://) may have many: see `batos broker`.
    """
    from .kernel import main as serve

    location, policy = _settings(context, policy, "ask")
    stdin = sys.stdin.fileno() if lifeline else None
    if serve_model:
        os.environ.setdefault("BATOS_WEAVER", "local")
    let_go = hold_for_kernel() if serve_model else None
    try:
        status = serve(
            location, endpoint, workers, policy, lifeline=stdin, tcp=tcp, receipts=receipts, metrics=metrics,
            log_file=log_file, log_format=log_format, log_level=log_level,
        )  # fmt: skip
    finally:
        if let_go is not None:
            let_go()
    context.exit(status)


@main.command()
@click.option("--every", type=click.FloatRange(0.1, 60), default=1.0, show_default=True, help="Seconds between looks.")
@click.option("--once", is_flag=True, help="Show it once, with totals since the start, and end.")
@click.pass_context
def top(context: click.Context, every: float, once: bool) -> None:
    """A kernel at work: sessions, queues, commits, conflicts, caches, the model. Ctrl-C leaves."""
    from .image import holder
    from .top import watch

    held = holder(context.obj["image"]) if context.obj["at"] is None else None
    endpoint = context.obj["at"] or (held.endpoint if held is not None else "")
    if not endpoint:
        raise click.ClickException(f"no kernel serves {context.obj['image']}; `batos kernel` starts one")
    watch(endpoint, every, once)


@main.command()
@jit_option
@workspace_option
@click.pass_context
def repl(context: click.Context, policy: str | None = None, workspace: str = "default") -> None:
    """Talk to the image. Starts a kernel for it if none runs."""
    from .front import with_kernel
    from .ui.repl import main as talk

    location, policy = _settings(context, policy, "ask")
    with with_kernel(location, policy, context.obj["at"]) as (endpoint, revive):
        context.exit(talk(endpoint, workspace=workspace, policy=policy, revive=revive))  # type: ignore[arg-type]


@main.command()
@jit_option
@workspace_option
@click.option("--theme", type=click.Choice(["dark", "light"]), default=None, help="Over canvas.toml's.")
@click.option("--text-size", type=int, default=None, help="8 to 48; over canvas.toml's.")
@click.option("--trace", type=click.Path(dir_okay=False), default=None, help="Append what it shows as JSON lines.")
@click.pass_context
def canvas(
    context: click.Context,
    policy: str | None,
    workspace: str,
    theme: str | None,
    text_size: int | None,
    trace: str | None,
) -> None:
    """Open the window on the image. Starts a kernel for it if none runs."""
    from pathlib import Path

    from .front import with_kernel
    from .ui.canvas import main as show

    location, policy = _settings(context, policy, "ask")
    with with_kernel(location, policy, context.obj["at"]) as (endpoint, _):
        kept = Path(trace) if trace else None
        context.exit(
            show(endpoint, workspace=workspace, policy=policy, theme=theme, text_size=text_size, trace=kept)  # type: ignore[arg-type]
        )


@main.command()
@click.option(
    "--answer",
    type=click.Choice(["recorded", "model"]),
    default="recorded",
    show_default=True,
    help="Who answers display_yourself where nobody has yet: the answer on file, or the model that is set.",
)
@click.option("--stay", is_flag=True, help="Leave the window open at the end.")
@click.pass_context
def bootstrap(context: click.Context, answer: str, stay: bool) -> None:
    """Bring an image to show itself: four phases, each verified. Run again, it finds what is done.

    \b
    1  Prototypal Awakening      the image and its genesis object
    2  First Conversation        display_yourself is a miss; the answer passes the gates
    3  In-Memory Autopoiesis     its code runs in the image, what it makes is committed
    4  Functional Validation     a window opens, the state is shown, a change arrives
    """
    from .bootstrap import Bootstrap, PhaseFailed
    from .interp import deep

    run = Bootstrap(context.obj["image"], click.echo, answer, stay)

    def work() -> None:
        run.run()

    work.interrupt = run.stop  # type: ignore[attr-defined]
    try:
        deep(work)
    except PhaseFailed as problem:
        raise click.ClickException(str(problem)) from problem


main.add_command(broker)
main.add_command(jit)
main.add_command(keys)
main.add_command(serve_model)
main.add_command(test)
main.add_command(train)
main.add_command(weaver)


@main.group()
def image() -> None:
    """Look after the image's file."""


@image.command()
@click.pass_context
def check(context: click.Context) -> None:
    """Read every object and every record, and say what is wrong."""
    from .image.check import check as check_image

    report = check_image(context.obj["image"], _progress(), _method_flaw)
    click.echo(report.render())
    context.exit(0 if report.ok else 1)


@image.command()
@click.argument("output", type=click.Path(path_type=str))
@click.pass_context
def recover(context: click.Context, output: str) -> None:
    """Save what can be read of a damaged image into OUTPUT, a new file."""
    from .image.repair import recover as recover_image

    report = recover_image(context.obj["image"], output, _progress())
    click.echo(report.render())
    context.exit(0 if report.check is not None and report.check.ok else 1)


@image.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=str))
@click.option("--full", is_flag=True, help="Copy everything again, not only what is new.")
@click.pass_context
def backup(context: click.Context, folder: str, full: bool) -> None:
    """Add what is new to the backups in FOLDER, and verify them. The image may be in use."""
    from .image.backup import backup as back_up

    made = back_up(context.obj["image"], folder, full)
    click.echo("nothing is new" if made is None else f"{made.path}: {made.size:,} bytes")


@image.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=str))
@click.argument("output", type=click.Path(path_type=str))
@click.option("--before", type=click.DateTime(), default=None, help="The last backup before this time.")
@click.pass_context
def restore(context: click.Context, folder: str, output: str, before: Any) -> None:
    """Write the image as it was backed up last in FOLDER to OUTPUT, a new file."""
    from .image.backup import restore as restore_image

    report = restore_image(folder, output, before.timestamp() if before is not None else None)
    click.echo(report.render())
    context.exit(0 if report.ok else 1)


@image.command()
@click.option("--keep-days", type=click.FloatRange(min=0), default=7.0, show_default=True, help="What stays undoable.")
@click.pass_context
def pack(context: click.Context, keep_days: float) -> None:
    """Give back the room of old versions and of what nothing refers to any more."""
    from .image import open_image
    from .image.pack import pack as pack_image

    with open_image(context.obj["image"], create=False) as opened:
        click.echo(pack_image(opened, keep_days, _progress()).render())


@image.command()
@click.argument("names", nargs=-1)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=str), default="-", help="A new file.")
@click.pass_context
def fileout(context: click.Context, names: tuple[str, ...], output: str) -> None:
    """Write the objects that the world knows by NAMES (none: all that people named) as a program in message syntax.

    \b
    batos image fileout Account Savings -o bank.st
    batos -i fresh.fs run bank.st                     the same objects in another image
    """
    from pathlib import Path

    said: list[Any] = []
    listed = " ".join("'" + name.replace("'", "''") + "'" for name in names)
    asked = f"Smalltalk fileOut: #({listed})" if names else "Smalltalk fileOut"

    def work(session: Any) -> bool:
        source = f"Transcript show: ({asked})"
        return bool(session.evaluate(source, said.append, origin="<fileout>", workspace="default", atomic=False))

    if not _run(context, context.obj["image"], "off", work):
        raise click.ClickException(said[0].error.split("\n")[0])
    if output == "-":
        click.echo(said[0].transcript, nl=False)
        return
    try:
        with Path(output).open("x", encoding="utf-8") as file:
            file.write(said[0].transcript)
    except OSError as problem:
        raise click.ClickException(f"{output}: {problem.strerror}") from problem


def _progress() -> Any:
    """How far a long piece of work is, on one line of the terminal; nothing where there is none."""
    if not sys.stderr.isatty():
        return None

    def show(what: str, done: int, total: int) -> None:
        share = f"{100 * done // total}%" if total else ""
        click.echo(f"\r{what} {share:<5}", nl=False, err=True)

    return show


def _method_flaw(slots: dict[str, Any]) -> str:
    """What the grammar has against a method's source; the image's own check cannot ask it."""
    from .grammar import SyntaxProblem, parse_method

    if slots["language"] == "smalltalk":
        try:
            parse_method(slots["source"])
        except SyntaxProblem as problem:
            return f"its source does not parse: {problem.message}"
    return ""


if __name__ == "__main__":
    main()
