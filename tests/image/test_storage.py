"""Opening an image: what it says when it cannot, and that it then leaves the file alone."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import traceback
from pathlib import Path

import pytest
from persistent.mapping import PersistentMapping
from ZODB.FileStorage import FileStorage
from ZODB.fsIndex import fsIndex

from batos.image import announce, holder, imagefile, open_image, withdraw
from batos.image.check import check
from batos.image.errors import (
    BadLocation,
    ImageClosed,
    ImageDamaged,
    ImageForbidden,
    ImageFull,
    ImageLocked,
    ImageMissing,
    ImageNewer,
    ImageProblem,
    NotAnImage,
)
from batos.image.lock import kernel_path, lock_path

from .worlds import digest, fill, read, transactions


def refused(location, error, **kw):
    """Opening raises ``error``, and the file is what it was."""
    before = digest(location) if location.is_file() else None
    with pytest.raises(error) as caught:
        open_image(location, **kw)
    assert type(caught.value) is error
    assert (digest(location) if location.is_file() else None) == before
    assert caught.value.code == error.code and str(location) in str(caught.value)
    return caught.value


def run(code, *args, **kw):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **kw,
    )


# ---------------------------------------------------------------- opening


def test_what_was_committed_is_there_when_it_is_opened_again(location):
    fill(location, 3)
    world = read(location)
    assert sorted(world) == ["format", "n0", "n1", "n2"]
    assert world["n2"]["number"] == 2
    assert not location.with_name("live_image.fs.tmp").exists()


def test_nothing_there_and_not_to_be_made(location):
    refused(location, ImageMissing, create=False)
    refused(location, ImageMissing, read_only=True)
    refused(location / "deeper" / "x.fs", ImageMissing)
    assert not location.exists() and os.listdir(location.parent) == []


def test_a_folder_a_pipe_and_a_picture_are_no_images(location):
    location.mkdir()
    refused(location, NotAnImage)
    pipe = location / "pipe"
    os.mkfifo(pipe)
    refused(pipe, NotAnImage)
    picture = location / "picture.png"
    for content in (b"\x89PNG\r\n\x1a\n" + b"0" * 1000, b"F", b"FS2", b"FS21" + b"\0" * 100, b"\0" * 100):
        picture.write_bytes(content)
        refused(picture, NotAnImage)
    assert sorted(os.listdir(location)) == ["picture.png", "pipe"]


def test_an_empty_file_is_damaged_and_stays_empty(location):
    location.touch()
    problem = refused(location, ImageDamaged)
    assert problem.offset == 0 and "empty" in str(problem)


def test_a_newer_format_is_refused(location):
    with open_image(location) as image, image.db.transaction() as connection:
        connection.root()["format"] = 99
    problem = refused(location, ImageNewer)
    assert (problem.found, problem.known) == (99, 1)


def test_locations_nobody_can_open():
    with pytest.raises(BadLocation, match="gopher"):
        open_image("gopher://host/x")
    with pytest.raises(BadLocation):
        open_image("zeo://localhost:99999999")
    with pytest.raises(BadLocation):
        open_image("memory://x?nonsense=1")


def test_an_image_in_memory_and_one_that_forgets(location):
    with open_image("memory:") as image, image.db.transaction() as connection:
        connection.root()["x"] = 1
        assert holder("memory:") is None and announce("memory:", "ipc://x") is None and withdraw("memory:") is None
    fill(location, 1)
    before = digest(location)
    with open_image(f"demo:{location}") as image:
        with image.db.transaction() as connection:
            connection.root()["n0"]["number"] = 99
        with image.db.transaction() as connection:
            assert connection.root()["n0"]["number"] == 99
    assert digest(location) == before and read(location)["n0"]["number"] == 0
    with pytest.raises(ImageMissing):
        open_image(f"demo:{location}2")


def test_file_uris_are_paths(location):
    fill(f"file://{location}", 1)
    assert "n0" in read(location)


def test_read_only_sees_the_image_as_it_is_beside_a_writer(location):
    fill(location, 2)
    with open_image(location) as writer:
        with open_image(location, read_only=True) as reader:
            with writer.db.transaction() as connection:
                connection.root()["later"] = PersistentMapping()
            with reader.db.transaction() as connection:
                assert sorted(connection.root()) == ["format", "n0", "n1"]
            assert reader.notes == []
        assert "later" in read(location, read_only=True)


def test_read_only_changes_nothing_on_disk(location):
    fill(location, 2)
    before = {name: os.stat(location.parent / name).st_mtime_ns for name in os.listdir(location.parent)}
    read(location, read_only=True)
    assert {name: os.stat(location.parent / name).st_mtime_ns for name in os.listdir(location.parent)} == before


def test_a_closed_image_says_so(location):
    image = open_image(location)
    image.close()
    image.close()
    assert image.closed and "closed" in repr(image)
    with pytest.raises(ImageClosed):
        _ = image.db


def test_opening_a_path_imports_no_more_than_it_needs(location):
    result = run(
        """
        import sys, ZODB.FileStorage
        from batos.image import open_image
        open_image(sys.argv[1]).close()
        heavy = {"zodburi", "ZEO", "relstorage", "pydantic", "ZConfig", "asyncio", "socket", "dataclasses", "json"}
        print(sorted(heavy & set(sys.modules)))
        """,
        location,
    )
    assert (result.stdout, result.stderr) == ("[]\n", "")


# ---------------------------------------------------------------- who holds it


def test_a_second_process_is_told_who_holds_it(location):
    with open_image(location) as image:
        result = run(
            """
            import sys
            from batos.image import open_image
            from batos.image.errors import ImageLocked
            try:
                open_image(sys.argv[1])
            except ImageLocked as error:
                print(error.holder.pid, error)
            """,
            location,
        )
        assert result.stdout.startswith(f"{os.getpid()} {location} is in use by process {os.getpid()} (")
        assert ", since 2" in result.stdout
        problem = refused(location, ImageLocked)
        assert "this process" in str(problem) and problem.holder.pid == os.getpid()
        assert not image.closed
    assert holder(location) is None
    fill(location, 1)


def test_another_name_for_the_same_file_meets_the_same_lock(location):
    fill(location, 1)
    link = location.with_name("link.fs")
    link.symlink_to(location)
    with open_image(link), pytest.raises(ImageLocked):
        open_image(location)


def test_a_kernel_announces_itself_and_is_found(location):
    with open_image(location):
        assert holder(location).endpoint == ""
        announce(location, "ipc:///run/batos.sock")
        found = holder(location)
        assert found.pid == os.getpid() and found.endpoint == "ipc:///run/batos.sock"
        assert "its kernel answers at ipc:///run/batos.sock" in found.describe()
        assert kernel_path(location).stat().st_mode & 0o777 == 0o600
        announce(location, "ipc:///other")
        assert holder(location).endpoint == "ipc:///other"
        withdraw(location)
        withdraw(location)
        assert holder(location).endpoint == "" and not kernel_path(location).exists()
    assert sorted(os.listdir(location.parent)) == ["live_image.fs", "live_image.fs.lock"] or (
        sorted(os.listdir(location.parent)) == ["live_image.fs", "live_image.fs.index", "live_image.fs.lock"]
    )


def test_a_killed_kernel_leaves_nothing_that_misleads(location):
    code = """
        import os, sys
        from batos.image import open_image, announce
        image = open_image(sys.argv[1])
        announce(sys.argv[1], "ipc:///gone")
        print("ready", flush=True)
        sys.stdin.read()
        """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(location)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        found = holder(location)
        assert found.pid == process.pid and found.endpoint == "ipc:///gone"
        with pytest.raises(ImageLocked) as caught:
            open_image(location)
        assert caught.value.holder == found
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert holder(location) is None
        withdraw(location)
        assert kernel_path(location).exists(), "another's note is not ours to take"
        with open_image(location):
            assert holder(location).endpoint == "", "the note of the dead does not stand for the living"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', "\0\xff"])
def test_a_broken_note_or_lock_file_misleads_nobody(location, content):
    lock_path(location).write_text(content, encoding="latin-1")
    kernel_path(location).write_text(content, encoding="latin-1")
    assert holder(location) is None
    with open_image(location):
        assert holder(location).pid == os.getpid() and holder(location).endpoint == ""
        lock_path(location).write_text(content, encoding="latin-1")
        assert holder(location).describe() == "another process"


def test_patience_waits_for_the_other_process(location):
    first = open_image(location)
    got = []

    def wait():
        with open_image(location, patience=30) as image:
            got.append(image.notes)

    thread = threading.Thread(target=wait)
    thread.start()
    first.close()
    thread.join(30)
    assert got == [[]]


def test_asking_who_holds_it_does_not_get_in_the_way_of_opening(location):
    fill(location, 1)
    stop = threading.Event()

    def ask():
        while not stop.is_set():
            holder(location)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(30):
            open_image(location).close()
    finally:
        stop.set()
        thread.join()


def test_a_forked_child_can_neither_release_the_lock_nor_write(location):
    fill(location, 1)
    with open_image(location) as image:
        connection = image.db.open()
        connection.root()["half"] = "not committed"
        before = digest(location)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                try:
                    _ = image.db
                except ImageClosed:
                    connection.db().storage.close()
                    image.close()
                    status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert digest(location) == before
        assert holder(location).pid == os.getpid()
        connection.root()["half"] = "whole"
        connection.transaction_manager.commit()
        connection.close()
    with open_image(location) as image, image.db.transaction() as connection:
        assert connection.root()["half"] == "whole"


# ---------------------------------------------------------------- torn and damaged


def test_a_torn_end_is_put_aside_and_told(location):
    """Cut anywhere in the last transaction: all before it is there, the rest is beside it."""
    fill(location, 5)
    whole = location.read_bytes()
    start, length = transactions(location)[-1]
    for index_there in (True, False):
        for cut in sorted({start + 1, start + 16, start + 22, start + 30, start + length // 2, start + length - 1}):
            location.write_bytes(whole[:cut])
            if not index_there:
                location.with_name("live_image.fs.index").unlink(missing_ok=True)
            with open_image(location) as image:
                torn = [note for note in image.notes if "put aside" in note]
                assert len(torn) == 1 and f"{cut - start:,} bytes" in torn[0]
                aside = torn[0].split("put aside in ")[1].split(". Everything")[0]
                assert Path(aside).read_bytes() == whole[start:cut]
                assert os.stat(aside).st_mode & 0o777 == 0o600
            assert location.read_bytes() == whole[:start]
            assert sorted(read(location)) == ["format", "n0", "n1", "n2", "n3"]


def test_a_torn_end_stays_where_it_is_for_a_reader(location):
    fill(location, 3)
    whole = location.read_bytes()
    for cut, count in ((len(whole) - 5, 2), (40, None)):
        location.write_bytes(whole[:cut])
        if count is None:
            problem = refused(location, ImageMissing, read_only=True)
            assert "36 bytes" in str(problem)
        else:
            with open_image(location, read_only=True) as image, image.db.transaction() as connection:
                assert len(connection.root()) == count + 1 and "cut off" in image.notes[-1]
        assert location.read_bytes() == whole[:cut] and not list(location.parent.glob("*.tr*"))


def test_a_commit_interrupted_before_its_status_byte_is_put_aside(location):
    fill(location, 3)
    data = bytearray(location.read_bytes())
    start, _ = transactions(location)[-1]
    data[start + 16 : start + 17] = b"c"
    location.write_bytes(data)
    with open_image(location) as image:
        assert any("put aside" in note for note in image.notes)
    assert "n2" not in read(location)


@pytest.mark.parametrize("size", [1, 7, 30, 5000])
def test_zeros_at_the_end_are_put_aside(location, size):
    fill(location, 3)
    whole = location.read_bytes()
    location.write_bytes(whole + b"\0" * size)
    with open_image(location) as image:
        assert any(f"{size:,} bytes" in note for note in image.notes)
    assert location.read_bytes() == whole


@pytest.mark.parametrize("with_index", [True, False])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        (8, b"\x00\x00\x00\x00\x7f\xff\xff\xff"),
        (8, b"\xff" * 8),
        (8, b"\0" * 8),
        (16, b"c"),
        (16, b"?"),
        (17, b"\xff\xff"),
    ],
)
def test_a_damaged_transaction_in_the_middle_costs_nothing_but_an_error(location, with_index, field, value):
    """ZODB alone cuts everything off that follows a damaged length."""
    fill(location, 9)
    if with_index:
        # An index that knows only the first transactions, as after a kill.
        os.rename(location, location.with_name("whole"))
        whole = location.with_name("whole").read_bytes()
        location.write_bytes(whole[: transactions(location.with_name("whole"))[4][0]])
        location.with_name("live_image.fs.index").unlink()
        FileStorage(str(location)).close()
        location.write_bytes(whole)
    else:
        location.with_name("live_image.fs.index").unlink()
    data = bytearray(location.read_bytes())
    start, _ = transactions(location)[6]
    data[start + field : start + field + len(value)] = value
    location.write_bytes(data)
    problem = refused(location, ImageDamaged)
    assert problem.offset == start and f"{start:,}" in str(problem) and "recover" in str(problem)
    refused(location, ImageDamaged, read_only=True)
    assert not list(location.parent.glob("*.tr*"))
    assert holder(location) is None, "the lock was given back"


@pytest.mark.parametrize(("field", "value"), [(0, b"\xff" * 20), (8, b"\xff" * 8), (16, b"?"), (17, b"\xff\xff")])
def test_a_last_transaction_whose_beginning_is_overwritten_is_damaged(location, field, value):
    """Regression: it was taken for a commit that was never finished, and put aside."""
    fill(location, 5)
    location.with_name("live_image.fs.index").unlink()
    data = bytearray(location.read_bytes())
    start, _ = transactions(location)[-1]
    data[start + field : start + field + len(value)] = value
    location.write_bytes(data)
    assert refused(location, ImageDamaged).offset == start
    assert location.read_bytes() == data and not list(location.parent.glob("*.tr*"))


@pytest.mark.parametrize(("field", "value"), [(16, b"c"), (0, b"\0" * 23)])
def test_a_last_transaction_that_was_never_finished_is_torn_though_its_end_is_there(location, field, value):
    """As a kill between voting and finishing leaves it, or a power cut that wrote the end and not the beginning."""
    fill(location, 5)
    location.with_name("live_image.fs.index").unlink()
    data = bytearray(location.read_bytes())
    start, _ = transactions(location)[-1]
    data[start + field : start + field + len(value)] = value
    location.write_bytes(data)
    with open_image(location) as image:
        assert any("put aside" in note for note in image.notes)
    assert sorted(read(location)) == ["format", "n0", "n1", "n2", "n3"]


def test_both_the_middle_and_the_end_damaged(location):
    fill(location, 9)
    location.with_name("live_image.fs.index").unlink()
    places = transactions(location)
    data = bytearray(location.read_bytes())[:-5]
    data[places[3][0] + 8 : places[3][0] + 16] = b"\0\0\0\0\0\xff\xff\xff"
    location.write_bytes(data)
    assert refused(location, ImageDamaged).offset == places[3][0]


def test_a_damaged_record_header_is_damage(location):
    fill(location, 5)
    location.with_name("live_image.fs.index").unlink()
    data = bytearray(location.read_bytes())
    start, length = transactions(location)[3]
    data[start + 40 : start + length - 20] = b"\xff" * (length - 60)
    location.write_bytes(data)
    refused(location, ImageDamaged)


def test_a_root_that_does_not_load_is_damage(location):
    fill(location, 1)
    data = location.read_bytes()
    assert b"persistent.mapping" in data
    location.write_bytes(data.replace(b"persistent.mapping", b"persistent.mappinh"))
    refused(location, ImageDamaged)


@pytest.mark.parametrize("how", ["flipped", "cut", "empty", "garbage", "plain", "other"])
def test_a_wrong_index_is_noticed_and_made_anew(location, how):
    fill(location, 50)
    index = location.with_name("live_image.fs.index")
    data = bytearray(index.read_bytes())
    if how == "flipped":
        data[len(data) // 2] ^= 1
    elif how == "cut":
        del data[-20:]
    elif how == "empty":
        data.clear()
    elif how == "garbage":
        data[:] = os.urandom(len(data))
    elif how == "other":
        other = location.with_name("other.fs")
        fill(other, 30, "y")
        data[:] = other.with_name("other.fs.index").read_bytes()
    else:
        index.unlink()
        FileStorage(str(location)).close()
        data[:] = index.read_bytes()
    index.write_bytes(data)
    with open_image(location) as image:
        assert bool(image.notes) == (how != "plain"), image.notes
        assert all("made anew" in note for note in image.notes)
    with open_image(location) as image:
        assert image.notes == []
    assert len(read(location)) == 51


def test_the_index_is_saved_as_the_image_grows(location, tmp_path, monkeypatch):
    """What a killed process leaves to be read again is bounded."""
    monkeypatch.setattr(imagefile, "INDEX_EVERY", 40)
    copy = tmp_path / "copy.fs"
    with open_image(location) as image:
        for number in range(200):
            with image.db.transaction() as connection:
                connection.root()[f"n{number}"] = PersistentMapping()
        shutil.copy(location, copy)
        shutil.copy(f"{location}.index", f"{copy}.index")
    indexed = fsIndex.load(f"{copy}.index")["pos"]
    left = [start for start, _ in transactions(copy) if start >= indexed]
    assert 0 <= len(left) < 40
    with open_image(copy) as image, image.db.transaction() as connection:
        assert image.notes == [] and len(connection.root()) == 201


# ---------------------------------------------------------------- no permission, no room


def as_nobody(work):
    """Run in a child that has given root away; answers whether ``work`` came to its end."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_without_permission_it_is_refused_in_words():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        location = Path(folder) / "live_image.fs"
        fill(location, 1)

        def read_only():
            refused(location, ImageForbidden)
            assert "n0" in read(location, read_only=True)
            with pytest.raises(ImageForbidden):
                open_image(Path(folder) / "new.fs")

        def nothing():
            refused_unread(location, ImageForbidden, read_only=True)
            refused_unread(location, ImageForbidden)

        location.chmod(0o444)
        os.chmod(folder, 0o555)
        assert as_nobody(read_only)
        location.chmod(0o000)
        assert as_nobody(nothing)
        os.chmod(folder, 0o755)


