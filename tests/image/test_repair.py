"""recover saves every whole transaction of a damaged image, and says what it could not."""

import random

import pytest

from batos.image import open_image
from batos.image.check import check
from batos.image.errors import ImageDamaged, ImageForbidden, ImageMissing, NotAnImage
from batos.image.repair import recover

from .worlds import build, digest, transactions


@pytest.fixture
def output(tmp_path):
    return tmp_path / "saved.fs"


def names(location):
    with open_image(location) as image, image.db.transaction() as connection:
        return set(connection.root())


def test_a_whole_image_is_copied_whole(location, output):
    build(location)
    before = digest(location)
    seen = []
    report = recover(location, output, progress=lambda *step: seen.append(step))
    assert report.copied == 23 and report.skipped == [] and report.check.ok and seen
    assert names(output) == names(location) and digest(output) == before == digest(location)
    assert sorted(p.name for p in output.parent.glob("saved*")) == ["saved.fs", "saved.fs.index", "saved.fs.lock"] or (
        not list(output.parent.glob("saved.fs.part*"))
    )


def test_one_damaged_transaction_costs_itself(location, output):
    build(location)
    start, length = transactions(location)[10]
    data = bytearray(location.read_bytes())
    data[start + 8 : start + 40] = b"\xff" * 32
    location.write_bytes(data)
    report = check(location)
    assert not report.ok, "a good index hides it from opening, not from the check"
    location.with_name("live_image.fs.index").unlink()
    with pytest.raises(ImageDamaged):
        open_image(location)
    report = recover(location, output)
    assert report.copied == 22 and len(report.skipped) == 1 and f"{start:,}" in report.skipped[0]
    assert "lost" in report.render() and length
    # Transaction 10 added a clone and changed the root: the clone is gone, the root of later ones still names it.
    assert report.check.flaw_count == 1 and report.check.flaws[0].code == "dangling"


def test_the_last_bytes_gone(location, output):
    build(location)
    location.write_bytes(location.read_bytes()[:-3])
    report = recover(location, output)
    assert report.copied == 22 and report.check.ok and "clone19" not in names(output)


@pytest.mark.parametrize("seed", range(12))
def test_random_damage_never_stops_it(location, output, seed):
    build(location)
    chance = random.Random(seed)
    data = bytearray(location.read_bytes())
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data))
        size = chance.choice([1, 8, 100, 2000])
        data[place : place + size] = chance.choice([chance.randbytes(size), b"\0" * size, b".", b""])
    location.write_bytes(data)
    report = recover(location, output)
    assert report.copied + len(report.skipped) >= 5 and report.render()
    if report.check.ok:
        with open_image(output) as image:
            assert image.notes == []
    assert check(output).flaw_count == report.check.flaw_count


def test_the_first_bytes_gone(location, output):
    build(location, 3)
    data = bytearray(location.read_bytes())
    data[:4] = b"\0\0\0\0"
    location.write_bytes(data)
    assert recover(location, output).check.ok and "clone2" in names(output)


def test_what_cannot_be_done_is_said(location, output):
    with pytest.raises(ImageMissing):
        recover(location, output)
    location.write_bytes(b"\x89PNG" + b"." * 100_000)
    with pytest.raises(NotAnImage):
        recover(location, output)
    assert not list(output.parent.glob("saved*"))
    output.write_text("mine")
    with pytest.raises(ImageForbidden):
        recover(location, output)
    assert output.read_text() == "mine"
    with pytest.raises(NotAnImage):
        recover("zeo://localhost:1", output)
