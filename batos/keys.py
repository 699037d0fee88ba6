"""`batos keys`: who may come to an image's kernel over TCP, and as what."""

from __future__ import annotations

import time
from pathlib import Path

import click

from .bridge.codes import ROLES
from .bridge.keys import Keyring, OwnKeys, shown


def keyring_path(location: str) -> Path:
    """Where the keys of an image's kernel are: beside its file; for an image elsewhere, in the person's own folder."""
    from hashlib import sha256

    from .image.location import path_of

    path = path_of(location)
    if path is not None:
        return path.with_name(path.name + ".keys")
    return OwnKeys().folder / f"image-{sha256(location.encode()).hexdigest()[:24]}.keys"


@click.group()
def keys() -> None:
    """Who may come to this image's kernel over TCP.

    \b
    On your machine:    batos keys new                          prints your public key
    On the kernel's:    batos keys allow anna KEY --role write  lets it in, prints the kernel's key
                        batos kernel --tcp 'tcp://*:5555'
    On your machine:    batos keys trust tcp://host:5555 KERNELKEY
                        batos --at tcp://host:5555 repl
    """


@keys.command()
def new() -> None:
    """Make your own pair of keys, if you have none, and print the public one."""
    pair = OwnKeys().pair(make=True)
    assert pair is not None
    click.echo(shown(pair.public))


@keys.command()
@click.argument("name")
@click.argument("key")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(ROLES),
    default=("write",),
    show_default=True,
    help="read: look. write: evaluate and change, which is to run code as you. approve: decide on the model's methods. "
    "admin: all, and stop the kernel. May be given several times.",
)
@click.pass_context
def allow(context: click.Context, name: str, key: str, roles: tuple[str, ...]) -> None:
    """Let the holder of public KEY in, under NAME. Counts at once, also for a kernel that runs."""
    ring = _keyring(context)
    allowed = ring.allow(name, key, roles)
    click.echo(f"{name} may {', '.join(allowed.roles)}")
    click.echo(f"the kernel's own key, for the client's `batos keys trust`:  {shown(ring.own_pair().public)}")


@keys.command("list")
@click.pass_context
def list_(context: click.Context) -> None:
    """The kernel's public key, the keys it lets in, and the kernels that you trust."""
    ring, own = _keyring(context), OwnKeys()
    pair = own.pair()
    click.echo(f"your key    {shown(pair.public) if pair else 'none; `batos keys new` makes one'}")
    click.echo(f"kernel key  {shown(ring.pair.public) if ring.pair else 'none; `batos keys allow` makes one'}")
    for each in sorted(ring.clients.values(), key=lambda one: one.name):
        day = time.strftime("%Y-%m-%d", time.localtime(each.since))
        click.echo(f"allowed     {each.name}  {','.join(each.roles)}  {shown(each.key)}  since {day}")
    for endpoint, key in sorted(own.kernels().items()):
        click.echo(f"trusted     {endpoint}  {shown(key)}")


@keys.command()
@click.argument("name")
@click.pass_context
def revoke(context: click.Context, name: str) -> None:
    """Let NAME (or a key) in no more. Within a second, also for a session that is open."""
    gone = _keyring(context).revoke(name)
    click.echo(f"{gone.name} is not let in any more ({shown(gone.key)})")


@keys.command()
@click.argument("endpoint")
@click.argument("key")
def trust(endpoint: str, key: str) -> None:
    """Believe that the kernel at ENDPOINT is the one with public KEY, and show it your own key."""
    own = OwnKeys()
    pair = own.pair(make=True)
    assert pair is not None
    own.trust(endpoint, key)
    click.echo(f"{endpoint} is trusted; your key, to be allowed there:  {shown(pair.public)}")


def _keyring(context: click.Context) -> Keyring:
    return Keyring(keyring_path(context.obj["image"]))