def refused_unread(location, error, **kw):
    with pytest.raises(error, match="ermission"):
        open_image(location, **kw)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB, where we may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"NO SMALL DISK: a real full disk was not tried ({done.stderr.decode().strip()})")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_read_only_file_system(small_disk):
    location = small_disk / "live_image.fs"
    fill(location, 1)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    refused(location, ImageForbidden)
    assert "n0" in read(location, read_only=True)
    with pytest.raises(ImageForbidden):
        open_image(small_disk / "other.fs")


def commit_until_full(image, size):
    """Commits objects of about ``size`` bytes until there is no room; answers how many were acknowledged."""
    manager_count = 0
    connection = image.db.open()
    try:
        for _ in range(10_000):
            connection.root()[f"n{manager_count}"] = PersistentMapping({"text": "x" * size, "number": manager_count})
            connection.transaction_manager.commit()
            manager_count += 1
    except ImageFull as error:
        connection.transaction_manager.abort()
        assert "was kept" in str(error)
        return manager_count
    finally:
        connection.transaction_manager.abort()
        connection.close()
    raise AssertionError("the disk never filled")


@pytest.mark.parametrize("size", [10, 1_000, 200_000, 3_000_000, 40_000_000])
def test_a_full_disk_keeps_nothing_of_the_message_and_everything_before(small_disk, size):
    location = small_disk / "live_image.fs"
    with open_image(location) as image:
        ballast = small_disk / "ballast"
        ballast.write_bytes(b"b" * 600_000)
        done = commit_until_full(image, size)
        for _ in range(3):  # refused again and again, and nothing is harmed by it
            before = digest(location)
            assert commit_until_full(image, size) == 0 or size < 1000
            if size >= 1000:
                assert digest(location) == before
        with image.db.transaction() as connection:
            names = [name for name in connection.root() if name.startswith("n")]
            assert len(names) >= done
        ballast.unlink()
        with image.db.transaction() as connection:  # room again: the same open image goes on
            connection.root()["after"] = PersistentMapping({"text": "room"})
    with open_image(location) as image, image.db.transaction() as connection:
        assert image.notes == []
        assert connection.root()["after"]["text"] == "room"
        assert all(len(connection.root()[f"n{i}"]["text"]) == size for i in range(done))


