"""The parts of the REPL, each by itself; the prompt with prompt_toolkit's pipe input."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from batos.bridge.covenant import Approval
from batos.grammar import is_complete
from batos.ui.errors import around, shorten_stack
from batos.ui.repl import approval, piped, show
from batos.ui.repl.commands import COMMANDS
from batos.ui.repl.reader import KernelCompleter, Reader
from batos.ui.repl.rows import kernel_facts, summary
from batos.ui.repl.screen import Screen, has_colour, visible
from batos.ui.repl.spinner import Spinner
from batos.ui.repl.terminal import Candidate

from .conftest import Kernel, clean_environment


async def nothing(source: str, cursor: int) -> Sequence[Any]:
    return []


def read(keys: str, history: Path | None = None, vi: bool = False) -> tuple[str, str]:
    """What a person with these keys sends, and the wish with which."""

    async def reading() -> tuple[str, str]:
        with create_pipe_input() as pipe:
            pipe.send_text(keys)
            reader = Reader(
                is_complete=is_complete, lexer=None, candidates=nothing, commands=COMMANDS, history=history,
                status=lambda: "", colour=False, vi=vi, input=pipe, output=DummyOutput(),
            )  # fmt: skip
            typed = await reader.read()
            return str(typed), typed.wish

    return asyncio.run(reading())


def test_enter_sends_a_whole_statement() -> None:
    assert read("3 + 4\r") == ("3 + 4", "print")


def test_enter_in_an_open_bracket_is_a_new_line() -> None:
    assert read("[:x |\rx]\r")[0] == "[:x |\nx]"
    assert read("'it''s\r'\r")[0] == "'it''s\n'"


def test_two_empty_lines_send_what_is_not_whole() -> None:
    assert read("#(1 2\r\r\r")[0].strip() == "#(1 2"


def test_alt_enter_is_a_new_line() -> None:
    assert read("a.\x1b\rb\r")[0] == "a.\nb"


def test_a_pasted_program_is_one_message() -> None:
    pasted = "Account := Object clone.\nAccount >> double [\n    ^2\n].\n"
    assert read(f"\x1b[200~{pasted}\x1b[201~\r")[0].rstrip() == pasted.rstrip()


def test_keys_for_do_print_and_inspect() -> None:
    assert [read(f"x\x1b[{key}~")[1] for key in (15, 17, 18)] == ["do", "print", "inspect"]


def test_vi_keys() -> None:
    assert read("3 + 5\x1br4\r", vi=True)[0] == "3 + 4"


def test_ctrl_c_and_ctrl_d() -> None:
    with pytest.raises(KeyboardInterrupt):
        read("abc\x03")
    with pytest.raises(EOFError):
        read("\x04")


def test_history_is_kept_and_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "history"
    read("#first\r", file)
    assert read("\x1b[A\r", file)[0] == "#first"


def test_a_history_that_cannot_be_kept_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert read("3\r", tmp_path / "file" / "history")[0] == "3"


def completions(source: str, candidates: Any) -> list[str]:
    async def complete() -> list[str]:
        completer = KernelCompleter(candidates, COMMANDS, patience=0.2)
        document = Document(source, len(source))
        return [each.text async for each in completer.get_completions_async(document, None)]  # type: ignore[arg-type]

    return asyncio.run(complete())


def test_completion_of_commands_and_by_the_kernel() -> None:
    async def one(source: str, cursor: int) -> list[Candidate]:
        return [Candidate("withdraw:", 8, "selector")]

    assert completions("savings w", one) == ["withdraw:"]
    assert completions(":se", one) == [":senders"]


def test_completion_gives_up_on_a_slow_or_lost_kernel() -> None:
    async def never(source: str, cursor: int) -> list[Candidate]:
        await asyncio.Event().wait()
        return []

    async def gone(source: str, cursor: int) -> list[Candidate]:
        raise ConnectionError

    assert completions("a", never) == completions("a", gone) == []


# -- what is shown ----------------------------------------------------------------------------------------------------


def plain(terminal: bool = True, colour: bool = False) -> Screen:
    return Screen(io.StringIO(), io.StringIO(), terminal=terminal, colour=colour)


def test_a_result_of_many_lines_is_bounded_and_says_so() -> None:
    lines = show.result(plain(), "\n".join(f"line {i}" for i in range(500)))
    assert lines[0] == "=> line 0" and lines[1] == "   line 1" and len(lines) == show.MOST_LINES + 1
    assert "more characters" in lines[-1]
    assert len(show.result(plain(), "x" * 10**6)[0]) < 3000


def test_no_escape_sequence_of_the_image_reaches_the_terminal() -> None:
    screen = plain()
    screen.line("\x1b]0;title\x07 \x9b31m \u202e", "error")
    assert screen.out.getvalue() == "␛]0;title␇ \\u{9b}31m \\u{202e}\n"  # type: ignore[attr-defined]
    into_a_pipe = plain(terminal=False)
    into_a_pipe.line("\x1b")
    assert into_a_pipe.out.getvalue() == "\x1b\n"  # type: ignore[attr-defined]


@given(st.text())
def test_what_is_visible_is_printable(text: str) -> None:
    assert all(c in "\n\t" or c.isprintable() for c in visible(text))


def test_an_error_points_at_its_place() -> None:
    lines = show.error(plain(), "no", line=3, column=5, length=3, source_line="x + yyy", stack=["A>>b"], code="c")
    assert lines == ["no  [c]", "   3 | x + yyy", "     |     ^^^", "  in A>>b"]
    # Columns of the terminal, of which an ideograph takes two and a combining accent none.
    lines = show.error(plain(), "no", line=1, column=6, length=4, source_line="'日本' e\u0301a🦇 x")
    assert lines[2:] == ["     |        ^^^^"]


@given(st.text(alphabet="ab\t", max_size=300), st.integers(-5, 400), st.integers(-5, 400), st.integers(0, 90))
def test_the_caret_is_always_under_the_shown_part(text: str, column: int, length: int, width: int) -> None:
    shown, start, carets = around(text, column, length, width)
    assert len(shown) <= max(width, 20) and 0 <= start <= len(shown) and carets >= 1
    if 1 <= column <= len(text) and start:
        assert shown[start] == text.expandtabs(1)[column - 1]


def test_a_deep_stack_shows_its_ends() -> None:
    short = shorten_stack([f"f{i}" for i in range(10_000)])
    assert len(short) == 17 and short[0] == "  in f0" and short[-1] == "  in f9999" and "9,984 more" in short[12]


def test_colours_only_where_a_person_has_them() -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert has_colour(Tty(), {"TERM": "xterm"})
    assert not has_colour(Tty(), {"TERM": "dumb"}) and not has_colour(Tty(), {})
    assert not has_colour(Tty(), {"TERM": "xterm", "NO_COLOR": "1"})
    assert not has_colour(io.StringIO(), {"TERM": "xterm"})


def test_the_spinner_fits_the_line_and_leaves_nothing() -> None:
    spinner = Spinner(plain())
    spinner.tail = "x" * 1000
    assert len(spinner.text(spinner.since + 3)) < spinner.screen.width
    assert "3.0 s" in spinner.text(spinner.since + 3)


def test_rows_of_data_read_well() -> None:
    assert summary({"id": 3, "what": "x", "size": 4}) == "3  x  size 4"
    assert summary({"transaction": "04", "time": 1.5, "told": "'x' (now)", "user": ""}) == "04  'x' (now)"
    facts = {"image": "a.fs", "pid": 7, "up": 61.2, "workers": 1, "resident_bytes": 3 << 20, "transactions": {}}
    assert kernel_facts(facts) == [("image", "a.fs"), ("kernel", "process 7, up 61 s, 1 worker"), ("memory", "3 MB")]


# -- decisions --------------------------------------------------------------------------------------------------------


PROPOSAL = Approval(
    approval="1", prototype="Account", selector="double", explanation="Twice.", code="double [ ^self * 2 ]",
    gates=[{"gate": "parse", "passed": True}, {"gate": "trial", "passed": False, "reason": "ran forever"}],
)  # fmt: skip


class Person:
    """Answers with these keys and lines, in order."""

    def __init__(self, *answers: str | type[BaseException]) -> None:
        self.answers = list(answers)

    async def key(self, question: str, keys: str) -> str:
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            return answer
        raise answer

    async def line(self, question: str) -> str:
        return await self.key(question, "")


def decide(*answers: str | type[BaseException], edited: str | None = None) -> approval.Decision:
    return asyncio.run(approval.decide(plain(), PROPOSAL, Person(*answers), lambda code: edited))


def test_decisions() -> None:
    assert decide("y") == approval.Decision("yes")
    assert decide("n") == decide(KeyboardInterrupt) == decide(EOFError) == approval.Decision("no")
    assert decide("r", " faster ") == approval.Decision("retry", hint="faster")
    assert decide("e", edited="double [ ^4 ]") == approval.Decision("edit", code="double [ ^4 ]")
    assert decide("e", "n") == approval.Decision("no")  # an editor that changed nothing asks again


def test_a_proposal_shows_explanation_code_and_gates() -> None:
    text = "\n".join(approval.describe(plain(), PROPOSAL))
    assert "Account>>double" in text and "Twice." in text and "^self * 2" in text
    assert "✓ parse" in text and "✗ trial: ran forever" in text


def test_a_proposal_that_replaces_shows_what_changes() -> None:
    lines = approval.describe(plain(), PROPOSAL.model_copy(update={"replaces": "double [ ^self ]"}))
    assert "│ -double [ ^self ]" in lines and "│ +double [ ^self * 2 ]" in lines


def test_the_editor(tmp_path: Path) -> None:
    editor = tmp_path / "my editor"
    editor.write_text('#!/bin/sh\necho changed > "$2"\n')
    editor.chmod(0o700)
    env = {"EDITOR": f"'{editor}' --wait"}
    assert approval.edit_in_editor("old", env) == "changed\n"
    assert approval.edit_in_editor("old", {"EDITOR": "true"}) is None
    assert approval.edit_in_editor("old", {"EDITOR": "false"}) is None
    with pytest.raises(OSError):
        approval.edit_in_editor("old", {"EDITOR": str(tmp_path / "none")})


# -- in a pipe --------------------------------------------------------------------------------------------------------


def test_a_piped_program_is_cut_at_its_commands() -> None:
    text = "3 + 4.\n:jit off\n[\n:quit | quit] value: 1.\n\n:quit\n"
    assert list(piped.pieces(text)) == [
        (0, "3 + 4."),
        (1, ":jit off"),
        (2, "[\n:quit | quit] value: 1.\n"),
        (5, ":quit"),
    ]


def repl(endpoint: str, program: str, tmp_path: Path, options: str = "") -> subprocess.CompletedProcess[str]:
    start = f"import sys; from batos.ui.repl import main; sys.exit(main({endpoint!r}, patience=1.0, {options}))"
    loaded = "[name for name in sys.modules if 'prompt_toolkit' in name]"
    report = f"import atexit; atexit.register(lambda: print({loaded}, file=sys.stderr))"
    return subprocess.run(
        [sys.executable, "-c", f"import sys; {report}; {start}"], input=program, capture_output=True, text=True,
        timeout=60, env=clean_environment(tmp_path, TERM="xterm-256color"),
    )  # fmt: skip


def test_piped(puppet: Kernel, tmp_path: Path) -> None:
    done = repl(puppet.endpoint, "3 + 4\nshow\n", tmp_path)
    assert (done.stdout, done.returncode) == ("7\nhello\nworld\nnil\n", 0)
    assert done.stderr == "[]\n"  # no complaint, and prompt_toolkit was not imported


def test_a_piped_error_is_the_status_and_not_the_end(puppet: Kernel, tmp_path: Path) -> None:
    done = repl(puppet.endpoint, "3 + 4\n1 foo\n:jit off\n3 + 4\n", tmp_path)
    assert (done.stdout.split("\n")[::2], done.returncode) == (["7", "7"], 1)
    assert done.stderr.startswith("ZeroDivide: 1 foo\n")


def test_piped_with_nobody_to_ask_a_miss_is_a_miss(puppet: Kernel, tmp_path: Path) -> None:
    assert repl(puppet.endpoint, "policy\n:jit auto\npolicy", tmp_path).stdout.split("\n")[::2][:2] == ["off", "auto"]


def test_what_the_covenant_does_not_take_is_said(puppet: Kernel, tmp_path: Path) -> None:
    done = repl(puppet.endpoint, "'" + "x" * 4_200_000 + "'", tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("source: String should have at most 4194304 characters")
    done = repl(puppet.endpoint, f":workspace {'w' * 200}\n3 + 4", tmp_path)
    assert done.returncode == 1 and "workspace: String should have" in done.stderr


def test_what_a_command_takes_is_said(puppet: Kernel, tmp_path: Path) -> None:
    done = repl(puppet.endpoint, ":undo 99\n:load\n", tmp_path)
    assert done.returncode == 1 and ":undo takes a transaction" in done.stderr and ":load FILE" in done.stderr
    assert "pattern" not in done.stderr


def test_no_kernel(tmp_path: Path) -> None:
    done = repl(f"ipc://{tmp_path}/none", "3 + 4", tmp_path)
    assert done.returncode == 1 and "no kernel" in done.stderr and done.stdout == ""


def test_the_kernel_dies_under_a_piped_program(puppet: Kernel, tmp_path: Path) -> None:
    done = repl(puppet.endpoint, "3 + 4\ndie\n3 + 4\n", tmp_path)
    assert (done.stdout, done.returncode) == ("7\n", 1) and "gone" in done.stderr
    assert "Traceback" not in done.stderr
