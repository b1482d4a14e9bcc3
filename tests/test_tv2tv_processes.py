"""Two processes on CPUs train as one does that accumulates their batches."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("accelerate")

from safetensors.torch import load_file  # noqa: E402
from test_tv2tv_sft import settings  # noqa: E402

from genreason.model.loading import read  # noqa: E402
from genreason.train import tv2tv  # noqa: E402

torch.set_num_threads(1)
ROOT = Path(__file__).parents[1]
PLACE = "checkpoints/step-000002/trainable.safetensors"
GLOO = ("sh", str(ROOT / "scripts/accelerate/tv2tv-gloo.sh"))
SHARDED = (
    *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"),
    str(ROOT / "tests/sharded_train.py"),
)


def test_the_launch_config_wraps_the_layers():
    from accelerate.commands.config import config_args

    from genreason.model.transformer import TV2TVTransformer

    found = config_args.load_config_from_file(str(ROOT / "scripts/accelerate/tv2tv-fsdp2.yaml"))
    assert found.fsdp_config["fsdp_version"] == 2
    wrapped = found.fsdp_config["fsdp_transformer_layer_cls_to_wrap"]
    assert [wrapped] == TV2TVTransformer._no_split_modules


def trained(tmp_path, name, settings, program, precision="no"):
    """The checkpoint of two processes of a program."""
    record = settings.model_dump(mode="json")
    for world in record["worlds"]:  # numbers are text in JSON
        world["pixels"] = {int(side): share for side, share in world["pixels"].items()}
    (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(record))
    command = [*program, "--config", str(tmp_path / f"{name}.yaml"), "--out", str(tmp_path / name)]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    more = {"OMP_NUM_THREADS": "1", "PYTHONPATH": path, "PATH": search}
    more |= {"ACCELERATE_USE_CPU": "true", "ACCELERATE_MIXED_PRECISION": precision}
    done = subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return load_file(tmp_path / name / PLACE)


@pytest.mark.slow
@pytest.mark.parametrize("program", [GLOO, SHARDED], ids=["gloo", "fsdp2"])
def test_two_processes_equal_one(tmp_path, program):
    """Plans on one and clips on the other: a batch without frames waits for nobody."""
    common = {"think": 0.5, "tokens": 150, "train__steps": 2, "validation__clips": 1}
    tv2tv.train(settings(**common, train__accumulate=2), tmp_path / "one", quiet=True)
    alone, shared = load_file(tmp_path / "one" / PLACE), trained(tmp_path, "two", settings(**common), program)
    assert alone.keys() == shared.keys()
    assert max(float((alone[n] - shared[n]).abs().max()) for n in alone) < 1e-5


@pytest.mark.slow
def test_cut_up_it_answers_and_goes_on(tmp_path):
    """Under FSDP2, in bf16, each process has a part of the model; it answers, and goes on as before."""
    data = [{"task": "maze", "level": "easy", "style": "slate", "split": "val", "n": 2}]
    asked = settings(
        tokens=150, train__steps=2, train__save_every=1, validation__clips=1, validation__data=data
    )
    through = trained(tmp_path, "cut", asked, SHARDED, "bf16")
    lines = [json.loads(line) for line in (tmp_path / "cut/log.jsonl").read_text().splitlines()]
    assert lines[-1]["validation/scored/maze-easy"] == 1
    shutil.rmtree((tmp_path / "cut" / PLACE).parent)
    again = trained(tmp_path, "cut", asked, SHARDED, "bf16")
    assert all(torch.equal(through[name], again[name]) for name in through)
    assert read(tmp_path / "cut/model").transformer.config.num_layers == 2