def test_an_image_on_a_full_disk_can_be_opened_read_and_used_again(small_disk):
    location = small_disk / "live_image.fs"
    fill(location, 5)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"b" * 512)
    with open_image(location) as image:
        assert commit_until_full(image, 5000) == 0
        with image.db.transaction() as connection:
            assert len(connection.root()) == 6
    with pytest.raises(ImageFull):
        open_image(small_disk / "other.fs")
    assert sorted(path.name for path in small_disk.glob("other*")) in ([], ["other.fs"])
    ballast.unlink()
    fill(location, 7)
    assert len(read(location)) == 8 and check(location).ok


def test_a_limit_on_the_size_of_files_is_a_full_disk_too(location):
    result = run(
        """
        import resource, sys
        from persistent.mapping import PersistentMapping
        from batos.image import open_image
        from batos.image.errors import ImageFull
        image = open_image(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        done = 0
        connection = image.db.open()
        try:
            while True:
                connection.root()[str(done)] = PersistentMapping(text="x" * 5000)
                connection.transaction_manager.commit()
                done += 1
        except ImageFull as error:
            connection.transaction_manager.abort()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        connection.root()["after"] = PersistentMapping()
        connection.transaction_manager.commit()
        connection.close()
        image.close()
        print(done)
        """,
        location,
    )
    assert result.stderr == "" and int(result.stdout) > 5
    with open_image(location) as image, image.db.transaction() as connection:
        assert image.notes == [] and "after" in connection.root()
        assert all(str(i) in connection.root() for i in range(int(result.stdout)))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY


