"""Which servers BATOS_WEAVER names, and that one is found again after a start, at another port and with another key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from batos.jit.engine import Message, Options
from batos.jit.errors import EngineDown, EngineRefused, ServingProblem, SettingsProblem
from batos.jit.serving.environment import alone
from batos.jit.serving.servers import Server, find_server, read_key, server_folder, write_privately, write_server
from batos.jit.settings import read_settings
from batos.jit.weaver.opening import open_weaver

from .double import MODEL, Double

ASK = (Message("user", "Say hi."),)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BATOS_SERVING", str(tmp_path))
    folder = server_folder("local")
    folder.mkdir(parents=True)
    return folder


def serve(folder: Path, double: Double) -> None:
    """As its watcher would tell of it."""
    write_privately(folder / "key", double.key + "\n")
    write_server(folder, Server("local", double.url, str(folder / "key"), phase="ready", served=MODEL))


def no_model() -> None:
    raise AssertionError("no embedded model was asked for")


@pytest.fixture
def ask(folder: Path) -> Iterator[Callable[[], str]]:
    settings = replace(read_settings({"BATOS_WEAVER": "local"}), patience=2.0)
    weaver = open_weaver(settings, no_model)  # type: ignore[arg-type]
    yield lambda: weaver.complete(None, ASK, Options(max_tokens=8)).text
    weaver.close()


def test_the_entries_of_the_setting(folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "remote-key"
    write_privately(key, "abc\n")
    elsewhere = find_server(f"https://gpu1:8000/v1={key}")
    assert (elsewhere.url, elsewhere.key()) == ("https://gpu1:8000", "abc")
    assert find_server("http://gpu2:8000").key() == ""
    assert find_server("local").phase == "stopped" and "never started" in find_server("two").error
    with pytest.raises(ServingProblem, match="a server's name"):
        find_server("../x")
    for wrong in ("../x", "ftp://x", "a b"):
        with pytest.raises(SettingsProblem, match="BATOS_WEAVER"):
            read_settings({"BATOS_WEAVER": wrong})


def test_a_key_is_read_only_from_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for text, told in (("", "holds no key"), ("a b", "holds no key"), ("ä", "holds no key"), ("a\nb", "holds no key")):
        write_privately(path, text)
        with pytest.raises(ServingProblem, match=told):
            read_key(path)
    write_privately(path, "good\n")
    assert read_key(path) == "good"
    path.chmod(0o640)
    with pytest.raises(ServingProblem, match="chmod 600"):
        read_key(path)
    with pytest.raises(ServingProblem, match="cannot be read"):
        read_key(tmp_path / "none")


def test_a_server_that_was_started_anew_is_found_again(folder: Path, ask: Callable[[], str]) -> None:
    with ExitStack() as watching:
        watching.enter_context(alone(folder / "lock", lambda: None))
        double = watching.enter_context(Double(key="first"))
        serve(folder, double)
        assert ask() == f"{MODEL} says: Say hi."
        double.stop()
        double = watching.enter_context(Double(key="second"))
        serve(folder, double)
        assert ask() == f"{MODEL} says: Say hi."
        double.key = "third"  # started anew at the same port
        serve(folder, double)
        assert ask() == f"{MODEL} says: Say hi."


def test_a_key_that_is_wrong_is_told(folder: Path, ask: Callable[[], str]) -> None:
    with alone(folder / "lock", lambda: None), Double(key="right") as double:
        serve(folder, double)
        write_privately(folder / "key", "wrong\n")
        with pytest.raises(EngineRefused, match="refuses the key"):
            ask()
        write_privately(folder / "key", "right\n")
        assert ask() == f"{MODEL} says: Say hi."


def test_one_that_does_not_run_is_told_with_what_to_do(folder: Path, ask: Callable[[], str]) -> None:
    with pytest.raises(EngineDown, match=r"never started.*batos serve-model"):
        ask()


def test_one_that_was_given_up_is_told_with_its_last_words(folder: Path, ask: Callable[[], str]) -> None:
    write_server(folder, Server("local", "http://127.0.0.1:1", str(folder / "key"), phase="failed", error="no room"))
    with pytest.raises(EngineDown, match="is failed: no room"):
        ask()


def test_half_a_state_file_is_told(folder: Path) -> None:
    (folder / "server.json").write_text(json.dumps({"name": "local"})[:-3])
    with pytest.raises(ServingProblem, match=r"server\.json cannot be read"):
        find_server("local")
