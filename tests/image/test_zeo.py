"""The same image on a server: several openers, one world."""

import socket
import threading
import time

import pytest
import transaction
import ZEO
from persistent.mapping import PersistentMapping
from ZODB.POSException import ConflictError, ReadOnlyError

from batos.image import holder, open_image
from batos.image.check import check
from batos.image.errors import ImageUnreachable
from batos.image.history import transactions, undo
from batos.image.pack import pack
from batos.image.shared import Counter


@pytest.fixture
def server(tmp_path):
    """A ZEO server in this process, on a free port."""
    (host, port), stop = ZEO.server(str(tmp_path / "served.fs"))
    yield f"zeo://{host}:{port}"
    stop()


def seen(image, question, expected):
    """Wait until the image shows it: what another client committed arrives by an invalidation, very soon."""
    give_up = time.monotonic() + 20
    while True:
        with image.db.transaction() as connection:
            found = question(connection.root())
        if found == expected or time.monotonic() > give_up:
            return found


def test_a_server_that_is_not_there_is_unreachable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ImageUnreachable) as caught:
            open_image(f"zeo://127.0.0.1:{taken.getsockname()[1]}?wait_timeout=1")
    assert caught.value.code == "image-unreachable" and "zeo://127.0.0.1" in str(caught.value)


def test_two_openers_see_one_world(server):
    with open_image(server) as one, open_image(server) as two:
        assert holder(server) is None and one.path is None
        with one.db.transaction() as connection:
            connection.root()["n"] = Counter()
            connection.root()["x"] = PersistentMapping(a=1)
        assert seen(two, lambda root: root.get("x") and root["x"]["a"], 1) == 1
        with two.db.transaction() as connection:
            connection.transaction_manager.get().note("x a: 2")
            connection.root()["x"]["a"] = 2
        assert seen(one, lambda root: root["x"]["a"], 2) == 2
        assert check(one).ok and check(one).objects == 3 and check(server).render() == check(two).render()
        assert transactions(one)[0].description == "x a: 2"
        assert undo(one)[0].description == "x a: 2"
        assert seen(two, lambda root: root["x"]["a"], 1) == 1
        pack(two, 0)
        assert check(one).ok
    with open_image(server, read_only=True) as image, pytest.raises(ReadOnlyError):
        with image.db.transaction() as connection:
            connection.root()["y"] = 1


def test_counters_merge_on_the_server(server):
    with open_image(server) as one, open_image(server) as two:
        with one.db.transaction() as connection:
            connection.root()["n"] = Counter()
        seen(two, lambda root: "n" in root, True)
        failed = []

        def work(image):
            manager = transaction.TransactionManager()
            connection = image.db.open(manager)
            for _ in range(100):
                connection.root()["n"].increase()
                try:
                    manager.commit()
                except ConflictError as error:
                    failed.append(error)
                    manager.abort()
            connection.close()

        threads = [threading.Thread(target=work, args=(image,)) for image in (one, two, one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == [] and seen(one, lambda root: root["n"].value, 400) == 400