# ---------------------------------------------------------------- kill -9


def test_kill_at_any_moment_loses_no_acknowledged_commit(location):
    code = """
        import sys
        from persistent.mapping import PersistentMapping
        from batos.image import open_image
        image = open_image(sys.argv[1])
        connection = image.db.open()
        root = connection.root()
        number = root.get("count", 0)
        while True:
            number += 1
            root["count"] = number
            root["pair"] = PersistentMapping(number=number, text="x" * (number % 50) * 1000)
            connection.transaction_manager.commit()
            sys.stdout.write(f"{number}\\n")
            sys.stdout.flush()
        """
    acknowledged = 0
    for round_number in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(location)], stdout=subprocess.PIPE, text=True
        ) as process:
            for _ in range(3 + round_number * 5):
                acknowledged = int(process.stdout.readline())
            process.kill()
            for line in process.stdout:
                if line.endswith("\n"):
                    acknowledged = int(line)
        with open_image(location) as image, image.db.transaction() as connection:
            count = connection.root()["count"]
            assert acknowledged <= count <= acknowledged + 1
            assert connection.root()["pair"]["number"] == count
    assert acknowledged > 300


def test_every_error_is_one_of_the_tree_with_a_code_of_its_own():
    def below(kind):
        yield kind
        for child in kind.__subclasses__():
            yield from below(child)

    kinds = list(below(ImageProblem))
    assert len({kind.code for kind in kinds}) == len(kinds)
    import batos.image.errors as errors

    assert all(kind.__name__ in errors.__doc__ and kind.code in errors.__doc__ for kind in kinds)


