"""Who is let in over TCP, and what he may do: real sockets, real CURVE."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from batos.bridge.client import Client
from batos.bridge.codes import Code
from batos.bridge.core import BridgeProblem, KernelGone
from batos.bridge.covenant import (
    AnyCommand,
    Approve,
    Data,
    Done,
    Evaluate,
    GetFullStateCommand,
    Ping,
    Pong,
    Shutdown,
    Status,
    Subscribe,
    Undo,
    UvmStateUpdateEvent,
)
from batos.bridge.endpoint import EndpointProblem
from batos.bridge.keys import ClientKeys, KeyProblem, Keyring, OwnKeys, checked_key, new_pair, shown
from batos.bridge.server import Server

from .toy import Running, Toy


@pytest.fixture
def ring(folder: Path) -> Keyring:
    ring = Keyring(folder / "i.keys")
    ring.own_pair()
    return ring


def shows(ring: Keyring, *roles: str, name: str = "anna") -> ClientKeys:
    """What a client shows whose key is allowed these roles (none: not allowed)."""
    own = new_pair()
    if roles:
        ring.allow(name, own.public, roles)
    return ClientKeys(ring.own_pair().public, own)


@pytest.fixture
def server(folder: Path, ring: Keyring) -> Iterator[Running]:
    running = Running(folder, keyring=ring, tcp="tcp://127.0.0.1:*")
    yield running
    running.close()


def code_of(client: Client, command: object) -> str:
    with pytest.raises(BridgeProblem) as caught:
        client.call(command)  # type: ignore[arg-type]
    return caught.value.code


def test_an_allowed_key_gets_in_and_the_owner_needs_none(server: Running, ring: Keyring) -> None:
    with Client(server.server.tcp or "", keys=shows(ring, "write")) as far, Client(server.endpoint) as near:
        assert far.welcome is not None and far.welcome.roles == ["read", "write"]
        assert near.welcome is not None and near.welcome.roles == ["admin", "approve", "read", "write"]
        assert far.evaluate("echo hi").outcomes[0].printed == "hi"
        assert near.evaluate("echo ho").outcomes[0].printed == "ho"


def test_who_is_not_let_in(server: Running, ring: Keyring) -> None:
    known = shows(ring, "admin")
    stranger = shows(ring)
    endpoint = server.server.tcp or ""
    with pytest.raises(BridgeProblem, match="does not let this key in") as caught:
        Client(endpoint, keys=stranger).__enter__()
    assert caught.value.code == Code.REFUSED
    with pytest.raises(BridgeProblem, match="asks for CURVE keys"):  # no key
        Client(endpoint).__enter__()
    client = Client(endpoint, keys=ClientKeys(new_pair().public, known.own))  # somebody else's kernel
    with pytest.raises(KernelGone, match="another key than the one trusted"):
        client.connect(1)
    client.close()
    assert server.server.sessions == {}


ROLES = [
    ("read", (Ping(), Status(), GetFullStateCommand()), (Evaluate(source="echo 1"), Undo(), Shutdown())),
    ("write", (Evaluate(source="echo 1"), GetFullStateCommand()), (Shutdown(), Approve(approval="x", decision="yes"))),
    ("approve", (GetFullStateCommand(),), (Evaluate(source="echo 1"), Shutdown())),
    ("admin", (Evaluate(source="echo 1"), GetFullStateCommand()), ()),
]


@pytest.mark.parametrize("role, may, may_not", ROLES, ids=[row[0] for row in ROLES])
def test_a_role_is_what_its_key_may_do(
    server: Running, ring: Keyring, role: str, may: tuple[object, ...], may_not: tuple[object, ...]
) -> None:
    with Client(server.server.tcp or "", keys=shows(ring, role)) as client:
        for command in may:
            assert isinstance(client.call(command), Pong | Data | Done | UvmStateUpdateEvent)  # type: ignore[arg-type]
        for command in may_not:
            assert code_of(client, command) == Code.REFUSED, command
    assert not server.server.stopping
    assert server.toy.done == ["echo 1"] * sum(isinstance(command, Evaluate) for command in may)


def test_every_command_has_a_role_and_what_changes_something_needs_more_than_read() -> None:
    from typing import get_args

    kinds = get_args(get_args(AnyCommand)[0])
    writing = {"evaluate", "update_property", "create_method", "undo", "redo"}
    for kind in kinds:
        name = kind.model_fields["command"].default
        assert kind.role in ("read", "write", "approve", "admin")
        assert (kind.role == "write") >= (name in writing), name
    assert Shutdown.role == "admin" and Approve.role == "approve"


def test_a_revoked_key_ends_its_session(server: Running, ring: Keyring) -> None:
    keys = shows(ring, "write")
    client = Client(server.server.tcp or "", keys=keys)
    client.connect()
    running = client.post(Evaluate(source="wait"))
    waiting = client.post(Evaluate(source="echo late"))
    client.post(Subscribe(topics=["state"]))
    server.toy.began.get(timeout=10)
    Keyring(ring.path).revoke("anna")  # another process does this
    for pending, code in ((waiting, Code.REFUSED), (running, Code.INTERRUPTED)):
        with pytest.raises(BridgeProblem) as caught:
            client.wait(pending, 20)
        assert caught.value.code == code
    assert code_of(client, GetFullStateCommand()) == Code.REFUSED
    assert code_of(client, Ping()) == Code.REFUSED
    assert set().union(*server.toy.watched.values()) == set()
    assert server.toy.done == []
    client.close()
    with pytest.raises(BridgeProblem, match="does not let this key in"):
        Client(server.server.tcp or "", keys=keys).__enter__()


def test_a_key_that_is_allowed_later_gets_in_without_a_restart(server: Running, ring: Keyring) -> None:
    keys = shows(ring)
    with pytest.raises(BridgeProblem, match="does not let this key in"):
        Client(server.server.tcp or "", keys=keys).__enter__()
    Keyring(ring.path).allow("late", keys.own.public, ["read"])
    with Client(server.server.tcp or "", keys=keys) as client:
        assert isinstance(client.call(Ping()), Pong)


def test_a_session_cannot_be_taken_over_with_another_key(server: Running, ring: Keyring) -> None:
    endpoint = server.server.tcp or ""
    with Client(endpoint, keys=shows(ring, "admin", name="boss")) as boss:
        thief = Client(endpoint, keys=shows(ring, "read", name="thief"))
        thief._socket.setsockopt(zmq.ROUTING_ID, boss._core.identity)  # as if the secret identity were known
        with pytest.raises(BridgeProblem):
            thief.connect(2)
        thief.close()
    assert [session.key for session in server.server.sessions.values()] == [ring._by_name("boss").key]  # type: ignore[union-attr]


@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:*", "tcp://*:*", "tcp://[::]:*"])
def test_plain_tcp_for_others_does_not_start(folder: Path, endpoint: str) -> None:
    for options in ({}, {"keyring": Keyring(folder / "none.keys")}):
        with pytest.raises(EndpointProblem, match="without CURVE keys only loopback"):
            Server(endpoint, Toy(0), **options).bind()  # type: ignore[arg-type]
        with pytest.raises(EndpointProblem, match="without CURVE keys only loopback"):
            Server(f"ipc://{folder}/s", Toy(0), tcp=endpoint, **options).bind()  # type: ignore[arg-type]


def test_loopback_asks_for_keys_once_there_are_any(folder: Path, ring: Keyring) -> None:
    running = Running(folder, endpoint="tcp://127.0.0.1:*", keyring=ring)
    try:
        with pytest.raises(BridgeProblem, match="asks for CURVE keys"):
            Client(running.endpoint).__enter__()
        with Client(running.endpoint, keys=shows(ring, "read")) as client:
            assert isinstance(client.call(Ping()), Pong)
    finally:
        running.close()


# -- the files --------------------------------------------------------------------------------------------------------


def test_files_of_keys_are_for_their_owner_alone(folder: Path, ring: Keyring) -> None:
    assert os.stat(ring.path).st_mode & 0o777 == 0o600
    os.chmod(ring.path, 0o644)
    with pytest.raises(KeyProblem, match="others may read it"):
        Keyring(ring.path)
    own = OwnKeys(folder / "own")
    pair = own.pair(make=True)
    assert own.pair() == pair and os.stat(folder / "own" / "own.key").st_mode & 0o777 == 0o600


def test_a_client_finds_its_keys_by_the_endpoint(folder: Path, ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    own = OwnKeys()
    pair = own.pair(make=True)
    assert pair is not None
    running = Running(folder, keyring=ring, tcp="tcp://127.0.0.1:*")
    try:
        ring.allow("me", shown(pair.public), ["read"])
        own.trust(running.server.tcp or "", shown(ring.own_pair().public))
        with Client(running.server.tcp or "") as client:
            assert client.welcome is not None and client.welcome.roles == ["read"]
    finally:
        running.close()


def test_what_is_no_key_name_or_role(ring: Keyring) -> None:
    good = new_pair().public
    assert checked_key(shown(good)) == good == checked_key(good)
    for key in ("", "abc", "x" * 40 + "!", "g" * 64, "ä" * 40, "~" * 40):
        with pytest.raises(KeyProblem, match="no public key"):
            ring.allow("x", key, ["read"])
    for name, roles in (("", ["read"]), ("a\nb", ["read"]), ("x", []), ("x", ["king"])):
        with pytest.raises(KeyProblem):
            ring.allow(name, good, roles)
    with pytest.raises(KeyProblem, match="own key"):
        ring.allow("me", ring.own_pair().public, ["read"])
    ring.allow("anna", good, ["read"])
    with pytest.raises(KeyProblem, match="already the name"):
        ring.allow("anna", new_pair().public, ["read"])
    ring.path.write_text("{")
    with pytest.raises(KeyProblem):
        Keyring(ring.path)
    with pytest.raises(KeyProblem, match="no key is called"):
        Keyring(ring.path.with_name("other")).revoke("nobody")
