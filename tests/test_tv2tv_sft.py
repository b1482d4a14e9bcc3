"""Training TV2TV: worlds that the judge can read and that are told truly; overfitting, resuming, use."""

from __future__ import annotations

import functools
import json
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
accelerate = pytest.importorskip("accelerate")

from safetensors.torch import load_file  # noqa: E402

from genreason import cards, run, seeds  # noqa: E402
from genreason import generate as generators  # noqa: E402
from genreason import judge as judges  # noqa: E402
from genreason.generate.corrections import ARROWS  # noqa: E402
from genreason.generate.worldsize import grown, shrunk  # noqa: E402
from genreason.model import words  # noqa: E402
from genreason.model.codec import PixelCodec, codec_of  # noqa: E402
from genreason.puzzles import base, grid  # noqa: E402
from genreason.puzzles.maze import PUZZLE as MAZE  # noqa: E402
from genreason.task import Task  # noqa: E402
from genreason.train import checkpoint, config, finer, loop, tv2tv  # noqa: E402
from genreason.train.roomworlds import MazeWorld  # noqa: E402
from genreason.train.telling import Teller  # noqa: E402
from genreason.train.tv2tv_config import Tv2tvConfig  # noqa: E402
from genreason.train.world import WorldSource, vocabulary  # noqa: E402
from genreason.train.worlds import world_of  # noqa: E402
from genreason.types import Clip, Request, UserError  # noqa: E402

torch.set_num_threads(1)
WEIGHTS = "diffusion_pytorch_model.safetensors"
TINY = {"hidden_size": 48, "num_layers": 2, "num_heads": 2, "num_kv_heads": 2, "head_dim": 24}
MODEL = {**TINY, "rope_sections": [6, 3, 3], "intermediate_size": 96, "max_side": 5, "skip": "previous"}


def settings(**changes):
    record = {
        "kind": "tv2tv", "model": MODEL, "tokens": 300, "validation": {"clips": 2},
        "worlds": [{"rooms": 3, "held_out": 0, "styles": ["slate"]}],
        "train": {
            "steps": 4, "lr": 0.003, "checkpointing": False, "log_every": 1, "save_every": 2, "keep": 9,
        },
    }  # fmt: skip
    for name, value in changes.items():
        *above, last = name.split("__")
        place = record
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return Tv2tvConfig.model_validate(record)


def rules():
    card = cards.load(cards.JudgeCard, "rules")
    return judges.load(card, card.options)


@pytest.mark.parametrize(
    ("task", "level", "rooms"),
    [
        ("maze", "small", 4),
        ("maze", "medium", 5),
        ("trapfield", "easy", 5),
        ("sokoban", "small", 6),
    ],
)
def test_the_judge_reads_worlds_in_every_style(task, level, rooms):
    """What a model at its best would draw: the told frames, enlarged."""
    judge = rules()
    world = world_of(WorldSource(task=task, rooms=rooms, held_out=0), 12)
    for i, style in enumerate(world.styles):
        instance = Task(task, level, "test", style)[i]
        state, board = world.rules.start(instance), world.rules.board(instance)
        stops = world._walk(seeds.stream(), state, 99, None).stops
        drawn = [board.draw(world.rules.places(stop)) for stop in stops]
        small = [grown(shrunk(frame, world.grid, 12), instance.size) for frame in drawn]
        (verdict,) = judge.judge(instance, [Clip(render=functools.partial(iter, small), fps=8.0)], 0)
        assert verdict.status == "pass", (style, verdict.reason)


@pytest.mark.parametrize("task", ["maze", "trapfield"])
def test_what_is_told_is_true(task):
    """Frames follow the words, and every arrow of the plan is a step towards the goal."""
    styles = ["contrast"] if task == "maze" else ["mines"]
    source = WorldSource(task=task, rooms=4, held_out=0, styles=styles, pixels={112: 1.0})
    world = world_of(source, 12)
    rng = seeds.stream("told")
    for steps in (1, 3, 6, 8) if task == "maze" else (1, 3, 5):
        told = world.clip(rng, steps, astray=steps > 3)
        assert len(told.steps) == steps == len(told.frames) - 1
        assert told.learnt.count(False) == (steps > 3)
        plan = dict((word[:2], word[2:]) for word in told.plan.split(" : ")[1].split()[:-1])
        assert len(plan) == 16 and list(plan.values()).count("*") == 1
        goal = told.plan.split()[2]
        room = told.steps[0].split()[1]
        for said, learnt, before, after in zip(
            told.steps, told.learnt, told.frames, told.frames[1:], strict=False
        ):
            _, here, _, way = said.split()
            assert here == room
            assert (ARROWS[way] == plan[here]) == learnt
            changed = (np.abs(before.astype(int) - after).max(-1) > 60).reshape(4, 12, 4, 12).any((1, 3))
            col, row = ord(room[0]) - 97, int(room[1]) - 1
            dx, dy = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}[way]
            assert {tuple(p) for p in np.argwhere(changed)} == {(row, col), (row + dy, col + dx)}
            room = f"{chr(97 + col + dx)}{row + dy + 1}"
        assert room == goal and told.end == f"at {goal} done"


