"""The same image in PostgreSQL, through RelStorage: several openers, one world."""

import threading

import pytest
from transaction import TransactionManager

from batos.image import holder, open_image
from batos.image.backup import backup
from batos.image.check import check
from batos.image.errors import BackupRefused, BadLocation, ImageUnreachable, NotAnImage
from batos.image.history import transactions, undo
from batos.image.location import spoken
from batos.image.pack import pack
from batos.image.repair import recover
from batos.image.storable import unreachable
from batos.interp import Worker


def said(worker, source):
    """What each statement printed, or its error's code."""
    return [outcome.error.code if outcome.error else outcome.printed for outcome in worker.evaluate(source)]


@pytest.fixture
def pair(postgres):
    """Workers of two openers, as two kernels have them."""
    with open_image(postgres) as one, open_image(postgres) as two:
        workers = Worker(one), Worker(two)
        yield workers
        for worker in workers:
            worker.close()


def test_two_openers_see_one_world(postgres, pair):
    one, two = pair
    assert holder(postgres) is None
    said(one, "Purse := Object clone. Purse setSlot: #n value: 3. Purse >> double [ ^n * 2 ]")
    assert said(two, "Purse double. Purse n: 4") == ["6", "Purse"]
    assert said(one, "Purse double. Purse >> double [ ^n * 3 ]")[0] == "8"
    assert said(two, "Purse double") == ["12"], "a method that another redefined is seen at the next message"
    assert transactions(one.image)[0].description == "Purse >> double [ ^n * 3 ]"
    assert undo(two.image)[0].description == "Purse >> double [ ^n * 3 ]"
    assert said(one, "Purse double") == ["8"]
    assert check(one.image).ok and check(postgres).render() == check(two.image).render()
    pack(two.image, 0)
    assert check(one.image).ok and said(one, "Purse double") == ["8"]


def test_what_is_shared_merges_and_what_is_not_runs_again(pair):
    one, two = pair
    said(one, "Hits := SharedCounter new. Purse := Object clone. Purse setSlot: #n value: 0")
    errors = []

    def work(worker):
        for _ in range(30):
            errors.extend(o.error for o in worker.evaluate("Hits increase. Purse n: Purse n + 1") if o.error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert said(two, "Hits value. Purse n") == ["60", "60"]


def test_read_only_and_a_copy_to_try_things_on(postgres, pair):
    said(pair[0], "Purse := Object clone. Purse setSlot: #n value: 3")
    with open_image(postgres, read_only=True) as image:
        worker = Worker(image)
        assert said(worker, "Purse n. Purse n: 4. Purse n") == ["3", "image-forbidden", "3"]
        worker.close()
    with open_image(f"demo:{postgres}") as image:
        worker = Worker(image)
        assert said(worker, "Purse n: 4. Purse n") == ["Purse", "4"]
        worker.close()
    assert said(pair[0], "Purse n") == ["3"]


def test_a_lost_connection_costs_one_message_at_most(postgres_server, pair):
    one, _ = pair
    said(one, "Purse := Object clone. Purse setSlot: #n value: 3")
    postgres_server.psql(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where pid <> pg_backend_pid() and datname like 'image_%';"
    )
    assert said(one, "Purse n: 5") in (["Purse"], ["image-unreachable"], ["commit-uncertain"])
    assert said(one, "Purse n")[0] in ("3", "5")
    assert said(one, "Purse n: 6. Purse n") == ["Purse", "6"]


def test_settings_in_the_location(postgres):
    with open_image(postgres + "&connection_cache_size=77&cache_local_mb=3&keep_history=1") as image:
        assert image.db.getCacheSize() == 77
        assert image.db.storage._options.cache_local_mb == 3


@pytest.mark.parametrize(
    ("location", "problem", "said"),
    [
        ("postgresql://u:secret@127.0.0.1:1/x", ImageUnreachable, "refused"),
        ("postgresql://u:secret@/x?nonsense=1", BadLocation, "nonsense"),
        ("postgresql://u:secret@/x?host=/nowhere", ImageUnreachable, "/nowhere"),
        ("postgresql://u:secret@/x?connection_cache_size=many", BadLocation, "many"),
    ],
)
def test_what_cannot_be_opened_says_why_and_never_the_password(location, problem, said, caplog):
    with pytest.raises(problem) as caught:
        open_image(location)
    assert said in str(caught.value) and "secret" not in str(caught.value) + caplog.text


def test_a_location_is_shown_without_its_password():
    assert spoken("postgresql://me:pa:ss@host/db?password=x&a=b") == "postgresql://me:***@host/db?password=***&a=b"
    assert spoken("/home/me:you@here/live.fs") == "/home/me:you@here/live.fs"
    assert spoken("zeo://localhost:9991") == "zeo://localhost:9991"


def test_what_the_server_does_itself(postgres, tmp_path):
    with pytest.raises(BackupRefused, match="pg_dump"):
        backup(postgres, tmp_path / "backups")
    with pytest.raises(NotAnImage, match="its own tools"):
        recover(postgres, tmp_path / "saved.fs")
    with pytest.raises(BackupRefused, match="the ZEO server serves"):
        backup("zeo://localhost:1", tmp_path / "backups")


def test_one_that_hangs_in_the_middle_of_a_commit_holds_up_nobody_for_long(postgres, monkeypatch):
    monkeypatch.setattr("batos.image.postgres.HANGING", 1)
    with open_image(postgres) as one, open_image(postgres) as two:
        hangs, goes_on = TransactionManager(), TransactionManager()
        slow, quick = one.db.open(hangs), two.db.open(goes_on)
        slow.root()["n"] = 1
        under_way = hangs.get()
        slow.tpc_begin(under_way)
        slow.commit(under_way)
        slow.tpc_vote(under_way)
        goes_on.begin()
        quick.root()["n"] = 2
        goes_on.commit()  # waits until the server has ended the other
        with pytest.raises(Exception) as caught:
            slow.tpc_finish(under_way)
        assert unreachable(caught.value)
        hangs.abort()
        hangs.begin()
        assert slow.root()["n"] == 2
        slow.root()["n"] = 3
        hangs.commit()
        goes_on.begin()
        assert quick.root()["n"] == 3
