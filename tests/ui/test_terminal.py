"""The REPL in a real terminal (tmux), as a person meets it. The kernel is a puppet where it must do what none would."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from .conftest import Kernel, OpenTerminal

pytestmark = pytest.mark.terminal


def count(pattern: str, text: str) -> int:
    return len(re.findall(pattern, text, re.MULTILINE))


def test_a_result_an_output_and_an_error(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.enter("3 + 4")
    repl.until("^=> 7$")
    repl.enter("show")
    repl.until("^hello\nworld\n=> nil$")
    repl.enter("1 foo")
    shown = repl.until("step39")
    assert re.search(
        r"^ZeroDivide: 1 foo  \[zero-divide\]\n   1 \| 1 foo\n +\|   \^\^\^\n  in Account", shown, re.MULTILINE
    )
    assert "… 24 more" in shown and "step20" not in shown
    repl.enter(":stack")
    repl.until("step20")


def test_enter_ends_a_statement_only_when_it_is_whole(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.enter("Account >> deposit: amount [")
    repl.until(r"^\|")
    repl.enter("^amount")
    repl.until(r"\^amount *\n\|")
    repl.enter("]")
    repl.until("ZeroDivide")


def test_colours_and_none(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.enter("3 + 4")
    assert "\x1b[36m" in repl.until("=>.*7", colours=True)
    plain = terminal(puppet.endpoint, NO_COLOR="1")
    plain.until("^>")
    plain.enter("3 + 4")
    plain.until("^=> 7$")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", plain.screen(colours=True))


def test_ctrl_c_interrupts_the_evaluation_and_not_the_repl(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.enter("forever")
    repl.until(r"evaluating \d\.\d s \(Ctrl-C interrupts\)")
    repl.key("C-c")
    shown = repl.until("interrupted")
    assert "evaluating" not in shown  # the spinner has left nothing behind
    repl.enter("3 + 4")
    repl.until("^=> 7$")
    repl.type("nonsense")
    repl.until("> nonsense")
    repl.key("C-c")
    repl.enter("3 + 4")
    repl.until("^=> 7\n(.*\n)*=> 7$")


def test_the_third_ctrl_c_waits_no_longer(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.enter("deaf")
    repl.until(r"evaluating \d")
    repl.key("C-c")
    repl.until("interrupting")
    repl.key("C-c")
    repl.key("C-c")
    repl.until("Not waiting any longer")
    repl.type("typed")
    repl.until("^> typed")


def test_typing_ahead_is_neither_echoed_nor_lost(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.enter("slow")
    repl.until(r"evaluating \d")
    repl.enter("3 + 4")
    shown = repl.until("^=> late\n(.*\n)*=> 7$")
    assert count(r"3 \+ 4", shown) == 1


def test_history_lasts_and_is_searched(puppet: Kernel, terminal: OpenTerminal, tmp_path: Path) -> None:
    first = terminal(puppet.endpoint)
    first.until("^>")
    first.enter("3 + 4")
    first.until("^=> 7$")
    first.key("C-d")
    assert first.exit_status() == 0
    file = tmp_path / "state" / "batos" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    second = terminal(puppet.endpoint)
    second.until("^>")
    second.key("C-r")
    second.type("3 +")
    second.until(r"3 \+ 4")
    second.key("Enter", "Enter")
    second.until("^=> 7$")


def test_a_proposal_is_shown_and_decided(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.enter("savings withdraw: 30")
    repl.until(r"the model writes Account>>withdraw:, \d tokens, \d.\d s")
    shown = repl.until("install\\?")
    assert "Takes the amount" in shown and "✓ parse" in shown and "✓ trial: ran in 12 ms" in shown
    repl.key("Enter")  # is no answer
    repl.type("r")
    repl.until("hint:")
    repl.enter("no overdraft")
    repl.until("You said: no overdraft")
    repl.type("y")
    repl.until("^=> yes$")
    repl.enter("savings withdraw: 30")
    repl.until("install(.*\n)*.*install(.*\n)*.*install")
    repl.key("C-c")
    repl.until("declined")
    repl.enter("3 + 4")
    repl.until("^=> 7$")


def test_a_proposal_is_edited(puppet: Kernel, terminal: OpenTerminal, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/balance - amount/balance - 1/' \"$1\"\n")
    editor.chmod(0o700)
    repl = terminal(puppet.endpoint, EDITOR=str(editor))
    repl.until("^>")
    repl.enter("savings withdraw: 30")
    repl.until("install\\?")
    repl.type("e")
    repl.until("^=> edit withdraw: amount")
    assert "balance - 1." in repl.screen()


def test_an_interrupt_after_a_decision_still_works(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.paste("savings withdraw: 30\nforever")
    repl.key("Enter")
    repl.until("install\\?")
    repl.type("y")
    repl.until("=> yes")
    repl.until(r"\d s \(Ctrl-C interrupts\)")
    repl.key("C-c")
    repl.until("was interrupted")
    repl.enter("3 + 4")
    repl.until("^=> 7$")


def test_completion_by_the_kernel(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.type("savings wi")
    repl.key("Tab")
    repl.until("> savings withdraw:")
    repl.key("C-c")
    repl.until(r"^>\s*$")  # what is typed before the new prompt is there is echoed by the terminal itself
    repl.type(":wor")
    repl.key("Tab")
    repl.until("> :workspace")


def test_inspect_it_and_do_it(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.type("savings")
    repl.key("F7")
    repl.until("│ balance +70")
    repl.type("3 + 4")
    repl.key("F5")
    repl.enter("show")
    assert "=> 7" not in repl.until("world")


def test_escape_sequences_in_a_result_are_only_shown(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.enter("escape")
    repl.until(re.escape("=> '␛[31mred␛]0;title␇'"))


def test_a_long_result_is_bounded(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.enter("long")
    assert "line 99\n" not in repl.until("more characters, :more shows them")
    repl.enter(":more")
    repl.until("^line 999$")


def test_the_kernel_dies_and_nothing_typed_is_lost(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    repl.enter("forever")
    repl.until(r"evaluating \d")
    puppet.kill()
    repl.until(r"The kernel is gone(.*\n)*.*\[y\]es \[q\]uit:", 30)
    puppet.start()
    repl.type("y")
    repl.until("Connected.")
    repl.until("^> forever\\s*$")
    repl.key("C-c")
    repl.enter("3 + 4")
    repl.until("^=> 7$")


def test_leaving_when_the_kernel_is_gone(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    puppet.kill()
    repl.enter("3 + 4")
    repl.until(r"\[q\]uit:", 30)
    repl.type("q")
    assert repl.exit_status() == 1


def test_a_dumb_terminal(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint, TERM="dumb")
    repl.until("^>")
    repl.enter("3 + 4")
    repl.until("^=> 7$")
    repl.enter("Account >> deposit: amount [")
    repl.enter("]")
    repl.until("ZeroDivide")
    repl.enter("slow")
    repl.until("^=> late$")
    repl.enter(":quit")
    assert repl.exit_status() == 0
    assert "\x1b[3" not in repl.screen(colours=True)


def test_commands(puppet: Kernel, terminal: OpenTerminal) -> None:
    repl = terminal(puppet.endpoint)
    repl.until("^>")
    for typed, wanted in (
        (":help", "^:undo +take back"),
        (":undo", "undone: 03e1.*deposit: 50"),
        (":history", "^03e1  12:00  a person  savings deposit: 50"),
        (":who", "^repl +owner +[0-9]+ +0 +idle"),
        (":jit auto", "jit auto"),
        ("policy", "=> auto"),
        (":workspace sketch", "workspace sketch"),
        ("workspace", "=> sketch"),
        (":browse savings double", r"│ double \["),
        (":inspect 3 + 4", "7 is a value"),
        (":again", "7 is a value|nothing has failed"),
        (":keys vi", "^>"),
        (":nonsense", "no command is called :nonsense"),
        (":senders foo", "not-offered"),
    ):
        repl.enter(typed)
        repl.until(wanted)
    repl.enter(":quit")
    assert repl.exit_status() == 0
