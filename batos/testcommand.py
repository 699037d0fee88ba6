"""The command `batos test`."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

SCRATCH = "memory:"


@click.command("test")
@click.argument("files", nargs=-1, type=click.Path(exists=True))
@click.option(
    "-i",
    "--image",
    default=None,
    help="Test on what this image holds (also: batos -i IMAGE test). It is only read: nothing is kept in it.",
)
@click.option("-k", "pattern", default="", help="Only tests whose name, FooTest>>testBar, matches this pattern.")
@click.option("-x", "--fail-fast", is_flag=True, help="Stop at the first test that does not pass.")
@click.option("--list", "only_list", is_flag=True, help="Print the names of the tests, and run none.")
@click.option("--junit", type=click.Path(dir_okay=False), default=None, help="Write JUnit's XML report to this file.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="A test that runs longer is ended, and is an error.",
)
@click.option("-v", "--verbose", is_flag=True, help="A line for each test; what the files write while they load.")
@click.pass_context
def test(
    context: click.Context,
    files: tuple[str, ...],
    image: str | None,
    pattern: str,
    fail_fast: bool,
    only_list: bool,
    junit: str | None,
    seconds: float,
    verbose: bool,
) -> None:
    """Run SUnit tests: load FILES (folders: every .st file in them) into a scratch image, run all tests found.

    \b
    batos test bank.st                       a file of test cases
    batos test tests/ -k Account -x          those with Account in their name, up to the first failure
    batos -i bank.fs test                    the test cases that an image holds
    batos -i bank.fs test bank.st           a file's, run on what an image holds

    Files and folders are read as `batos run` reads them: messages, brackets, chunks, Tonel.

    A test is a method whose name begins with "test" of a clone (or subclass) of TestCase. Each runs in a transaction of
    its own, which is taken back afterwards. The exit status is 0 if all passed, 1 if not, 2 if a file did not load
    or there was no test.
    """
    parent = context.parent
    if image is None and parent is not None and parent.get_parameter_source("image") is not ParameterSource.DEFAULT:
        image = context.obj["image"]
    try:
        re.compile(pattern)
    except re.error as problem:
        raise click.BadParameter(str(problem), param_hint="-k") from problem
    if image is None and not files:
        raise click.UsageError("name files or folders of tests, or an image that holds some: batos -i IMAGE test")
    if image is not None and image != SCRATCH:
        image = image if image.startswith("demo:") else f"demo:{image}"
    worker_of: list[Any] = []

    def body() -> int:
        from .image import open_image
        from .interp import Worker

        with open_image(image or SCRATCH) as opened:
            worker = Worker(opened, "tests")
            worker_of.append(worker)
            try:
                return _test(worker, files, image is not None, pattern, fail_fast, only_list, junit, seconds, verbose)
            finally:
                worker.close()

    body.interrupt = lambda: worker_of and worker_of[0].interrupt()  # type: ignore[attr-defined]
    from .interp import deep

    context.exit(deep(body))


def _test(
    worker: Any,
    files: tuple[str, ...],
    over_image: bool,
    pattern: str,
    fail_fast: bool,
    only_list: bool,
    junit: str | None,
    seconds: float,
    verbose: bool,
) -> int:
    from .suites import Runner, find, load
    from .verdicts import Teller, explain, summary, write_junit

    started = time.perf_counter()
    before = worker.connection.db().lastTransaction() if over_image and files else None
    loaded = load(worker, files, lambda text: click.echo(text, nl=False) if verbose else None)
    for problem in loaded.problems:
        click.echo(problem, err=True)
    tests = find(worker, pattern, before)
    if only_list:
        for one in tests:
            click.echo(one.name)
        return 2 if loaded.problems or not tests else 0
    if not tests:
        click.echo("no tests were found" + (f" that match {pattern!r}" if pattern else ""), err=True)
    runner, teller = Runner(worker, seconds), Teller(verbose)
    if not (loaded.problems and fail_fast):
        with teller.telling(len(tests)):
            for one in tests:
                teller.begin(one)
                runner.run(one)
                teller.done(one)
                if runner.interrupted or (fail_fast and one.verdict in ("failed", "error")):
                    break
    trouble = runner.clear(dict.fromkeys(one.case for one in tests if one.verdict))
    if trouble:
        loaded.problems.append(trouble)
        click.echo("a resource could not be cleared away:\n" + trouble, err=True)
    spent = time.perf_counter() - started
    bad = [one for one in tests if one.verdict in ("failed", "error")]
    for one in bad:
        click.echo(explain(one) + "\n")
    for one in tests:
        if one.verdict == "skipped" and not verbose:
            click.echo(f"skipped {one.name}" + (f": {one.message}" if one.message else ""))
    click.echo(summary(tests, spent))
    if loaded.problems:
        click.echo(f"{len(loaded.problems)} problem(s) while loading, told above", err=True)
    if junit is not None:
        try:
            write_junit(Path(junit), tests, loaded.problems, spent)
        except OSError as problem:
            raise click.ClickException(f"{junit}: {problem}") from problem
    if loaded.problems or not tests or runner.interrupted:
        return 2
    return 1 if bad else 0
