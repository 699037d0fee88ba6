"""The past of an image: undo and redo, versions, and the image as it was."""

import time

import pytest
import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from ZODB.POSException import POSKeyError, ReadOnlyHistoryError
from ZODB.utils import p64

from batos.image import open_image
from batos.image.errors import CannotUndo, NoSuchMoment
from batos.image.history import as_it_was, changed_by, redo, transactions, undo, undo_transactions, versions
from batos.image.object import UvmObject
from batos.image.shared import Counter, Epoch


@pytest.fixture
def image(location):
    with open_image(location) as image:
        yield image


def say(image, description, change, user="ada"):
    """One message: ``change(root)``, committed with its text."""
    manager = transaction.TransactionManager()
    connection = image.db.open(manager)
    manager.get().note(description)
    manager.get().user = user
    change(connection.root())
    manager.commit()
    connection.close()


def deposit(image, amount):
    def change(root):
        root["savings"].balance += amount

    say(image, f"savings deposit: {amount}", change)


def balance(image):
    with image.db.transaction() as connection:
        return connection.root()["savings"].balance


def begin(image):
    say(image, "savings := Object clone", lambda root: root.__setitem__("savings", UvmObject(balance=0)))


def test_the_transactions_newest_first(image):
    begin(image)
    deposit(image, 50)
    found = transactions(image)
    assert [moment.description for moment in found] == [
        "savings deposit: 50",
        "savings := Object clone",
        "A new image",
        "initial database creation",
    ]
    assert found[0].user == "ada" or found[0].user.endswith("ada")
    assert found[0].size > 50 and found[0].time > found[1].time
    assert [moment.tid for moment in transactions(image, 2)] == [found[0].tid, found[1].tid]
    with image.db.transaction() as connection:
        oid = connection.root()["savings"]._p_oid
    assert changed_by(image, found[0].tid) == [oid]
    assert set(changed_by(image, found[1].tid)) == {oid, p64(0)}
    with pytest.raises(NoSuchMoment):
        changed_by(image, p64(12345))


def test_more_than_a_hundred_transactions(image):
    begin(image)
    for amount in range(230):
        deposit(image, amount)
    assert len(transactions(image, 500)) == 233
    assert [m.description for m in transactions(image, 201)][-1] == "savings deposit: 29"


def test_undo_goes_further_back_each_time_and_redo_forward(image):
    begin(image)
    for amount in (1, 10, 100):
        deposit(image, amount)
    steps = []
    for action in (undo, undo, redo, undo, undo, redo, redo, redo):
        done = action(image)
        steps.append((balance(image), done[0].description))
    assert [step[0] for step in steps] == [11, 1, 11, 1, 0, 1, 11, 111]
    assert [step[1] for step in steps[:2]] == ["savings deposit: 100", "savings deposit: 10"]
    with pytest.raises(CannotUndo, match="nothing to redo"):
        redo(image)
    assert balance(image) == 111


def test_several_at_once_and_back(image):
    begin(image)
    for amount in (1, 10, 100):
        deposit(image, amount)
    assert [moment.description for moment in undo(image, 2)] == ["savings deposit: 100", "savings deposit: 10"]
    assert balance(image) == 1
    redo(image)
    assert balance(image) == 111
    with pytest.raises(CannotUndo, match="Only 4"):
        undo(image, 5)
    undo(image, 4)
    with image.db.transaction() as connection:
        assert "savings" not in connection.root()
    redo(image)
    assert balance(image) == 111


def test_a_new_message_ends_the_redoing(image):
    begin(image)
    deposit(image, 1)
    undo(image)
    deposit(image, 5)
    with pytest.raises(CannotUndo, match="no undo"):
        redo(image)
    undo(image)
    assert balance(image) == 0
    undo(image)
    with image.db.transaction() as connection:
        assert "savings" not in connection.root()
    with pytest.raises(CannotUndo, match="Only 0"):
        undo(image)


def test_an_undo_that_would_take_back_more_says_what_stands_on_it(image):
    begin(image)
    deposit(image, 50)
    deposit(image, 20)
    first = transactions(image)[1]
    before = len(transactions(image, 100))
    with pytest.raises(CannotUndo) as caught:
        undo_transactions(image, [first.tid])
    assert "'savings deposit: 50'" in str(caught.value) and "'savings deposit: 20'" in str(caught.value)
    assert "Undo that first" in str(caught.value)
    assert balance(image) == 70 and len(transactions(image, 100)) == before
    undo_transactions(image, [moment.tid for moment in transactions(image, 2)])
    assert balance(image) == 0
    with pytest.raises(NoSuchMoment):
        undo_transactions(image, [p64(7)])