def test_a_correction_tells_the_mistake_and_learns_the_way():
    """What is given is a way that is wrong there; what is learnt leads on, as the frames do."""
    world = MazeWorld(WorldSource(rooms=4, held_out=0, styles=["contrast"], pixels={112: 1.0}), 12)
    rng = seeds.stream("corrections")
    teller = Teller(words.tokenizer(vocabulary()), codec_of(PixelCodec(12)), "joint", "tv2tv", "solve")
    for steps in (1, 3, 6):
        told = world.corrected(rng, steps)
        ((at, note),) = told.notes.items()
        head, *refused = note.split(" not ")
        assert head.startswith("at ") and told.steps[at] == f"go {told.steps[at].split()[1]}"
        assert told.steps[at].split()[1] not in refused and 1 <= len(refused) <= 2
        batch = teller.batch([told], (), True)
        learnt = [int(t) for t, w in zip(batch.targets[0], batch.weights[0], strict=True) if w]
        said = teller.tokenizer.decode(learnt)
        assert told.steps[at] in said and "not" not in said and "goal" not in said


def test_walls_of_test_mazes_are_never_trained_on():
    world = MazeWorld(WorldSource(rooms=3, held_out=40, styles=["slate"]), 12)
    test = {MAZE.start(each).walls for each in Task("maze", "easy", "test")[:40]}
    rng = seeds.stream("held out")
    drawn = {world._sampled(rng).walls for _ in range(300)}
    assert drawn and not drawn & test
    assert len({grid.canonical(np.frombuffer(w, np.uint8).reshape(7, 7)) for w in test} & world.forbidden) > 5


class One:
    """A task that sees one sample again and again."""

    product = "model"

    def __init__(self, task, told):
        self.task, self.model, self.export = task, task.model, task.export
        self.batch = task.teller.batch([told], tuple(range(1, len(told.frames))), True)

    def samples(self, turn, rank):
        return 1

    def losses(self, model, turn):
        noise, sigmas = self.task._noise(self.batch, torch.Generator().manual_seed(turn))
        return self.task.compare(model, self.batch, self.batch.clean, noise, sigmas)

    def validate(self, step, record):
        return {}


class Silent:
    def write(self, step, values):
        self.last = values


def test_overfits_one_puzzle_and_the_judge_passes_it(tmp_path):
    instance = Task("maze", "easy", "test", "slate")[0]
    chosen = settings(
        train__steps=240, train__log_every=240, train__save_every=240, train__average=None,
        worlds=[{"rooms": 3, "held_out": 0, "styles": ["slate"], "pixels": {256: 1.0}}],
    )  # fmt: skip
    accelerator = accelerate.Accelerator(cpu=True)
    task = tv2tv.Tv2tv(chosen, accelerator, tmp_path)
    told = task.worlds[0].told(seeds.stream("one"), MAZE.start(instance))
    log = Silent()
    made = loop.fit(One(task, told), chosen.train, tmp_path, log, accelerator, 0)
    request = Request(instance=instance, first_frame=base.load("maze").picture(instance), prompt="")
    card = cards.load(cards.GeneratorCard, "tv2tv-nano")
    generator = generators.load(card, {**card.options, "model": str(made), "grids": [[3, 3]], "chunks": 12})
    (clip,) = generator.generate([request], 0)
    assert clip.meta["text"] == [f"{told.plan} {told.steps[0]}", *told.steps[1:], told.end]
    assert clip.meta["ended"] == "eos"
    (verdict,) = rules().judge(instance, [clip], 0)
    assert verdict.status == "pass", verdict.reason


