"""Small images to test on, and ways to look at their files."""

import hashlib

import transaction
from persistent.mapping import PersistentMapping

from batos.image import open_image
from batos.image.method import Method
from batos.image.object import UvmObject


def fill(location, count=20, text="x" * 200):
    """``count`` transactions, number i writing ``root["ni"]``."""
    with open_image(location) as image:
        for number in range(count):
            with image.db.transaction() as connection:
                connection.root()[f"n{number}"] = PersistentMapping({"text": text, "number": number})


def read(location, **kw):
    with open_image(location, **kw) as image, image.db.transaction() as connection:
        return {name: dict(value) if name != "format" else value for name, value in connection.root().items()}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def transactions(path):
    """(offset, length) of every transaction, read from the file itself."""
    data = path.read_bytes()
    found, pos = [], 4
    while pos < len(data):
        length = int.from_bytes(data[pos + 8 : pos + 16], "big") + 8
        found.append((pos, length))
        pos += length
    return found


def build(location, count=20):
    """A small world: genesis, an account prototype with a method, and ``count`` clones in as many transactions."""
    with open_image(location) as image:
        manager = transaction.TransactionManager()
        connection = image.db.open(manager)
        root = connection.root()
        genesis = root["genesis"] = UvmObject(name="Object")
        account = root["account"] = UvmObject(balance=0)
        account._slots["parent*"] = genesis
        account._slots["deposit:"] = Method("deposit:", "deposit: amount [ balance := balance + amount ]", author="me")
        manager.commit()
        for number in range(count):
            clone = UvmObject(number=number, text="x" * 500)
            clone._slots["parent*"] = account
            root[f"clone{number}"] = clone
            manager.commit()
        connection.close()


def spoil(image, change):
    """Store a record as no honest program would: ``change(connection, transaction)`` may call storage.store."""
    manager = transaction.TransactionManager()
    connection = image.db.open(manager)
    change(connection)
    manager.commit()
    connection.close()
