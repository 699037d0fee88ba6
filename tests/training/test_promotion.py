"""The gate opens only for what is surely better and nowhere worse; an adapter is checked before llama.cpp sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from batos.cli import main
from batos.jit.adapter import adapter_name, read_adapter
from batos.jit.bench.report import Report, TaskResult, TryResult
from batos.jit.embedded import EmbeddedEngine
from batos.jit.errors import EngineMissing
from batos.jit.settings import read_settings
from batos.training.card import loss_curve, model_card, read_log
from batos.training.config import PRESETS
from batos.training.evaluate import TaskScores, promotion
from batos.training.finetune import finished


def report(rights: list[bool], adapter: str | None = None) -> Report:
    tries = {r: (TryResult("", "", "", "" if r else "wrong", 1, 1, 0.0),) for r in (True, False)}
    results = [TaskResult(f"f/w/{n}", "f", "heldout", "", tries[r]) for n, r in enumerate(rights)]
    return Report({"adapter": adapter}, results)


def test_the_gate() -> None:
    base = report([n < 20 for n in range(100)])
    assert promotion(base, report([n < 70 for n in range(100)])).open
    assert not promotion(base, base).open
    assert not promotion(base, report([n < 21 for n in range(100)])).open  # 1 point
    assert not promotion(base, report([n % 4 == 0 for n in range(100)])).open  # better, and the interval holds zero
    assert not promotion(base, report([])).open


def test_no_task_may_get_worse() -> None:
    base, tuned = report([False] * 50), report([True] * 50)
    before = TaskScores({}, {"control": [True] * 40, "persona": [True] * 40})
    worse = TaskScores({}, {"control": [True] * 39 + [False], "persona": [True] * 40})
    assert promotion(base, tuned, before, before).open
    said = promotion(base, tuned, before, worse)
    assert not said.open and any(line.startswith("NO  control: 40 -> 39") for line in said.told)


def card_and_file(folder: Path, **more: Any) -> Path:
    draft = folder / "draft.gguf"
    draft.write_bytes(b"GGUF" + b"\0" * 60)
    name = adapter_name("jit", draft)
    file = draft.rename(folder / f"{name}.gguf")
    card = {"name": name, "facet": "jit", "style": "tuned", "sha256": name.partition("@")[2] + "0" * 52, **more}
    file.with_suffix(".json").write_text(json.dumps(card))
    return file


def test_an_adapter_is_read_with_its_card(tmp_path: Path) -> None:
    file = card_and_file(tmp_path)
    found = read_adapter(file)
    assert read_adapter(file.with_suffix(".json")) == found
    assert (found.style, found.name) == ("tuned", file.name.removesuffix(".gguf"))
    assert EmbeddedEngine(default=found).style == "tuned"


def test_an_adapter_for_another_model_is_left_alone(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF and more")
    found = read_adapter(card_and_file(tmp_path, base="sha256:" + "0" * 64))
    engine = EmbeddedEngine(model, default=found)
    assert (engine.adapter, engine.style) == (None, "small")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda f: f.unlink(), "cannot be read"),
        (lambda f: f.with_suffix(".json").unlink(), "cannot be read"),
        (lambda f: f.write_bytes(b"GGUF half"), "is not the file its card describes"),
        (lambda f: f.write_bytes(b"nonsense"), "is not a GGUF file"),
        (lambda f: f.with_suffix(".json").write_text("{"), "is no card"),
        (lambda f: f.with_suffix(".json").write_text('{"name": "x", "style": "loud", "sha256": ""}'), "prompt style"),
    ],
)
def test_a_spoilt_adapter_is_named_before_llama_sees_it(tmp_path: Path, spoil: Any, told: str) -> None:
    file = card_and_file(tmp_path)
    spoil(file)
    with pytest.raises(EngineMissing, match=told):
        read_adapter(file)


def test_the_setting_turns_the_adapter_off(tmp_path: Path) -> None:
    file = card_and_file(tmp_path)
    off = read_settings({"BATOS_ADAPTER": "off"}).live_engine()
    assert getattr(off, "adapter", "?") is None
    chosen = read_settings({"BATOS_ADAPTER": str(file)}).live_engine()
    assert getattr(chosen, "adapter", "?") == file.name.removesuffix(".gguf")
    with pytest.raises(EngineMissing):
        read_settings({"BATOS_ADAPTER": str(tmp_path / "none.gguf")}).live_engine()


def test_publish_asks_the_gate_and_replaces_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = card_and_file(tmp_path / "old")
    (tmp_path / "new").mkdir()
    draft = tmp_path / "new" / "d.gguf"
    draft.write_bytes(b"GGUF" + b"\1" * 60)
    name = adapter_name("jit", draft)
    new = draft.rename(tmp_path / "new" / f"{name}.gguf")
    card = {"name": name, "facet": "jit", "style": "tuned", "sha256": name.partition("@")[2]}
    new.with_suffix(".json").write_text(json.dumps(card))
    for file, rights, adapter in (("base", 20, None), ("good", 70, name), ("bad", 15, name)):
        report([n < rights for n in range(100)], adapter).save(tmp_path / f"{file}.json")
    run = CliRunner()
    arguments = ["train", "publish", str(new), "--before", str(tmp_path / "base.json"), "--into", str(tmp_path / "old")]
    refused = run.invoke(main, [*arguments, "--after", str(tmp_path / "bad.json")])
    assert refused.exit_code == 1 and "the gate says no" in refused.output and old.exists()
    other = run.invoke(main, [*arguments, "--after", str(tmp_path / "base.json")])
    assert other.exit_code == 1 and "is an evaluation of the bare model" in other.output
    told = run.invoke(main, [*arguments, "--after", str(tmp_path / "good.json")])
    assert told.exit_code == 0, told.output
    assert sorted(p.name for p in (tmp_path / "old").iterdir()) == [f"{name}.gguf", f"{name}.json"]


def test_the_loss_is_drawn_and_the_card_written(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.5}\n{"step": 2, "loss": 1.0}\n{"torn')
    told = read_log(log)
    assert [t["loss"] for t in told] == [2.0, 1.0]
    picture = loss_curve(told)
    assert picture.startswith("<svg") and "2.000 to 1.000" in picture
    page = model_card("jit@0", PRESETS["smollm2-cpu"], {"base": "sha256:x", "sha256": "y"}, {"rows": 3})
    assert "# jit@0" in page and "sha256:x" in page and "3, ?, ?" in page
    assert loss_curve([]).startswith("<svg")


def test_a_run_that_is_whole_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").touch()
    summary = tmp_path / "summary.json"
    smoke = PRESETS["cpu-smoke"]
    assert finished(smoke, tmp_path) is None
    summary.write_text(json.dumps({"rows": 64, "steps": smoke.max_steps}))
    assert finished(smoke, tmp_path) == {"rows": 64, "steps": smoke.max_steps}
    assert finished(smoke.model_copy(update={"max_steps": smoke.max_steps + 1}), tmp_path) is None
    by_epochs = smoke.model_copy(update={"max_steps": 0, "epochs": 2.0})
    assert finished(by_epochs, tmp_path) is None  # 2 * 64 / 4 steps
    summary.write_text('{"rows": 64, "ste')
    assert finished(smoke, tmp_path) is None


def test_every_command_of_train_teaches() -> None:
    run = CliRunner()
    for command in ("", "data", "validate", "expand", "finetune", "evaluate", "export", "publish"):
        told = run.invoke(main, ["train", *([command] if command else []), "--help"])
        assert told.exit_code == 0 and len(told.output.split()) > 50
    assert "--preset or --config" in run.invoke(main, ["train", "finetune"]).output
    shown = run.invoke(main, ["train", "finetune", "--preset", "cpu-smoke", "--set", "seed=3", "--show"])
    assert json.loads(shown.output)["seed"] == 3