def test_a_resumed_run_equals_one_that_was_not_stopped(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    tv2tv.train(settings(), whole, quiet=True)
    tv2tv.train(settings(train__steps=2), parts, quiet=True)
    tv2tv.train(settings(), parts, quiet=True)
    for place in (
        "model/transformer/diffusion_pytorch_model.safetensors",
        "checkpoints/step-000004/average.safetensors",
    ):
        a, b = load_file(whole / place), load_file(parts / place)
        assert a.keys() == b.keys() and all(torch.equal(a[n], b[n]) for n in a)
    assert [step for step, _ in checkpoint.found(parts / "checkpoints")] == [2, 4]
    lines = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert {"loss_text", "tokens_per_second", "grad_norm"} <= lines[0].keys()
    assert any("validation/loss" in line for line in lines)


@pytest.mark.parametrize("mode", ["think2v", "t2v"])
def test_the_other_tellings_train_too(tmp_path, mode):
    chosen = settings(mode=mode, train__steps=1, text_dropout=0.5, think=0.0)
    tv2tv.train(chosen, tmp_path / mode, quiet=True)
    task = tv2tv.Tv2tv(chosen, accelerate.Accelerator(cpu=True), tmp_path)
    told = task.worlds[0].clip(seeds.stream("mode"), 2, False)
    batch = task.teller.batch([told], (1,), True)
    said = task.pipe.tokenizer.decode(batch.text_ids[0])
    assert ("go" in said) == (mode == "think2v")
    if mode == "think2v":
        assert said.rindex("go") < said.index("</frame><frame>")


def test_the_last_step_can_be_trained_more_often(tmp_path):
    shares = []
    for arrivals in (0.0, 1.0):
        chosen = settings(think=0.0, copies=1, arrivals=arrivals)
        task = tv2tv.Tv2tv(chosen, accelerate.Accelerator(cpu=True), tmp_path)
        layouts = [task._batch(turn).layout for turn in range(20)]
        assert all(len(layout.noisy) == 1 for layout in layouts)
        shares.append(sum(layout.noisy[0] == layout.clean[-1] for layout in layouts) / 20)
    assert shares[0] < 0.8 and shares[1] == 1


def test_an_mlp_behind_the_patches_is_put_in_and_fitted_once(tmp_path):
    first = tv2tv.train(settings(train__steps=1), tmp_path / "run", quiet=True)
    wider = {"start": str(first), "model": {"patch_hidden": 64}, "think": 0.0, "seed": 3}
    task = tv2tv.Tv2tv(settings(**wider), accelerate.Accelerator(cpu=True), tmp_path)
    plain = tv2tv.Tv2tv(settings(start=str(first), think=0.0, model={}, seed=3), task.accelerator, tmp_path)
    with torch.no_grad():
        assert torch.equal(task.looked(-1)[1].prediction, plain.looked(-1)[1].prediction)
        assert torch.equal(task.looked(-1)[0].clean, plain.looked(-1)[0].clean)
    task.accelerator = SimpleNamespace(device=torch.device("cpu"), num_processes=2, process_index=1)
    with torch.no_grad():  # every process fits on the same
        assert torch.equal(task.looked(-1)[1].prediction, plain.looked(-1)[1].prediction)
    frozen = {n: p.clone() for n, p in task.model.named_parameters() if "finer" not in n}
    before, after = finer.fit(task, finer.Fit(turns=20, steps=500, batch=64), 3, lambda line: None)
    assert after < 0.7 * before
    assert all(torch.equal(p, frozen[n]) for n, p in task.model.named_parameters() if n in frozen)
    with pytest.raises(UserError, match="no MLP behind its patches: give model.patch_hidden"):
        finer.fit(plain, finer.Fit(), 3, lambda line: None)
    chosen = settings(**wider, fit={"turns": 2, "steps": 2})
    tv2tv.train(
        settings(**wider, fit={"turns": 2, "steps": 2}, train__steps=2), tmp_path / "parts", quiet=True
    )
    weights = [
        load_file(tv2tv.train(chosen, tmp_path / name, quiet=True) / "transformer" / WEIGHTS)
        for name in ("whole", "parts")
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_as_a_generator_from_puzzles_to_verdicts(tmp_path):
    """Untrained and of two sizes; its folder is a generator."""
    chosen = settings(
        train__steps=1, worlds=[{"rooms": n, "held_out": 0, "styles": ["slate"]} for n in (3, 4)]
    )
    made = tv2tv.train(chosen, tmp_path / "run", quiet=True)
    card = generators.find(str(made))  # the folder has a card of its own
    assert card.options["grids"] == [[3, 3], [4, 4]]
    options = {"chunks": 2, "words": 6}
    folder = run.run(
        cards.load(cards.TaskCard, "maze"), card, cards.load(cards.JudgeCard, "rules"), tmp_path / "judged",
        generator_options=options, level="easy", n=2,
    )  # fmt: skip
    clips = sorted((folder.root / "clips").rglob("*.mp4"))
    assert len(clips) == 2
    record = json.loads(clips[0].with_suffix(".json").read_text())["meta"]
    assert record["text"] and record["grid"] in ([3, 3], [4, 4])


def test_bad_input_is_one_line(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("kind: tv2vt\n")
    with pytest.raises(UserError, match="did you mean 'tv2tv'"):
        config.read(path, {})
    path.write_text("kind: tv2tv\nworlds: [{rooms: 4, styles: [slat]}]\ntrain: {steps: 1}\n")
    with pytest.raises(UserError, match="unknown style 'slat'"):
        config.read(path, {})
    with pytest.raises(UserError, match="^model: "):
        tv2tv.pipeline(settings(model={"layers": 3}))
    card = cards.load(cards.GeneratorCard, "tv2tv-nano")
    with pytest.raises(UserError, match="holds no model_index.json: train the model"):
        _ = generators.load(card, {**card.options, "model": str(tmp_path)}).pipe
    with pytest.raises(UserError, match="option steps"):
        generators.load(card, {**card.options, "steps": 0})
    tv2tv.train(settings(train__steps=1), tmp_path / "run", quiet=True)
    with pytest.raises(UserError, match="is a run with seed 0, not 1: give another --out"):
        tv2tv.train(settings(train__steps=1, seed=1), tmp_path / "run", quiet=True)
