"""Objects go from image to image in a file, and nothing else comes with them."""

import hashlib
import json
import pickle

import pytest
import transaction
from BTrees.OOBTree import OOBTree

from batos.image import open_image
from batos.image.check import check
from batos.image.collections import Array
from batos.image.errors import BadExport, ImageForbidden
from batos.image.export import MAGIC, export_object, import_object
from batos.image.method import Method
from batos.image.object import UvmObject
from batos.image.values import Character, ScaledDecimal, Symbol


def world(location, **extra):
    """An image with genesis and an Account prototype among its names."""
    image = open_image(location)
    with image.db.transaction() as connection:
        root = connection.root()
        genesis = root["genesis"] = UvmObject()
        names = root["names"] = UvmObject()
        account = UvmObject(balance=0)
        account._slots["parent*"] = genesis
        account._slots["deposit:"] = Method("deposit:", "deposit: amount [ balance := balance + amount ]")
        names._slots["Object"] = genesis
        names._slots["Account"] = account
        for name, value in extra.items():
            root[name] = value
    return image


def savings(image):
    with image.db.transaction() as connection:
        account = connection.root()["names"].Account
        thing = connection.root()["savings"] = UvmObject(
            balance=70,
            price=ScaledDecimal.parse("1.50s2"),
            tag=Symbol("mine"),
            mark=Character("x"),
            log=Array([UvmObject(n=number) for number in range(5)]),
            tree=OOBTree([(str(number), number) for number in range(200)]),
            table={Array([1, 2]): "keyed by an array"},
        )
        thing._slots["parent*"] = account
        thing._slots["self"] = thing
    return thing


@pytest.fixture
def file(tmp_path):
    return tmp_path / "savings.batos"


def exported(location, file):
    with world(location) as image:
        savings(image)
        with image.db.transaction() as connection:
            return export_object(connection.root()["savings"], file)


def test_an_object_goes_to_another_image_with_all_that_is_its_own(location, file, tmp_path):
    report = exported(location, file)
    assert report.names == ("Account",) and 8 < report.objects < 30
    other = tmp_path / "other.fs"
    with world(other, busy=UvmObject()) as image:
        with image.db.transaction() as connection:
            connection.root()["names"].Account._slots["owner"] = "someone else's Account"
            connection.root()["arrived"] = import_object(connection, file)
        with image.db.transaction() as connection:
            thing = connection.root()["arrived"]
            assert (thing.balance, str(thing.price), thing.tag is Symbol("mine")) == (70, "1.50s2", True)
            assert thing.mark is Character("x") and thing.self is thing
            assert [each.n for each in thing.log._items] == [0, 1, 2, 3, 4]
            assert len(thing.tree) == 200 and thing.tree["77"] == 77
            assert thing.table[Array([1, 2])] == "keyed by an array"
            assert thing._slots["parent*"] is connection.root()["names"].Account
            assert thing.owner == "someone else's Account"
    assert check(other).ok and check(other).unreachable == 0


def test_importing_twice_makes_two_and_an_abort_makes_none(location, file):
    exported(location, file)
    with open_image(location) as image:
        manager = transaction.TransactionManager()
        connection = image.db.open(manager)
        one, two = import_object(connection, file), import_object(connection, file)
        assert one is not two and one.log is not two.log and one._slots["parent*"] is two._slots["parent*"]
        connection.root()["one"], connection.root()["two"] = one, two
        manager.commit()
        before = check(image).objects
        connection.root()["three"] = import_object(connection, file)
        manager.abort()
        assert "three" not in connection.root()
        connection.close()
        assert check(image).objects == before


def test_a_prototype_takes_its_methods_along(location, file, tmp_path):
    with world(location) as image, image.db.transaction() as connection:
        report = export_object(connection.root()["names"].Account, file)
        assert report == (2, ("Object",))
    with world(tmp_path / "other.fs") as image, image.db.transaction() as connection:
        account = import_object(connection, file)
        assert account is not connection.root()["names"].Account
        assert account._slots["deposit:"].selector == "deposit:"


def test_what_cannot_be_exported_is_said(location, file):
    with world(location) as image:
        savings(image)
        with pytest.raises(BadExport, match="in an image"):
            export_object(UvmObject(), file)
        with image.db.transaction() as connection:
            connection.root()["new"] = UvmObject()
            connection.add(connection.root()["new"])
            with pytest.raises(BadExport, match="committed"):
                export_object(connection.root()["new"], file)
        file.write_text("mine")
        with image.db.transaction() as connection, pytest.raises(ImageForbidden):
            export_object(connection.root()["savings"], file)
    assert file.read_text() == "mine"


def refused(location, file, match):
    with open_image(location) as image:
        before = check(image).objects
        with image.db.transaction() as connection:
            with pytest.raises(BadExport, match=match):
                import_object(connection, file)
            connection.root()["still"] = "usable"
        assert check(image).objects == before


def resigned(data):
    return data[:-32] + hashlib.sha256(data[:-32]).digest()


def test_broken_files_are_refused_and_change_nothing(location, file, tmp_path):
    exported(location, file)
    data = file.read_bytes()
    refused(location, tmp_path / "missing", "cannot be read")
    for bad in (b"", b"ZEXP" + data, data[:-1], data[: len(data) // 2], data.replace(b"balance", b"balanxe"), MAGIC):
        file.write_bytes(bad)
        refused(location, file, "no export|checksum")
    line = data.index(b"\n", len(MAGIC))
    head = json.loads(data[len(MAGIC) : line])
    for change in ({"root": "00"}, {"objects": 3}, {"outside": []}, {"outside": {"x": 1}}, {"outside": {}}):
        file.write_bytes(resigned(MAGIC + json.dumps({**head, **change}).encode() + data[line:]))
        refused(location, file, "broken")
    file.write_bytes(resigned(MAGIC + b"{" + data[line:]))
    refused(location, file, "broken")
    head["outside"] = dict.fromkeys(head["outside"], "Nobody")
    file.write_bytes(resigned(MAGIC + json.dumps(head).encode() + data[line:]))
    refused(location, file, "needs Nobody")


@pytest.mark.parametrize(
    "attack",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cbatos.image.records\nclass_named\n(S'os'\nS'system'\ntR.",
        b"cbatos.image.storage\nopen_image\n(S'/tmp/never.fs'\ntR.",
        b"cbatos.image.export\nexport_object\n.",
        b"\x80\x04\x8c\x13batos.image.records\x8c\x0fos.path.genericX\x93.",
        pickle.dumps(hashlib.sha256, 2),
    ],
)
def test_a_file_cannot_run_anything(location, file, attack):
    exported(location, file)
    data = file.read_bytes()
    line = data.index(b"\n", len(MAGIC))
    head = {**json.loads(data[len(MAGIC) : line]), "objects": 1, "outside": {}}
    oid = bytes.fromhex(head["root"])
    record = pickle.dumps(UvmObject, 2) + attack
    body = MAGIC + json.dumps(head).encode() + b"\n" + oid + len(record).to_bytes(8, "big") + record + b"\xff" * 16
    file.write_bytes(body + hashlib.sha256(body).digest())
    refused(location, file, "refused|broken")
