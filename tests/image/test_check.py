"""check finds each kind of flaw and no other; recover saves what can be read."""

import os
import struct

import pytest
import transaction
from persistent.mapping import PersistentMapping
from ZODB.Connection import TransactionMetaData

from batos.image import open_image
from batos.image.check import check
from batos.image.errors import ImageMissing, NotAnImage
from batos.image.object import UvmObject

from .worlds import build, spoil


def codes(report):
    return {flaw.code for flaw in report.flaws}


def test_a_whole_image_is_ok(location):
    build(location)
    seen = []
    report = check(location, progress=lambda what, done, total: seen.append((what, done, total)))
    assert report.ok and report.flaws == []
    assert (report.objects, report.methods, report.unreachable) == (24, 1, 0)
    assert report.transactions == 23 and report.size == location.stat().st_size
    assert report.render() == f"ok: 24 objects, 1 method, 23 transactions, {report.size / 1000:.1f} kB"
    assert {what for what, _, _ in seen} == {"transactions", "objects", "references"}
    assert all(0 <= done <= total for _, done, total in seen)


def test_it_can_be_asked_while_the_image_is_open_and_changing(location):
    build(location)
    with open_image(location) as image:
        assert check(image).ok and check(location).ok
        spoil(image, lambda connection: connection.root().__setitem__("more", UvmObject()))
        assert check(image).objects == 25
    with open_image("memory:") as image:
        spoil(image, lambda connection: connection.root().__setitem__("x", UvmObject()))
        assert check(image).render() == "ok: 2 objects, 0 methods"


def test_nothing_there_is_an_error_and_damage_is_a_report(location):
    with pytest.raises(ImageMissing):
        check(location)
    location.write_text("not an image at all")
    with pytest.raises(NotAnImage):
        check(location)
    location.write_bytes(b"")
    report = check(location)
    assert not report.ok and codes(report) == {"damaged"} and "empty" in report.render()


def test_a_dangling_reference_is_named(location):
    build(location)
    with open_image(location) as image:
        spoil(image, lambda connection: connection.root().__setitem__("lost", UvmObject()))
        with image.db.transaction() as connection:
            oid = connection.root()["lost"]._p_oid
            serial = connection.root()["lost"]._p_serial
        storage = image.db.storage
        meta = TransactionMetaData()
        storage.tpc_begin(meta)
        storage.deleteObject(oid, serial, meta)
        storage.tpc_vote(meta)
        storage.tpc_finish(meta)
    report = check(location)
    assert codes(report) == {"dangling"} and report.flaw_count == 1
    assert f"{int.from_bytes(oid, 'big'):#x}, which is not there" in report.render()


def test_an_undone_creation_is_no_flaw(location):
    build(location, 3)
    with open_image(location) as image:
        [last] = image.db.undoInfo(0, -1)
        manager = transaction.TransactionManager()
        image.db.undo(last["id"], manager.begin())
        manager.commit()
    report = check(location)
    assert report.ok and report.objects == 6


def test_what_nothing_refers_to_is_counted_and_no_flaw(location):
    build(location)
    with open_image(location) as image:
        spoil(image, lambda connection: connection.root().__delitem__("clone3"))
    report = check(location)
    assert report.ok and report.unreachable == 1 and report.unreachable_size > 500
    assert "1 record (" in report.render() and "packing frees them" in report.render()


@pytest.mark.parametrize(
    ("slots", "said"),
    [
        ({"parent*": 3}, "parent* holds int"),
        ({"parent*": ("x",)}, "parent* holds str"),
        ({"": 1}, "'' is no name of a slot"),
    ],
)
def test_malformed_slots_are_named(location, slots, said):
    build(location, 1)
    with open_image(location) as image:

        def change(connection):
            bad = UvmObject()
            bad.__dict__.update(slots)
            connection.root()["bad"] = bad

        spoil(image, change)
    report = check(location)
    assert codes(report) == {"malformed"} and said in report.render()


@pytest.mark.parametrize(
    ("slot", "value", "said"),
    [
        ("source", None, "without source"),
        ("selector", "", "without selector"),
        ("language", "cobol", "nobody reads its language"),
        ("before*", 7, "before* is no sequence"),
        ("history", 7, "history is no sequence"),
    ],
)
def test_malformed_methods_are_named(location, slot, value, said):
    build(location, 1)
    with open_image(location) as image:
        spoil(image, lambda connection: setattr(connection.root()["account"]._slots["deposit:"], slot, value))
    report = check(location)
    assert codes(report) == {"malformed"} and said in report.render()


def test_whoever_knows_the_grammar_may_judge_the_methods(location):
    build(location, 1)
    judged = []

    def method_flaw(slots):
        judged.append(slots["selector"])
        return "does not parse"

    report = check(location, method_flaw=method_flaw)
    assert judged == ["deposit:"] and "method deposit:: does not parse" in report.render()


class Vanishing(PersistentMapping):
    """A class that will not be there when the image is checked."""


def test_a_class_that_is_gone_is_named_once(location, monkeypatch):
    build(location, 1)
    with open_image(location) as image:
        spoil(image, lambda connection: connection.root().__setitem__("a", Vanishing(x=UvmObject())))
        spoil(image, lambda connection: connection.root().__setitem__("b", Vanishing()))
    monkeypatch.delattr(__import__(__name__, fromlist=["x"]), "Vanishing")
    from batos.image import records

    records.class_named.cache_clear()
    report = check(location)
    assert codes(report) == {"unloadable"} and report.flaw_count == 1
    assert "2 objects of" in report.render() and "Vanishing" in report.render()


def test_a_record_that_does_not_load_is_named(location):
    build(location)
    data = location.read_bytes()
    assert data.count(b"x" * 500) == 20
    # A string that claims to be longer than its record: 'X' and four bytes of length, before the text.
    place = data.index(b"x" * 500)
    location.write_bytes(data[: place - 4] + struct.pack("<I", 5000) + data[place:])
    report = check(location)
    assert "unreadable" in codes(report) and report.flaw_count == 1


@pytest.mark.parametrize("index", [True, False])
def test_damage_in_the_middle_is_reported_with_its_place(location, index):
    build(location)
    if not index:
        location.with_name("live_image.fs.index").unlink()
    data = bytearray(location.read_bytes())
    place = data.index(b"x" * 500)
    data[place - 300 : place + 200] = os.urandom(500)
    location.write_bytes(data)
    before = location.read_bytes()
    report = check(location)
    assert not report.ok and "damaged" in codes(report)
    assert location.read_bytes() == before


def test_many_flaws_are_counted_and_some_shown(location):
    build(location, 1)
    with open_image(location) as image:

        def change(connection):
            for number in range(80):
                bad = UvmObject()
                bad.__dict__["parent*"] = number
                connection.root()[f"bad{number}"] = bad

        spoil(image, change)
    report = check(location)
    assert report.flaw_count == 80 and len(report.flaws) == 50 and "... and 30 more" in report.render()
