"""What a training config can ask for besides: a start, dropout, processes, wandb; and what it cannot."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from safetensors.torch import load_file  # noqa: E402

from genreason import run  # noqa: E402
from genreason.cards import TaskCard, load  # noqa: E402
from genreason.generate import lora  # noqa: E402
from genreason.testing.tiny import tiny_pipeline  # noqa: E402
from genreason.train import clips, config, flow, sft  # noqa: E402
from genreason.train.record import Record, Wandb  # noqa: E402
from genreason.types import UserError  # noqa: E402

torch.set_num_threads(1)
ROOT = Path(__file__).parents[1]
MAZE = {"task": "maze", "level": "easy", "n": 3, "style": "classic"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_pipeline("wan-ti2v", tmp_path_factory.mktemp("tiny") / "wan")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cache"))


def record(folder, cache=None, **changes):
    found = {
        "generator": str(folder),
        "options": {"frames": 9},
        "data": [MAZE],
        "cache": cache,
        "lora": {"rank": 4},
        "train": {"steps": 2, "batch": 2, "lr": 0.01, "checkpointing": False, "log_every": 1},
    }
    for name, value in changes.items():
        above, _, last = name.rpartition("__")
        (found[above] if above else found)[last] = value
    return found


def settings(folder, cache=None, **changes):
    return config.SftConfig.model_validate(record(folder, cache, **changes))


def losses(out):
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def weights(out):
    return load_file(out / "lora" / lora.WEIGHTS)


def test_dropout_leaves_out_the_share_asked_for():
    draws = [flow.generator("dropout", i) for i in range(2000)]
    assert sum(flow.left_out(0.0, draws)) == 0
    assert 0.08 < sum(flow.left_out(0.1, draws)) / 2000 < 0.12


def test_dropout_changes_prompts_and_nothing_else(tiny, cache, tmp_path):
    for name, share in (("none", 0.0), ("nearly_all", 0.999)):
        made = settings(tiny, cache, train__steps=1, text_dropout=share)
        sft.train(made, tmp_path / name, quiet=True)
    (plain,), (without,) = losses(tmp_path / "none"), losses(tmp_path / "nearly_all")
    assert 0 < abs(plain - without) < 0.1 * plain


def test_training_goes_on_from_a_lora(tiny, cache, tmp_path):
    first = sft.train(settings(tiny, cache, train__average=None), tmp_path / "first", quiet=True)
    start = {"lora__start": str(first), "train__steps": 1, "train__average": None}
    sft.train(settings(tiny, cache, **start, train__lr=1e-12), tmp_path / "same", quiet=True)
    one, other = weights(tmp_path / "first"), weights(tmp_path / "same")
    assert all(torch.allclose(one[key], other[key], atol=1e-8) for key in one)
    assert any(float(t.abs().max()) > 0 for key, t in one.items() if "lora_B" in key)
    with pytest.raises(UserError, match="has rank 4, not 8: set lora.rank"):
        sft.train(settings(tiny, cache, **start, lora__rank=8), tmp_path / "rank", quiet=True)
    with pytest.raises(UserError, match=r"has other layers than asked for .*: set lora.targets"):
        sft.train(settings(tiny, cache, **start, lora__targets=["to_q"]), tmp_path / "layers", quiet=True)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"lora__start": "nowhere"}, "nowhere: no LoRA here"),
        ({"validation": {"data": [MAZE], "judge": "nojudge"}}, "unknown judge 'nojudge'"),
        ({"generator": "skyreels-v2-i2v"}, "generator skyreels-v2-i2v: SkyReelsV2.* cannot be fine-tuned"),
        ({"generator": "oracle", "options": {}}, "only diffusers models can be fine-tuned"),
        ({"experts": ["transformer_2"]}, "the model has no transformer_2, it has transformer"),
        ({"lora__targets": ["to_z"]}, "WanTransformer3DModel has no layer to_z"),
    ],
)
def test_what_is_not_there(tiny, cache, tmp_path, changes, text):
    with pytest.raises(UserError, match=text):
        sft.train(settings(tiny, cache, **changes), tmp_path / "run", quiet=True)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="it is installed")
def test_eight_bits_need_a_package(tiny, cache, tmp_path):
    with pytest.raises(UserError, match="adamw8bit needs bitsandbytes: pip install bitsandbytes"):
        sft.train(settings(tiny, cache, train__optimizer="adamw8bit"), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_clip_in_a_hundred_may_be_unreadable(tiny, tmp_path, capsys):
    data = run.make(load(TaskCard, "maze"), tmp_path / "data", level="easy", n=2, size=(96, 96))
    whole, bad = (data.truth(instance) for instance in data.instances)
    bad.write_bytes(b"no clip")
    samples = [clips.Sample(data.instances[0], whole)] * 100 + [clips.Sample(data.instances[1], bad)]
    _, options = config.model_options(settings(tiny))
    assert sum(1 for _ in clips.readable(samples, options, [9], None)) == 100
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"left out: {bad}") and said[1] == "left out 1 of 101 clips"


def test_wandb_offline_gets_judged_clips(tmp_path):
    pytest.importorskip("wandb")
    data = run.make(load(TaskCard, "maze"), tmp_path / "data", level="easy", n=1, size=(96, 96))
    shown = Record(tmp_path / "run", Wandb(project="test"), {"lr": 1}, 0, 1, quiet=True)
    try:
        shown.clips(1, [(data.truth(data.instances[0]), "fail: rules.goal")])
        shown.write(1, {"validation/success": 0.25})
    finally:
        shown.close()
    (folder,) = (tmp_path / "run" / "wandb").glob("offline-run-*")
    log = next(folder.glob("run-*.wandb"))
    for _ in range(100):  # wandb's own process writes it
        if b"validation/success" in log.read_bytes():
            break
        time.sleep(0.1)
    assert b"fail: rules.goal" in log.read_bytes()
    assert len(list(folder.glob("files/media/videos/validation/*.mp4"))) == 1


@pytest.mark.slow
def test_two_processes_equal_one_that_accumulates_and_resume_too(tiny, cache, tmp_path):
    one = settings(tiny, cache, train__accumulate=2)
    sft.train(one, tmp_path / "one", quiet=True)
    both = record(tiny, cache)
    for steps in (1, 2):  # the second goes on from the first
        both["train"]["steps"] = steps
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(both))
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"),
            *(str(ROOT / "scripts" / "train_i2v_lora.py"), "--config", str(tmp_path / "config.yaml")),
            *("--out", str(tmp_path / "two")),
        ]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        more = {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
        done = subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout.count("LoRA in") == 1
    # Batches of two samples and of one: each sample weighs the same, whichever process has it.
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=1e-6)
    alone, shared = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.allclose(alone[key], shared[key], atol=1e-6) for key in alone)