def test_one_of_several_can_be_undone_if_nothing_stands_on_it(image):
    begin(image)
    say(image, "other := 1", lambda root: root["savings"]._slots.__setitem__("other", UvmObject(n=1)))
    with image.db.transaction() as connection:
        other = connection.root()["savings"].other._p_oid
    say(image, "other n: 2", lambda root: setattr(root["savings"].other, "n", 2))
    deposit(image, 5)
    undo_transactions(image, [transactions(image)[1].tid])
    with image.db.transaction() as connection:
        assert connection.get(other).n == 1 and connection.root()["savings"].balance == 5


def test_undoing_an_increase_of_a_counter_keeps_the_others(image):
    say(image, "hits", lambda root: root.__setitem__("hits", Counter()))
    for by in (1, 10, 100):
        say(image, f"hits increase: {by}", lambda root, by=by: root["hits"].increase(by))
    undo_transactions(image, [transactions(image)[1].tid])
    with image.db.transaction() as connection:
        assert connection.root()["hits"].value == 101


def test_an_epoch_never_shows_a_known_value_for_another_behaviour(image):
    """Regression of the design: with a counted epoch, undoing the first of two moves shows the first's number again."""
    say(image, "epoch", lambda root: root.__setitem__("epoch", Epoch()))
    seen = {}

    def value():
        with image.db.transaction() as connection:
            return connection.root()["epoch"].value

    seen["start"] = value()
    for name in ("first", "second"):
        say(image, name, lambda root: root["epoch"].move())
        seen[name] = value()
    undo_transactions(image, [transactions(image)[1].tid])  # the behaviour is now: only the second
    assert value() not in seen.values()
    undo_transactions(image, [transactions(image)[0].tid])
    assert value() == seen["second"]
    undo(image, 2)
    assert value() == seen["start"]


def test_no_undo_where_no_past_is_kept(location):
    with open_image("memory:") as image:
        with pytest.raises(CannotUndo, match="no past"):
            undo(image)
        with pytest.raises(CannotUndo, match="no past"):
            redo(image)
        assert transactions(image) == []
    open_image(location).close()
    with open_image(location, read_only=True) as image, pytest.raises(CannotUndo, match="only to be read"):
        undo(image)


def test_the_versions_of_an_object_and_the_image_as_it_was(image):
    begin(image)
    for amount in (1, 10, 100):
        deposit(image, amount)
    with image.db.transaction() as connection:
        oid = connection.root()["savings"]._p_oid
    found = versions(image, oid)
    assert [version.description for version in found] == [
        "savings deposit: 100",
        "savings deposit: 10",
        "savings deposit: 1",
        "savings := Object clone",
    ]
    assert [version.tid for version in versions(image, oid, 2)] == [version.tid for version in found[:2]]
    balances = []
    for version in found:
        with as_it_was(image, version) as connection:
            balances.append((connection.get(oid).balance, connection.root()["savings"].balance))
    assert balances == [(111, 111), (11, 11), (1, 1), (0, 0)]
    with as_it_was(image, transactions(image)[-1]) as connection, pytest.raises(POSKeyError):
        connection.get(oid)._p_activate()
    with as_it_was(image, found[1].tid) as connection:
        connection.root()["savings"].balance = 5
        with pytest.raises(ReadOnlyHistoryError):
            connection.transaction_manager.commit()
    assert balance(image) == 111
    with pytest.raises(NoSuchMoment):
        versions(image, p64(99999))


def test_moments_that_are_not_there(image):
    begin(image)
    for moment in (p64(0), p64(5), b"\xff" * 8):
        with pytest.raises(NoSuchMoment), as_it_was(image, moment):
            pass
    now = time.time()
    with pytest.raises(NoSuchMoment), as_it_was(image, now + 86400):
        pass
    with pytest.raises(NoSuchMoment), as_it_was(image, now - 86400):
        pass
    with as_it_was(image, now) as connection:
        assert connection.root()["savings"].balance == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["say", "undo", "redo"]), max_size=20))
def test_undo_and_redo_are_those_of_an_editor(steps):
    """Law: whatever is said, undone and redone, the image is where a plain list of states would be."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder, open_image(f"{folder}/x.fs") as image:
        begin(image)
        past, future, now = [], [], 0
        for number, step in enumerate(steps, 1):
            if step == "say":
                deposit(image, number)
                past.append(now)
                now, future = now + number, []
            elif step == "undo" and past:
                undo(image)
                future.append(now)
                now = past.pop()
            elif step == "redo" and future:
                redo(image)
                past.append(now)
                now = future.pop()
            elif step == "redo":
                with pytest.raises(CannotUndo):
                    redo(image)
            assert balance(image) == now
