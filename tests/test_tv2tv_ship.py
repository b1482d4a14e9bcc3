"""Weights that ship: from a run's folder to a named model, in half precision, run in float32."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("accelerate")

from safetensors.torch import load_file  # noqa: E402
from test_tv2tv_sft import settings  # noqa: E402

from genreason import cards, cli, watching  # noqa: E402
from genreason import generate as generators  # noqa: E402
from genreason.puzzles import base  # noqa: E402
from genreason.task import Task  # noqa: E402
from genreason.train import shipping, tv2tv  # noqa: E402
from genreason.types import Request, UserError  # noqa: E402

torch.set_num_threads(1)
WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two runs of two steps, the second from the first."""
    root = tmp_path_factory.mktemp("runs")
    first = tv2tv.train(settings(train__steps=2), root / "first", quiet=True)
    tv2tv.train(settings(train__steps=2, start=str(first)), root / "second", quiet=True)
    return root


def asked():
    instance = Task("maze", "easy", "test", "slate")[0]
    return Request(instance=instance, first_frame=base.load("maze").picture(instance), prompt="")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_run_ships_in_half_precision_and_runs_in_float32(trained, tmp_path, dtype, monkeypatch):
    root = tmp_path / "cards"
    made = shipping.ship(trained / "second", root / "weights" / "tv2tv-nano", dtype)
    stored = load_file(made / WEIGHTS)
    assert {t.dtype for t in stored.values()} == {getattr(torch, dtype)}
    average = load_file(trained / "second/checkpoints/step-000002/average.safetensors")
    assert all(torch.equal(stored[n], t.to(getattr(torch, dtype))) for n, t in average.items())
    # Found by name, as in the checkout and in the wheel: among the folders that hold cards.
    monkeypatch.setenv(cards.PATH_VARIABLE, str(root))
    card = cards.load(cards.GeneratorCard, "tv2tv-nano")
    generator = generators.load(card, {**card.options, "chunks": 2, "words": 4, "device": "cpu"})
    assert {p.dtype for p in generator.pipe.transformer.parameters()} == {torch.float32}
    assert generator.grids == ((3, 3),)  # of the model's own card
    (clip,) = generator.generate([asked()], 0)
    assert all(np.isfinite(frame).all() for frame in clip.render())


def test_the_model_card_tells_recipe_seed_steps_and_cost(trained, tmp_path):
    made = shipping.ship(trained / "second", tmp_path / "m")
    text = (made / shipping.README).read_text()
    assert "2 + 2 steps" in text and "seed 0" in text and "hours" in text
    assert "mazes of 3x3 rooms (slate)" in text and "validation/loss" in text
    assert str(trained) not in text and str(trained) not in (made / shipping.RECIPE).read_text()
    recipe = json.loads((made / shipping.RECIPE).read_text())
    assert [stage["train"]["steps"] for stage in recipe["stages"]] == [2, 2]
    lines = [json.loads(line) for line in (made / shipping.LOG).read_text().splitlines()]
    assert {line["stage"] for line in lines} == {1, 2} and {line["step"] for line in lines} == {1, 2}


def test_a_run_that_goes_on_from_what_was_shipped_tells_those_stages_too(trained, tmp_path):
    first = shipping.ship(trained / "second", tmp_path / "first")
    tv2tv.train(settings(train__steps=2, start=str(first)), tmp_path / "third", quiet=True)
    text = (shipping.ship(tmp_path / "third", tmp_path / "second") / shipping.README).read_text()
    assert "2 + 2 + 2 steps" in text and str(first) not in text


@pytest.mark.parametrize(
    ("world", "asked"),
    [
        ({"rooms": 5}, "run maze --level medium "),
        ({"task": "trapfield", "rooms": 5}, "run trapfield --level easy "),
        ({"task": "sokoban", "rooms": 6}, "run sokoban --level small "),
        ({"rooms": 8}, "run maze --n "),
    ],
)
def test_the_model_card_asks_for_the_world_that_was_learnt(world, asked):
    assert asked in shipping._command("mine", world)


def test_a_run_that_goes_on_ships_its_newest_checkpoint(tmp_path):
    made = tv2tv.train(settings(train__steps=2), tmp_path / "run", quiet=True)
    (made / "model_index.json").rename(made / "gone")  # as before the end: no pipeline yet
    shipped = shipping.ship(tmp_path / "run", tmp_path / "m", "float32")
    stored, whole = load_file(shipped / WEIGHTS), load_file(made / WEIGHTS)
    assert all(torch.equal(stored[n], whole[n]) for n in whole)


def test_what_ships_is_small_and_has_a_model_card():
    for root in cards.roots():
        for folder in (root / "weights").glob("*/"):
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            assert size <= 25e6, folder
            assert {"README.md", shipping.RECIPE, shipping.LOG} <= {path.name for path in folder.iterdir()}


def test_bad_input_is_one_line(trained, tmp_path, capsys):
    with pytest.raises(UserError, match=r"config.json does not exist: give the folder of a training run"):
        shipping.ship(tmp_path, tmp_path / "m")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.json").write_text(json.dumps({"config": {"kind": "i2v-lora"}}))
    with pytest.raises(UserError, match="only tv2tv models"):
        shipping.ship(tmp_path / "run", tmp_path / "m")
    (tmp_path / "run/config.json").write_text((trained / "first/config.json").read_text())
    with pytest.raises(UserError, match="no checkpoint yet"):
        shipping.ship(tmp_path / "run", tmp_path / "m")
    with pytest.raises(SystemExit) as stopped:
        cli.main(["train", "ship", str(trained / "first"), "--out", str(tmp_path / "m"), "--dtype", "int8"])
    assert stopped.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_the_demo_watches_the_model_where_its_weights_are(trained, tmp_path, monkeypatch):
    root = tmp_path / "cards"
    root.mkdir()
    monkeypatch.setenv(cards.PATH_VARIABLE, str(root))
    monkeypatch.setattr(watching, "COUNT", 2)
    if not any((each / "weights/tv2tv-nano").is_dir() for each in cards.roots()):
        assert watching.model() is None
    shipping.ship(trained / "second", root / "weights" / "tv2tv-nano")
    card = watching.model()
    assert card is not None
    card.options.update(chunks=2, words=6, grids=[[4, 4]])
    lines: list[str] = []
    found = watching.watch(card, tmp_path / "unseen", lines.append, True)
    assert len(found) == 2 and set(found) <= {"pass", "fail", "unscored"}
    assert sum("the rules judge" in line for line in lines) == 2
    assert any("\u2580" in line for line in lines)


@pytest.mark.parametrize(("level", "rooms"), [("small", 4), ("medium", 5), ("large", 6), ("hard", 7)])
def test_the_second_model_looks_at_as_many_rooms_as_there_are(level, rooms):
    card = cards.load(cards.GeneratorCard, "tv2tv-nano-v2")
    generator = generators.load(card, {**card.options, "chunks": 1, "words": 4})
    puzzle, task = base.load("maze"), Task("maze", level, "test", size=(256, 256))
    requests = [Request(instance=task[i], first_frame=puzzle.picture(task[i]), prompt="") for i in range(6)]
    grids = [clip.meta["grid"] for clip in generator.generate(requests, seed=0)]
    assert grids == [[rooms, rooms]] * len(requests)
