"""Image-to-video pipelines as generators: fitting, batches, memory, and what can be wrong with a card."""

from __future__ import annotations

import json

import numpy as np
import pytest

from genreason import generate as generators
from genreason.cards import GeneratorCard, load, paths, with_options
from genreason.generate import models
from genreason.generate.fitting import Limits, fit
from genreason.perceive.view import find_view
from genreason.puzzles import base
from genreason.task import Task
from genreason.types import GenreasonError, Request, UserError

CARDS = [name for name in paths(GeneratorCard) if load(GeneratorCard, name).kind == "diffusers"]


def request(index=0, size=(256, 256)):
    instance = Task("maze", "easy", size=size)[index]
    picture = base.load("maze").picture(instance)
    return Request(instance=instance, first_frame=picture, prompt=instance.prompt)


@pytest.mark.parametrize("mode", ["area", "letterbox", "stretch"])
@pytest.mark.parametrize("size", [(832, 480), (480, 480), (320, 576)])
def test_the_judge_finds_the_transform_that_is_kept(mode, size):
    asked = request(size=(256, 256))
    plan = fit((256, 256), size, mode, Limits(multiple=16))
    shown = plan.apply(asked.first_frame)
    assert (shown.shape[1], shown.shape[0]) == plan.size
    assert plan.size[0] % 16 == plan.size[1] % 16 == 0
    seen = find_view(asked.first_frame, shown)
    assert np.allclose(seen.scale, plan.scale, rtol=0.01)
    assert np.allclose(seen.offset, plan.offset, atol=1.0)
    # What the model is given is what the transform says: a corner of the picture lies there.
    x, y = (round(o) for o in plan.offset)
    assert np.abs(shown[y + 2, x + 2].astype(int) - asked.first_frame[2, 2]).max() < 40


def test_area_keeps_aspect_and_pixels():
    plan = fit((740, 740), (832, 480), "area", Limits(multiple=32))
    assert plan.size == (640, 640)
    wide = fit((512, 256), (832, 480), "area", Limits(multiple=16))
    assert wide.size[0] == 2 * wide.size[1]


@pytest.mark.parametrize("name", CARDS)
def test_cards_are_legal_and_name_a_pipeline_with_an_adapter(name):
    from genreason.generate import adapters

    card = load(GeneratorCard, name)
    options = models.parse(card.options, name)
    assert isinstance(adapters.find(options.pipeline, name), adapters.Adapter)
    assert options.model.count("/") == 1


@pytest.mark.parametrize(
    ("name", "changes", "text"),
    [
        ("wan2.2-ti2v-5b", {"width": 1270}, "size 1270x704.*multiples of 32.*take 1280x704"),
        ("wan2.1-i2v-14b-480p", {"frames": 80}, r"frames 80: a clip has 4k\+1 frames.*take 81"),
        ("ltx-video", {"frames": 1000}, r"8k\+1 frames, at most 257: take 257"),
        ("cogvideox1.5-5b-i2v", {"dtype": "int8"}, "option dtype"),
        ("ltx-video", {"pipeline": "LTX3ImageToVideoPipeline"}, "no adapter for the pipeline LTX3"),
    ],
)
def test_illegal_options_are_refused_before_anything_is_loaded(name, changes, text):
    card = load(GeneratorCard, name)
    with pytest.raises(UserError, match=text):
        generators.load(card, with_options(card, changes))


def test_folder_that_is_no_pipeline(tmp_path):
    with pytest.raises(UserError, match="no diffusers pipeline; for a folder of clips"):
        generators.find(str(tmp_path))
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "WanPipeline"}))
    with pytest.raises(UserError, match="no card is for the pipeline WanPipeline"):
        generators.find(str(tmp_path))


