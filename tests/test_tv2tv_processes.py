"""Two processes on CPUs train as one does that accumulates their batches."""

from __future__ import annotations

import os
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

from genreason.train import tv2tv  # noqa: E402

torch.set_num_threads(1)
ROOT = Path(__file__).parents[1]


def test_the_launch_config_wraps_the_layers():
    from accelerate.commands.config import config_args

    from genreason.model.transformer import TV2TVTransformer

    found = config_args.load_config_from_file(str(ROOT / "scripts/accelerate/tv2tv-fsdp2.yaml"))
    assert found.fsdp_config["fsdp_version"] == 2
    wrapped = found.fsdp_config["fsdp_transformer_layer_cls_to_wrap"]
    assert [wrapped] == TV2TVTransformer._no_split_modules


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path):
    """Plans on one and clips on the other: a batch without frames waits for nobody."""
    common = {"think": 0.5, "tokens": 150, "train__steps": 2, "validation__clips": 1}
    one = settings(**common, train__accumulate=2)
    tv2tv.train(one, tmp_path / "one", quiet=True)
    record = settings(**common).model_dump(mode="json")
    for world in record["worlds"]:  # numbers are text in JSON
        world["pixels"] = {int(side): share for side, share in world["pixels"].items()}
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(record))
    command = [
        *("sh", str(ROOT / "scripts/accelerate/tv2tv-gloo.sh")),
        *("--config", str(tmp_path / "two.yaml"), "--out", str(tmp_path / "two")),
    ]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    more = {"OMP_NUM_THREADS": "1", "PYTHONPATH": path, "PATH": search}
    done = subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    place = "checkpoints/step-000002/trainable.safetensors"
    alone, shared = load_file(tmp_path / "one" / place), load_file(tmp_path / "two" / place)
    assert alone.keys() == shared.keys()
    assert max(float((alone[n] - shared[n]).abs().max()) for n in alone) < 1e-5
