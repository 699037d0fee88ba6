"""Backups can be restored to any of their moments; packing gives room back and loses nothing that is kept."""

import os
import shutil
import subprocess
import sys
import threading

import pytest
import transaction
from persistent.mapping import PersistentMapping

from batos.image import open_image
from batos.image.backup import backup, backups, restore, verify
from batos.image.check import check
from batos.image.errors import BackupRefused, CannotUndo, ImageForbidden, ImageFull, ImageMissing
from batos.image.history import transactions, undo
from batos.image.pack import pack

from .test_storage import small_disk  # noqa: F401 - a fixture
from .worlds import digest, fill, read


@pytest.fixture
def folder(tmp_path):
    """A folder whose name has a space, which repozo alone does not survive."""
    return tmp_path / "my backups"


def test_each_backup_adds_what_is_new_and_each_moment_comes_back(location, folder, tmp_path):
    moments, worlds = [], []
    for count in (3, 5, 9):
        fill(location, count)
        made = backup(location, folder)
        assert made.full == (count == 3)
        moments.append(made.time)
        worlds.append(digest(location))
    assert backup(location, folder) is None, "nothing is new"
    assert len(backups(folder)) == 3
    for number, moment in enumerate([*moments, None]):
        output = tmp_path / f"restored{number}.fs"
        assert restore(folder, output, moment).ok
        assert digest(output) == worlds[min(number, 2)]
        with open_image(output) as image:
            assert image.notes == []


def test_a_running_image_is_backed_up_while_it_commits(location, folder, tmp_path):
    stop = threading.Event()
    with open_image(location) as image:

        def work():
            manager = transaction.TransactionManager()
            connection = image.db.open(manager)
            number = 0
            while not stop.is_set() or number < 50:
                number += 1
                connection.root()[f"n{number % 50}"] = PersistentMapping(number=number, text="x" * 1000)
                manager.commit()
            connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            for _ in range(5):
                backup(location, folder)
        finally:
            stop.set()
            thread.join()
    assert restore(folder, tmp_path / "restored.fs").ok


def test_a_folder_can_be_moved(location, folder, tmp_path):
    fill(location, 3)
    backup(location, folder)
    moved = tmp_path / "elsewhere"
    shutil.move(folder, moved)
    fill(location, 5)
    assert backup(location, moved).full is False
    assert restore(moved, tmp_path / "restored.fs").ok


def test_a_packed_image_is_copied_in_full_again(location, folder, tmp_path):
    fill(location, 3)
    fill(location, 3)
    backup(location, folder)
    with open_image(location) as image:
        pack(image, 0)
    assert backup(location, folder).full
    assert restore(folder, tmp_path / "restored.fs").ok and digest(tmp_path / "restored.fs") == digest(location)


def test_what_cannot_be_done_is_said(location, folder, tmp_path):
    with pytest.raises(ImageMissing):
        backup(location, folder)
    assert not folder.exists() and backups(folder) == []
    with pytest.raises(BackupRefused, match="no backup"):
        restore(folder, tmp_path / "r.fs")
    with pytest.raises(BackupRefused, match="no backup"):
        verify(folder)
    fill(location, 2)
    made = backup(location, folder)
    with pytest.raises(BackupRefused, match="from before"):
        restore(folder, tmp_path / "r.fs", made.time - 1000)
    (tmp_path / "r.fs").write_text("mine")
    with pytest.raises(ImageForbidden):
        restore(folder, tmp_path / "r.fs")
    assert (tmp_path / "r.fs").read_text() == "mine"
    with pytest.raises(BackupRefused, match="server"):
        backup("zeo://localhost:1", folder)


