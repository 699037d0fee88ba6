"""batos image check, recover, backup, restore and pack, as typed."""

import pytest
from click.testing import CliRunner

from batos.cli import main
from batos.image import open_image

from .worlds import build, digest, spoil, transactions


@pytest.fixture
def batos(location):
    def run(*words):
        result = CliRunner().invoke(main, ["-i", str(location), "image", *map(str, words)])
        return result.exit_code, result.output

    return run


def test_check(location, batos):
    code, said = batos("check")
    assert code == 1 and "There is no image" in said
    build(location)
    code, said = batos("check")
    assert code == 0 and said.startswith("ok: 24 objects, 1 method")
    with open_image(location) as image:
        spoil(
            image, lambda connection: setattr(connection.root()["account"]._slots["deposit:"], "source", "deposit: [")
        )
    code, said = batos("check")
    assert code == 1 and "does not parse" in said


def test_recover(location, batos, tmp_path):
    build(location)
    start, _ = transactions(location)[10]
    data = bytearray(location.read_bytes())
    data[start + 8 : start + 16] = b"\0\0\0\0\x7f\xff\xff\xff"
    location.write_bytes(data)
    location.with_name("live_image.fs.index").unlink()
    code, said = batos("pack")
    assert code == 1 and f"batos -i {location} image recover NEW_FILE" in said
    code, said = batos("recover", tmp_path / "saved.fs")
    assert code == 1 and "22 transactions were copied" in said and "lost:" in said
    code, said = batos("recover", tmp_path / "saved.fs")
    assert code == 1 and "is there already" in said


def test_backup_restore_pack(location, batos, tmp_path):
    build(location)
    before = digest(location)
    code, said = batos("backup", tmp_path / "backups")
    assert code == 0 and f"{location.stat().st_size:,} bytes" in said
    assert batos("backup", tmp_path / "backups") == (0, "nothing is new\n")
    code, said = batos("pack", "--keep-days", "0")
    assert code == 0 and "bytes were freed" in said
    code, said = batos("restore", tmp_path / "backups", tmp_path / "restored.fs")
    assert code == 0 and said.startswith("ok: 24 objects") and digest(tmp_path / "restored.fs") == before
    assert batos("restore", tmp_path / "backups", tmp_path / "r.fs", "--before", "2001-01-01")[0] == 1
    assert batos("pack", "--keep-days", "-1")[0] == 2
