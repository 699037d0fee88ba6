"""What is kept of a session's last commands, and who may write it."""

import pytest
import transaction
from persistent.mapping import PersistentMapping
from ZODB.POSException import ConflictError

from batos.image import open_image
from batos.image.history import transactions, undo_transactions
from batos.image.receipts import MOST_COMMANDS, STALE, Receipt, SessionMoved, prepare, receipt_of


@pytest.fixture
def image(location):
    with open_image(location) as image:
        with image.db.transaction() as connection:
            prepare(connection)
        yield image


def test_what_was_heard_is_forgotten_and_what_is_owed_is_not():
    receipt = Receipt(1)
    for command in range(5):
        receipt.record(command, 0, (b"x",))
    assert [command for command, _ in receipt.entries] == [0, 1, 2, 3, 4]
    receipt.record(4, 3, (b"x", b"y"))
    assert receipt.found(4) == (b"x", b"y") and receipt.found(3) == (b"x",)
    assert receipt.found(2) is None and receipt.dropped == -1


def test_more_than_can_be_kept_is_known_to_be_dropped():
    receipt = Receipt(1)
    for command in range(MOST_COMMANDS + 5):
        receipt.record(command, 0, (b"x",))
    assert len(receipt.entries) == MOST_COMMANDS and receipt.dropped == 4
    receipt.record(1000, 0, (b"x" * 100_000,))
    assert receipt.found(1000) is not None and receipt.dropped == MOST_COMMANDS + 4, "the last one is always there"


def test_a_lease_that_is_over_writes_nothing(image):
    with image.db.transaction() as connection:
        receipt_of(connection.root(), b"session", 1).record(7, 7, (b"seven",))
    with image.db.transaction() as connection:
        assert receipt_of(connection.root(), b"session", 2).found(7) == (b"seven",)
    with image.db.transaction() as connection, pytest.raises(SessionMoved):
        receipt_of(connection.root(), b"session", 1)


@pytest.mark.parametrize("known", [True, False])
def test_of_two_who_have_a_session_at_once_one_is_refused(image, known):
    """The one that was thought dead writes a receipt while the other takes the session over."""
    if known:
        with image.db.transaction() as connection:
            receipt_of(connection.root(), b"session", 1)
    managers = [transaction.TransactionManager() for _ in range(2)]
    old, new = [image.db.open(manager) for manager in managers]
    receipt_of(old.root(), b"session", 1).record(7, 7, (b"seven",))
    assert receipt_of(new.root(), b"session", 2).found(7) is None
    managers[1].commit()
    with pytest.raises(ConflictError):
        managers[0].commit()
    managers[0].abort()
    with pytest.raises(SessionMoved):
        receipt_of(old.root(), b"session", 1)
    managers[0].abort()
    old.close()
    new.close()


def test_an_earlier_message_can_still_be_undone(image):
    """All messages of a session write one receipt; undoing one of them must not be refused for that."""
    with image.db.transaction() as connection:
        connection.root()["thing"] = PersistentMapping(n=0)
        receipt_of(connection.root(), b"session", 1)
    with image.db.transaction() as connection:
        connection.root()["thing"]["n"] = 1
        receipt_of(connection.root(), b"session", 1).record(8, 8, (b"eight",))
    earlier = transactions(image)[0]
    with image.db.transaction() as connection:
        receipt_of(connection.root(), b"session", 1).record(9, 9, (b"nine",))
    assert undo_transactions(image, [earlier.tid])
    with image.db.transaction() as connection:
        assert connection.root()["thing"]["n"] == 0
        assert receipt_of(connection.root(), b"session", 1).found(9) == (b"nine",)


def test_what_nobody_asks_for_any_more_goes(image, monkeypatch):
    with image.db.transaction() as connection:
        receipt_of(connection.root(), b"old", 1)
        receipt_of(connection.root(), b"new", 1)
        connection.root()["receipts"][next(iter(connection.root()["receipts"]))].when -= STALE + 1
    with image.db.transaction() as connection:
        prepare(connection)
        assert len(connection.root()["receipts"]) == 1