def test_folder_takes_the_card_of_its_kind(tmp_path):
    parts = {
        "wan2.2-ti2v-5b": {"expand_timesteps": True, "image_encoder": [None, None]},
        "wan2.2-i2v-a14b": {"boundary_ratio": 0.9, "image_encoder": [None, None]},
        "wan2.1-i2v-14b-480p": {"image_encoder": ["transformers", "CLIPVisionModel"]},
    }
    for name, index in parts.items():
        folder = tmp_path / f"My {name}"
        folder.mkdir()
        (folder / "model_index.json").write_text(
            json.dumps({"_class_name": "WanImageToVideoPipeline", **index})
        )
        found = generators.find(str(folder))
        assert found.options["width"] == load(GeneratorCard, name).options["width"], name
        assert found.options["model"] == str(folder) and found.name == f"my-{name}"


torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
torch.set_num_threads(1)

from genreason.testing.tiny import FAMILIES  # noqa: E402


def build(folder, **changes):
    card = generators.find(str(folder))
    return generators.load(card, {**card.options, "frames": 9, "steps": 1, **changes})


def frames(clip):
    return np.stack(list(clip.render())).astype(int)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_gives_what_single_requests_give(tiny, family):
    made = build(tiny(family), steps=2, guidance=3.0, negative_prompt="blurry")
    asked = [request(0), request(1, (256, 128)), request(2)]
    together = made.generate(asked, 5)
    for clip, one in zip(together, asked, strict=True):
        (alone,) = made.generate([one], 5)
        assert np.abs(frames(clip) - frames(alone)).max() <= 1
        assert clip.meta["noise_seed"] == alone.meta["noise_seed"]
    assert together[0].meta["batch"] == 2 and together[1].meta["batch"] == 1
    assert frames(together[1]).shape[1:3] != frames(together[0]).shape[1:3]
    (other,) = made.generate(asked[:1], 6)
    assert np.abs(frames(other) - frames(together[0])).max() > 0
    assert together[0].meta["seconds"] > 0 and together[0].meta["peak_memory_gib"] > 0


def test_out_of_memory_goes_on_with_half_the_batch(tiny, capsys):
    made = build(tiny("wan-ti2v"))
    whole = made.generate([request(i) for i in range(5)], 0)
    call, sizes = made.adapter.call, []

    class Small(type(made.adapter)):
        def call(self, pipe, options, ask):
            sizes.append(len(ask.prompts))
            if len(ask.prompts) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return call(pipe, options, ask)

    made.adapter = Small()
    clips = made.generate([request(i) for i in range(5)], 0)
    assert sizes == [5, 2, 1, 1, 1, 1, 1]
    assert all(np.abs(frames(a) - frames(b)).max() <= 1 for a, b in zip(clips, whole, strict=True))
    assert "out of memory with 5 clips of 64x64, 9 frames at once" in capsys.readouterr().err

    class None_(type(made.adapter)):
        def call(self, pipe, options, ask):
            raise torch.OutOfMemoryError("CUDA out of memory")

    made.adapter = None_()
    with pytest.raises(GenreasonError, match="out of memory with one clip of 64x64.*offload=model"):
        made.generate([request(0)], 0)


def test_weights_that_are_not_here_name_the_command_that_fetches_them(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    card = load(GeneratorCard, "wan2.2-ti2v-5b")
    made = generators.load(card, {**card.options, "model": "nobody/nothing-here"})
    with pytest.raises(UserError, match="hf download nobody/nothing-here --revision main"):
        made.generate([request(0)], 0)


def test_pipeline_class_that_this_diffusers_lacks(monkeypatch):
    from genreason.generate import adapters

    monkeypatch.setitem(adapters.ADAPTERS, "WanNinePipeline", adapters.Adapter())
    card = load(GeneratorCard, "wan2.2-ti2v-5b")
    with pytest.raises(UserError, match="has no pipeline WanNinePipeline"):
        generators.load(card, {**card.options, "pipeline": "WanNinePipeline"})


def test_lora_that_is_not_there(tiny, tmp_path):
    with pytest.raises(UserError, match="no LoRA here"):
        build(tiny("ltx"), lora=str(tmp_path))
