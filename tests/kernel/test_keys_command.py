"""`batos keys` and `--at`: from a new key to a session over TCP, and its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from batos.cli import main


@pytest.fixture
def batos(folder: Path) -> Any:
    def run(*words: str, says: str = "", fails: bool = False) -> str:
        done = CliRunner(env={"XDG_CONFIG_HOME": str(folder / "config")}).invoke(main, words)
        assert (done.exit_code != 0) == fails, done.output
        assert says in done.output
        return done.output

    return run


def test_from_a_new_key_to_a_session_and_its_end(folder: Path, start: Any, batos: Any) -> None:
    image = str(folder / "world.fs")
    key = batos("keys", "new").strip()
    assert len(key) == 64 and batos("keys", "new").strip() == key
    kernel_key = batos("-i", image, "keys", "allow", "anna", key, "--role", "read").split()[-1]
    kernel = start("--tcp", "tcp://127.0.0.1:*")
    assert kernel.process.stdout is not None
    tcp = next(word for word in kernel.process.stdout.readline().split() if word.startswith("tcp://"))
    batos("--at", tcp, "eval", "3 + 4", fails=True, says="asks for CURVE keys")
    batos("keys", "trust", tcp, kernel_key, says="is trusted")
    batos("--at", tcp, "eval", "3 + 4", fails=True, says="role write; your key has read")
    batos("-i", image, "keys", "allow", "anna", key, "--role", "write", says="anna may write")
    batos("--at", tcp, "eval", "3 + 4", says="7")
    batos("-i", image, "eval", "3 + 5", says="8")  # the owner, by the unix socket
    batos("-i", image, "keys", "list", says=f"anna  write  {key}")
    batos("-i", image, "keys", "revoke", "anna")
    batos("--at", tcp, "eval", "3 + 4", fails=True, says="does not let this key in")
    batos("-i", image, "keys", "revoke", "anna", fails=True, says="no key is called anna")
    batos("-i", image, "keys", "allow", "x", "nonsense", fails=True, says="no public key")
    batos("--at", "nonsense", "eval", "3", fails=True, says="an endpoint is tcp://HOST:PORT")