@pytest.mark.parametrize("how", ["flipped", "cut", "gone", "dat"])
def test_a_damaged_backup_is_refused(location, folder, tmp_path, how):
    fill(location, 2)
    backup(location, folder)
    fill(location, 4)
    made = backup(location, folder)
    data = bytearray(made.path.read_bytes())
    if how == "flipped":
        data[len(data) // 2] ^= 1
        made.path.write_bytes(data)
    elif how == "cut":
        made.path.write_bytes(data[:-1])
    elif how == "gone":
        made.path.unlink()
    else:
        next(folder.glob("*.dat")).write_text("nonsense\n")
    with pytest.raises(BackupRefused, match="damaged"):
        verify(folder)
    if how != "gone":
        with pytest.raises(BackupRefused, match="damaged"):
            restore(folder, tmp_path / "r.fs")
        assert not list(tmp_path.glob("r.fs*"))


def test_packing_frees_old_versions_and_what_nothing_refers_to(location):
    fill(location, 30)
    fill(location, 30)
    with open_image(location) as image, image.db.transaction() as connection:
        for number in range(10):
            del connection.root()[f"n{number}"]
    before = read(location)
    size = location.stat().st_size
    seen = []
    with open_image(location) as image:
        report = pack(image, 0, progress=lambda *step: seen.append(step))
        assert report.size_before == size and report.size_after == location.stat().st_size < size / 2
        assert report.objects_before - report.objects_after == 40 and "freed" in report.render()
        assert seen[-1] == ("packing", size, size)
        again = pack(image, 0)
        assert again.size_before == again.size_after
        with image.db.transaction() as connection:
            connection.root()["after"] = PersistentMapping()
    assert read(location) == {**before, "after": {}}
    assert check(location).ok and check(location).unreachable == 0
    assert not location.with_name("live_image.fs.old").exists()
    with open_image(location) as image:
        assert image.notes == [], "the index is that of the packed file"


def test_what_is_young_enough_stays_undoable(location):
    fill(location, 5)
    with open_image(location) as image:
        pack(image, keep_days=1)
        assert len(transactions(image)) == 7
        undo(image)
        pack(image, keep_days=0)
        with pytest.raises(CannotUndo, match="Only 0"):
            undo(image)


def test_others_work_while_it_packs(location):
    fill(location, 200)
    with open_image(location) as image:
        started, stop = threading.Event(), threading.Event()
        done = []

        def work():
            manager = transaction.TransactionManager()
            connection = image.db.open(manager)
            while not stop.is_set():
                connection.root()["work"] = PersistentMapping(number=len(done))
                manager.commit()
                done.append(connection.root()["work"]["number"])
                started.set()
            connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        started.wait()
        try:
            for _ in range(3):
                pack(image, 0)
        finally:
            stop.set()
            thread.join()
        with image.db.transaction() as connection:
            assert connection.root()["work"]["number"] == done[-1]
    assert check(location).ok


def test_packing_is_refused_where_it_cannot_be(location, small_disk):  # noqa: F811
    fill(location, 1)
    with open_image(location, read_only=True) as image, pytest.raises(ImageForbidden):
        pack(image)
    with open_image(location) as image, pytest.raises(ValueError, match="negative"):
        pack(image, -1)
    small = small_disk / "live_image.fs"
    fill(small, 30, "x" * 20_000)
    before = digest(small)
    with open_image(small) as image:
        with pytest.raises(ImageFull, match="second copy"):
            pack(image, 0)
        assert digest(small) == before
    with pytest.raises(ImageFull):
        backup(small, small_disk / "backups")
    assert os.listdir(small_disk / "backups") is not None


def test_a_process_killed_while_it_packs_leaves_a_whole_image(location):
    fill(location, 100)
    fill(location, 100)
    code = """
import sys
from batos.image import open_image
from batos.image.pack import pack
image = open_image(sys.argv[1])
print("packing", flush=True)
while True:
    pack(image, 0)
"""
    for round_number in range(6):
        with subprocess.Popen([sys.executable, "-c", code, str(location)], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            for _ in range(round_number * 300_000):
                pass
            process.kill()
        assert len(read(location)) == 101
        assert check(location).ok