@pytest.mark.parametrize("size", [20, 200, 1_000, 100_000])
def test_an_image_whose_start_is_overwritten_is_damaged_and_stays(fresh_image, size):
    """Regression: with nothing in it but the library, it was taken for a torn end, and a new one was made."""
    before = fresh_image.read_bytes()
    fresh_image.write_bytes(before[:4] + b"\xff" * size + before[4 + size :])
    damaged = fresh_image.read_bytes()
    Path(f"{fresh_image}.index").unlink(missing_ok=True)
    with pytest.raises(ImageDamaged):
        open_image(fresh_image)
    assert fresh_image.read_bytes() == damaged


def test_an_image_whose_awakening_is_overwritten_is_damaged_and_stays(fresh_image):
    before = fresh_image.read_bytes()
    start, _ = transactions(fresh_image)[-1]
    damaged = before[:start] + b"\xff" * 20 + before[start + 20 :]
    fresh_image.write_bytes(damaged)
    Path(f"{fresh_image}.index").unlink(missing_ok=True)
    with pytest.raises(ImageDamaged):
        open_image(fresh_image)
    assert fresh_image.read_bytes() == damaged


def test_what_had_to_be_done_to_open_an_image_is_said(fresh_image):
    """Regression: nobody was told that the end of an image had been put aside."""
    with open(fresh_image, "ab") as file:
        file.write(b"half a commit")
    command = [sys.executable, "-m", "batos.cli", "-i", str(fresh_image), "eval", "3 + 4"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "7\n"
    assert "The last 13 bytes were a message that had not been finished" in said.stderr and ".tr0" in said.stderr
