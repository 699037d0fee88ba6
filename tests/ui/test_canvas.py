"""The parts of the canvas that need no window: what it knows of objects, text in rows, settings, colours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexer import Lexer
from pygments.lexers.python import PythonLexer

from batos.bridge.covenant import UvmStateUpdateEvent
from batos.grammar.highlight import MessageLexer
from batos.ui.canvas import main
from batos.ui.canvas.portrait import Portrait, Trail, print_data, walk_to
from batos.ui.canvas.settings import Settings, SettingsProblem, load_settings
from batos.ui.canvas.text import clean, coloured, escape, font_for, wrap
from batos.ui.canvas.theme import DARK, THEMES, Theme, colour, contrast

ACCOUNT = {"handle": "00000000000000a1", "print": "an Account"}


def state(whole: bool = True, removed: tuple[str, ...] = (), **slots: object) -> UvmStateUpdateEvent:
    return UvmStateUpdateEvent(state=slots, whole=whole, removed=list(removed))


@pytest.mark.parametrize(
    ("data", "printed"),
    [
        (None, "nil"),
        (True, "true"),
        (2**70, str(2**70)),
        ("it's", "'it''s'"),
        (b"\x01\xff", "#[1 255]"),
        ([1, "a", [None]], "(1 'a' (nil))"),
        ({"a": 1}, "a Dictionary('a'->1)"),
        ({"literal": "#foo"}, "#foo"),
        (ACCOUNT, "an Account"),
        (list(range(100)), "(0 1 2 3 4 5 6 7 8 9 10 11 … 88 more)"),
        ([[[[1]]]], "((((…))))"),
    ],
)
def test_data_prints_as_in_the_language(data: object, printed: str) -> None:
    assert print_data(data) == printed


def test_a_portrait_takes_in_what_changed() -> None:
    portrait = Portrait(None, "Object")
    assert portrait.apply(state(a=1, b=2)) == ["a", "b"]
    assert portrait.apply(state(whole=False, removed=("a",), b=3)) == ["a", "b"]
    assert portrait.slots == {"b": 3}
    assert portrait.apply(state(whole=False, b=3)) == []
    assert portrait.apply(state(c=None)) == ["b", "c"]


def test_rows_parents_then_data_then_methods_and_finding() -> None:
    portrait = Portrait(None, "Object")
    portrait.apply(
        state(**{"zeta": 1, "parent*": [ACCOUNT], "alpha": ACCOUNT, "deposit:": {"method": "deposit:", "handle": "2"}})
    )
    rows = [(row.kind, row.name, row.handle) for row in portrait.rows()]
    handle = ACCOUNT["handle"]
    assert rows == [
        ("heading", "slots (3)", None),
        ("parent", "parent*", handle),
        ("data", "alpha", handle),
        ("data", "zeta", None),
        ("heading", "methods (1)", None),
        ("method", "deposit:", None),
    ]
    assert [row.name for row in portrait.rows("dep")] == ["methods (1)", "deposit:"]


def test_where_a_slot_leads() -> None:
    assert walk_to(ACCOUNT) == walk_to([ACCOUNT, 3]) == ACCOUNT["handle"]
    assert walk_to(3) is walk_to([]) is walk_to([3]) is walk_to({"handle": 3}) is walk_to({"handle": ""}) is None


def test_the_trail() -> None:
    trail = Trail()
    trail.go("a", "A")
    trail.go("a", "A again")
    trail.go("b", "B")
    assert trail.back() and trail.here == ("a", "A")
    trail.home()
    assert trail.here == (None, "Object") and not trail.back()


# -- text -------------------------------------------------------------------------------------------------------------


@given(st.text(), st.integers(-3, 60))
def test_wrapping_loses_nothing_and_fits(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    assert "".join(lines) == text.replace("\n", "")
    assert all(len(line) <= max(columns, 8) for line in lines) and lines


def unmarked(line: str) -> str:
    plain = re.sub(r"\[(/?color[^\]]*|/?b)\]", "", line)
    return plain.replace("&bl;", "[").replace("&br;", "]").replace("&amp;", "&")


@pytest.mark.parametrize("lexer", [MessageLexer(), PythonLexer()])
@given(source=st.text(alphabet="ab [](){}&'\"\n#x1^:=", max_size=200), columns=st.integers(8, 40))
def test_colours_change_no_character(lexer: Lexer, source: str, columns: int) -> None:
    shown = [unmarked(line) for line in coloured(source, lexer, DARK.source, columns)]
    assert shown == wrap(source.rstrip("\n"), columns)


def test_markup_of_the_image_is_only_text() -> None:
    assert escape("[b]x[/b] &amp;") == "&bl;b&br;x&bl;/b&br; &amp;amp;"


@given(st.text())
def test_clean_text_has_only_printable_characters(text: str) -> None:
    assert all(c == "\n" or c.isprintable() for c in clean(text))


def test_a_font_that_has_the_characters() -> None:
    assert font_for("3 + 4 'äöü Жук'") == "RobotoMono-Regular"
    assert font_for("a → b ∀") == "DejaVuSans"


# -- settings ---------------------------------------------------------------------------------------------------------


def test_settings_from_a_file(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.toml") == Settings()
    (tmp_path / "canvas.toml").write_text('theme = "light"\ntext_size = 20\n')
    assert load_settings(tmp_path / "canvas.toml") == Settings(theme="light", text_size=20)


@pytest.mark.parametrize(
    "text",
    [
        "theme = 'blue'",
        "contrast = 'very'",
        "text_size = 4",
        "text_size = 4000",
        "text_size = '12'",
        "text_size = true",
        "colour = 3",
        "= =",
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "canvas.toml"
    file.write_text(text)
    with pytest.raises(SettingsProblem, match=r"canvas\.toml"):
        load_settings(file)


def test_a_wrong_setting_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("ipc:///nowhere", settings=Settings(), text_size=3) == 2
    assert "text_size" in capsys.readouterr().err


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: f"{theme.name}-{theme.contrast}")
def test_text_can_be_read(theme: Theme) -> None:
    least = 7.0 if theme.contrast == "high" else 4.5
    source = [colour("#" + style["color"]) for _, style in theme.source if style["color"]]
    for ink in (theme.ink, theme.faint, theme.accent, theme.good, theme.warn, theme.bad, *source):
        for ground in (theme.ground, theme.panel, theme.raised):
            assert contrast(ink, ground) >= least
    assert contrast(theme.ink, theme.chosen) >= least and contrast(theme.accent, theme.chosen) >= least * 2 / 3
