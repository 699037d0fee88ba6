"""What a worker has learnt about behaviour must not outlive it: messages that fail, and other workers' changes."""

from __future__ import annotations

from batos.image.history import undo

from .conftest import Bench


def test_a_slot_added_by_a_message_that_failed_is_gone(bench: Bench) -> None:
    bench.well("A := Object clone. a := A clone")
    assert bench("[A setSlot: 'zz' value: 3. a zz. self error: 'no'] value") == "!error"
    assert bench("a zz") == "!not-understood"
    assert bench("[A setSlot: 'yy' value: 3. a yy: 4. self error: 'no'] value") == "!error"
    assert bench("a yy: 5") == "!not-understood"


def test_a_name_of_the_world_given_by_a_message_that_failed_is_gone(bench: Bench) -> None:
    bench.well("A := Object clone. A >> reads [ ^Cx ]")
    assert bench("[Cx := 4. A reads. self error: 'no'] value") == "!error"
    assert bench("A reads") == "!not-understood"
    bench.well("Cx := 5")
    assert bench("A reads") == "5"


def test_a_method_defined_by_a_message_that_failed_is_gone(bench: Bench) -> None:
    bench.well("A := Object clone. A >> f [ ^1 ]. B := Object clone. B >> f [ ^2 ]. a := A clone. a f")
    assert bench("[a setSlot: 'parent*' value: B. a f. self error: 'no'] value") == "!error"
    assert bench("a f") == "1"


def test_another_worker_sees_new_slots_and_methods(bench: Bench) -> None:
    other = bench.another()
    bench.well("A := Object clone. A >> f [ ^1 ]. a := A clone")
    assert bench("a zz", other) == "!not-understood"
    assert bench("a f", other) == "1"
    bench.well("A setSlot: 'zz' value: 4. A >> f [ ^2 ]")
    assert bench("a zz", other) == "4"
    assert bench("a f", other) == "2"
    bench.well("a zz: 9", other)
    assert bench("a zz") == "9"


def test_another_workers_datum_hides_a_method(bench: Bench) -> None:
    other = bench.another()
    bench.well("A := Object clone. A >> f [ ^1 ]. B := A clone. B >> g [ ^self f ]. b := B clone")
    assert bench("{b f. b g}. b f + b g", other) == "2"
    bench.well("B setSlot: 'f' value: 10")
    assert bench("b f + b g", other) == "20"


def test_super_that_finds_nothing_ends(bench: Bench) -> None:
    bench.well("P := Object clone. P >> up [ ^super up ]. P >> up: x [ ^super up: x ]")
    assert bench("P up") == "!not-understood"
    assert bench("P up: 1") == "!not-understood"


def test_a_prototype_answers_its_own_method_where_the_name_is_a_datum_elsewhere(bench: Bench) -> None:
    bench.well("""
        Shape := Object clone. Shape >> area [ ^5 ].
        Rect := Object clone. Rect setSlot: 'area' value: 7.
        T := Object clone. T >> ask: x [ ^x area ]""")
    for _ in range(2):
        assert bench("T ask: Rect") == "7"
        assert bench("T ask: Shape") == "5"
        assert bench("T ask: Shape clone") == "5"
        assert bench("T ask: Rect clone") == "7"
        bench.reopen()
    bench.well("Shape >> width [ ^1 ]. Rect setSlot: 'width' value: 3. T >> wide: x [ ^x width ]")
    assert bench("T wide: Shape") == "1"
    bench.well("Shape setSlot: 'width' value: 8")
    assert bench("T wide: Shape") == "8"
    bench.well("Shape >> width [ ^width * 2 ]")
    assert bench("T wide: Shape") == "16"


def test_two_statements_from_one_place_keep_their_own_literals(bench: Bench) -> None:
    bench("b := [#foo]")
    bench("c := [#bar]")
    assert bench("b value") == bench("#foo")
    bench.reopen()
    assert bench("b value") == bench("#foo")


def test_a_block_called_with_the_wrong_number_of_arguments(bench: Bench) -> None:
    for source in ("[:x | x] value: 1 value: 2", "[:x :y | x] value: 1", "[3] value: 1", "[:x | x] value"):
        error = bench.outcomes(source)[0].error
        assert error is not None and error.message.startswith("wrong argument count"), source


def test_a_method_is_no_datum_to_write(bench: Bench) -> None:
    bench.well("A := Object clone. A >> x [ ^1 ]. A >> assign: v [ x := v ]")
    for source in ("A x: 2", "A assign: 2"):
        assert bench(source)[:1] == "!", source
        assert bench("A x") == "1"


def test_an_object_not_loaded_yet_answers_its_methods(bench: Bench) -> None:
    bench.well("""
        Shape := Object clone. Shape >> area [ ^5 ]. shape := Shape clone.
        Rect := Object clone. Rect setSlot: 'area' value: 7.
        T := Object clone. T >> ask: x [ ^x area ]. T ask: Rect""")
    for source in ("T ask: Shape", "T ask: shape"):
        bench.worker.connection.cacheMinimize()
        assert bench(source) == "5", source


def test_a_slot_that_an_undo_took_from_a_prototype_is_not_understood_by_its_clones(bench: Bench) -> None:
    """It was looked for without end."""
    bench.well("A := Object clone. s := A clone")
    bench.well("A setSlot: 'bonus' value: 5")
    assert bench("s bonus") == "5"
    undo(bench.image)
    assert bench("s bonus") == "!not-understood" and bench("A bonus") == "!not-understood"
