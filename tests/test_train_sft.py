"""LoRA fine-tuning on tiny pipelines: it learns, resumes to the bit, and its LoRA works in diffusers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

import PIL.Image  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from genreason import generate as generators  # noqa: E402
from genreason import run  # noqa: E402
from genreason.cards import TaskCard, load  # noqa: E402
from genreason.generate import lora  # noqa: E402
from genreason.generate.pipelines import DiffusersGenerator  # noqa: E402
from genreason.puzzles import base  # noqa: E402
from genreason.task import Task  # noqa: E402
from genreason.testing.tiny import TRAINABLE  # noqa: E402
from genreason.train import checkpoint, config, sft  # noqa: E402
from genreason.train.buckets import Buckets  # noqa: E402
from genreason.train.latents import LatentCache  # noqa: E402
from genreason.types import GenreasonError, Request, UserError  # noqa: E402

torch.set_num_threads(1)
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0", "proj_out"]
TARGETS = {
    **dict.fromkeys(("wan-ti2v", "wan-i2v", "wan-a14b"), [*ATTENTION, "ffn.net.0.proj", "ffn.net.2"]),
    **dict.fromkeys(("ltx", "cogvideox", "cogvideox1.5"), [*ATTENTION, "ff.net.2"]),
}


def settings(folder, **changes):
    """A config; "train.steps" as on the command line."""
    record = {
        "generator": str(folder),
        "options": {"frames": 9},
        "data": [{"task": "maze", "level": "easy", "n": 4, "style": "classic"}],
        "lora": {"rank": 4},
        "train": {
            "steps": 4,
            "batch": 2,
            "lr": 0.01,
            "checkpointing": False,
            "log_every": 1,
            "save_every": 2,
        },
    }
    for name, value in changes.items():
        *above, last = name.split("__")
        place = record
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return config.SftConfig.model_validate(record)


def log(out):
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def weights(out):
    return load_file(out / "lora" / lora.WEIGHTS)


def request(index=0):
    instance = Task("maze", "easy")[index]
    picture = base.load("maze").picture(instance)
    return Request(instance=instance, first_frame=picture, prompt=instance.prompt)


def answer(folder, **options):
    card = generators.find(str(folder))
    generator = generators.load(card, {**card.options, "frames": 9, **options})
    (clip,) = generator.generate([request()], 0)
    return np.stack(list(clip.render())).astype(int), generator


@pytest.mark.slow
@pytest.mark.parametrize("family", TRAINABLE)
def test_overfits_one_clip_and_its_lora_works_in_plain_diffusers(tiny, tmp_path, family):
    folder, out = tiny(family), tmp_path / "run"
    one = [{"task": "maze", "level": "easy", "n": 1, "style": "classic"}]
    same = {
        "data": one, "validation": {"data": one, "clips": 0}, "cache": str(tmp_path / "cache"),
        "lora__rank": 16, "lora__targets": TARGETS[family], "train__batch": 1,
        "train__average": None, "train__log_every": 50,
        "train__save_every": 50,
    }  # fmt: skip
    sft.train(settings(folder, **same, train__lr=1e-12, train__steps=1), tmp_path / "before", quiet=True)
    made = sft.train(settings(folder, **same, train__lr=0.03, train__steps=40), out, quiet=True)
    places = [out / part for part in ("transformer", "transformer_2")] if family == "wan-a14b" else [out]
    for place in places:
        (before,), (after,) = (
            [line["validation/loss"] for line in log(each) if "validation/loss" in line]
            for each in (tmp_path / "before" / place.relative_to(out), place)
        )
        assert after < 0.85 * before
    plain, _ = answer(folder)
    tuned, ours = answer(folder, lora=str(made))
    assert np.abs(tuned - plain).max() > 0
    pipe = diffusers.DiffusionPipeline.from_pretrained(folder)
    pipe.load_lora_weights(str(made), weight_name=lora.WEIGHTS)
    if family == "wan-a14b":
        pipe.load_lora_weights(str(made), weight_name=lora.WEIGHTS_2, load_into_transformer_2=True)
    pipe.set_progress_bar_config(disable=True)
    image = PIL.Image.fromarray(ours._fit(request()).apply(request().first_frame))
    options = ours.options
    seed = int(ours._record(request(), 0, 0, 1, ours._fit(request()))["noise_seed"])
    theirs = pipe(
        image=image, prompt=request().prompt, height=64, width=64, num_frames=9,
        num_inference_steps=options.steps, guidance_scale=options.guidance, output_type="np",
        generator=torch.Generator().manual_seed(seed),
        **({"frame_rate": options.fps} if family == "ltx" else {}),
    ).frames[0]  # fmt: skip
    assert np.abs(np.round(theirs * 255) - tuned).max() <= 1


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """An uninterrupted run."""
    out = tmp_path_factory.mktemp("whole") / "run"
    sft.train(settings(tiny("wan-ti2v")), out, quiet=True)
    return out


def test_resumed_equals_uninterrupted_to_the_bit(tiny, tmp_path, whole):
    out = tmp_path / "run"
    sft.train(settings(tiny("wan-ti2v"), train__steps=2), out, quiet=True)
    sft.train(settings(tiny("wan-ti2v"), train__steps=4), out, quiet=True)
    for name in (checkpoint.TRAINABLE, checkpoint.AVERAGE, checkpoint.OPTIMIZER):
        one, other = (load_file(place / "checkpoints" / "step-000004" / name) for place in (whole, out))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one), name
    assert [line["loss"] for line in log(out)] == [line["loss"] for line in log(whole)]


def test_half_written_checkpoint_is_not_used(tiny, tmp_path, whole):
    out = tmp_path / "run"
    sft.train(settings(tiny("wan-ti2v"), train__steps=2), out, quiet=True)
    (out / "checkpoints" / "step-000003").mkdir()
    (out / "checkpoints" / ".step-000003.part").mkdir()
    sft.train(settings(tiny("wan-ti2v")), out, quiet=True)
    assert all(torch.equal(a, b) for a, b in zip(weights(out).values(), weights(whole).values(), strict=True))


def test_batch_1_by_4_equals_batch_4_by_1(tiny, tmp_path):
    plain = {"train__steps": 3, "train__save_every": 10}
    one = sft.train(
        settings(tiny("wan-ti2v"), train__batch=1, train__accumulate=4, **plain), tmp_path / "a", quiet=True
    )
    four = sft.train(settings(tiny("wan-ti2v"), train__batch=4, **plain), tmp_path / "b", quiet=True)
    a, b = (load_file(place / lora.WEIGHTS) for place in (one, four))
    assert all(torch.allclose(a[key], b[key], atol=2e-5) for key in a)


def test_second_run_on_a_cache_encodes_nothing_and_another_model_is_refused(
    tiny, tmp_path, whole, monkeypatch
):
    encoded = []
    write = LatentCache._write
    monkeypatch.setattr(
        LatentCache,
        "_write",
        lambda self, kind, entries: encoded.extend(entries) or write(self, kind, entries),
    )
    cached = {"cache": str(whole / "cache")}
    sft.train(settings(tiny("wan-ti2v"), seed=1, **cached), tmp_path / "a", quiet=True)
    assert not encoded
    with pytest.raises(UserError, match=r"made with frames \[9\], now it is \[13\]"):
        sft.train(settings(tiny("wan-ti2v"), options={"frames": 13}, **cached), tmp_path / "b", quiet=True)
    with pytest.raises(UserError, match="made with family"):
        sft.train(settings(tiny("ltx"), **cached), tmp_path / "c", quiet=True)


def test_another_config_is_refused(tiny, whole):
    with pytest.raises(UserError, match=r"is a run with train.lr 0.01, not 0.02"):
        sft.train(settings(tiny("wan-ti2v"), train__lr=0.02), whole, quiet=True)


def test_validation_judges_clips_and_logs_success(tiny, tmp_path):
    held = [{"task": "maze", "level": "easy", "n": 2, "split": "val"}]
    out = tmp_path / "run"
    sft.train(
        settings(tiny("wan-a14b"), train__steps=1, validation={"data": held, "clips": 1}), out, quiet=True
    )
    (line,) = [line for line in log(out / "transformer") if "validation/success" in line]
    assert line["validation/success"] == 0.0 and line["validation/scored"] == 1.0
    assert (out / "transformer" / "validation" / "step-000001" / "maze_0000.mp4").is_file()
    assert (out / "lora" / lora.WEIGHTS).is_file() and (out / "lora" / lora.WEIGHTS_2).is_file()
    # Each expert sees its own noise levels only.
    levels = [k for line in log(out / "transformer") for k in line if k.startswith("loss_sigma")]
    assert levels == ["loss_sigma_0.8-1.0"]


def test_data_folder_with_a_corrupt_clip(tiny, tmp_path, capsys):
    data = run.make(load(TaskCard, "maze"), tmp_path / "data", level="easy", n=3)
    bad = data.truth(data.instances[1])
    bad.write_bytes(bad.read_bytes()[:300])
    source = [{"folder": str(tmp_path / "data")}]
    with pytest.raises(GenreasonError, match="1 of 3 clips cannot be read"):
        sft.train(settings(tiny("wan-ti2v"), data=source), tmp_path / "run", quiet=True)
    assert f"left out: {bad}" in capsys.readouterr().err


def test_mixed_frame_rates_need_a_common_one(tiny, tmp_path):
    mixed = [{"task": "maze", "level": "easy", "n": 1}, {"task": "maze", "level": "easy", "n": 1, "fps": 12}]
    with pytest.raises(UserError, match="mixed frame rates: maze_0000 has 24, maze_0000 has 12"):
        sft.train(settings(tiny("wan-ti2v"), data=mixed), tmp_path / "a", quiet=True)
    sft.train(settings(tiny("wan-ti2v"), data=mixed, fps=8.0, train__steps=1), tmp_path / "b", quiet=True)


def test_lengths_make_buckets_and_leftovers_are_used(tiny, tmp_path):
    data = [{"task": "maze", "level": "easy", "n": 5}, {"task": "maze", "level": "medium", "n": 2}]
    out = tmp_path / "run"
    sft.train(settings(tiny("wan-ti2v"), data=data, lengths=[61, 81], train__steps=4), out, quiet=True)
    counts = [int(line.split()[4]) for line in (out / "buckets.txt").read_text().splitlines()]
    assert len(counts) == 2 and sum(counts) == 7
    with pytest.raises(UserError, match="take 81"):
        sft.train(settings(tiny("wan-ti2v"), data=data, lengths=[80]), tmp_path / "bad", quiet=True)


def test_buckets_give_every_sample_once_an_epoch():
    shapes = ["a"] * 5 + ["b"] * 3
    buckets = Buckets(shapes, 2, seed=0)
    assert buckets.rounds == 5
    for epoch in range(3):
        seen = [buckets.at(epoch * 5 + i) for i in range(5)]
        assert sorted(i for batch in seen for i in batch) == list(range(8))
        assert all(len({shapes[i] for i in batch}) == 1 for batch in seen)
    assert buckets.at(1) == Buckets(shapes, 2, seed=0).at(1)
    both = Buckets(shapes, 2, seed=0, ranks=2)
    seen = [both.at(i, rank) for i in range(both.rounds) for rank in (0, 1)]
    assert {i for batch in seen for i in batch} == set(range(8))


def test_lora_of_another_family_is_refused(tiny, whole):
    card = generators.find(str(tiny("cogvideox")))
    generator = DiffusersGenerator("x", {**card.options, "lora": str(whole / "lora")})
    with pytest.raises(
        UserError, match="LoRA of another family: CogVideoXTransformer3DModel has no layer blocks.0"
    ):
        generator.generate([request()], 0)


@pytest.mark.parametrize("name", ["wan-r1", "one-24gb-gpu", "a14b-fsdp2"])
def test_recipes_are_legal(name):
    read = config.read(Path(__file__).parents[1] / "scripts" / "recipes" / f"{name}.yaml", {"train.steps": 3})
    _, options = config.model_options(read)
    assert read.train.steps == 3 and options.width == options.height == 512
    with pytest.raises(UserError, match=r"unknown key 'train.stepz'"):
        config.read(Path(__file__).parents[1] / "scripts" / "recipes" / f"{name}.yaml", {"train.stepz": 3})
