"""Image-to-video families on tiny pipelines: they are given the first frame as it was fitted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from genreason import generate as generators  # noqa: E402
from genreason.cards import GeneratorCard, load, paths  # noqa: E402
from genreason.puzzles import base  # noqa: E402
from genreason.task import Task  # noqa: E402
from genreason.testing.tiny import tiny_pipeline  # noqa: E402
from genreason.types import Request, UserError  # noqa: E402

torch.set_num_threads(1)
CARDS = [name for name in paths(GeneratorCard) if load(GeneratorCard, name).kind == "diffusers"]
SIZES = [(256, 256), (256, 128)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    made = {}

    def find(family):
        if family not in made:
            folder = tiny_pipeline(family, tmp_path_factory.mktemp("tiny") / family)
            card = generators.find(str(folder))
            made[family] = generators.load(card, {**card.options, "frames": 9, "guidance": 3.0})
        return made[family]

    return find


def request(size):
    instance = Task("maze", "easy", size=size)[0]
    picture = base.load("maze").picture(instance)
    return Request(instance=instance, first_frame=picture, prompt=instance.prompt)


def frames(clip):
    return np.stack(list(clip.render())).astype(int)


def seen(generator, asked):
    """What the denoiser is first called with (BCTHW), and the clip."""
    calls = []
    handle = generator.pipe.transformer.register_forward_pre_hook(
        lambda module, args, named: calls.append(named["hidden_states"]), with_kwargs=True
    )
    (clip,) = generator.generate([asked], 0)
    handle.remove()
    return calls[0], frames(clip)


def given(generator, asked):
    """The first frame as it was fitted: BCTHW in [-1, 1]."""
    picture = generator._fit(asked).apply(asked.first_frame)
    return torch.from_numpy(picture).permute(2, 0, 1)[None, :, None].float() / 127.5 - 1


def shown(vae, latents, **more):
    with torch.no_grad():
        decoded = vae.decode(latents, **more).sample[0, :, 0].permute(1, 2, 0)
    return ((decoded / 2 + 0.5).clamp(0, 1) * 255).round().numpy()


@pytest.mark.parametrize("size", SIZES)
def test_ltx2_begins_with_the_first_frame_as_its_autoencoder_shows_it(tiny, size):
    from diffusers.pipelines.ltx2.utils import apply_image_conditioning_crf

    made, asked = tiny("ltx2"), request(size)
    (clip,) = made.generate([asked], 0)
    picture = made._fit(asked).apply(asked.first_frame)
    pressed = torch.from_numpy(apply_image_conditioning_crf(picture, 33)).permute(2, 0, 1)
    with torch.no_grad():
        latents = made.pipe.vae.encode(pressed[None, :, None].float() / 127.5 - 1).latent_dist.mode()
    wanted = shown(made.pipe.vae, latents, temb=None)
    assert np.abs(frames(clip)[0] - wanted).max() <= 1
    assert np.abs(frames(clip)[-1] - wanted).max() > 20


@pytest.mark.parametrize("size", SIZES)
def test_cosmos_begins_with_the_first_frame_as_its_autoencoder_shows_it(tiny, size):
    made, asked = tiny("cosmos2"), request(size)
    (clip,) = made.generate([asked], 0)
    vae = made.pipe.vae
    with torch.no_grad():
        wanted = shown(vae, vae.encode(given(made, asked)).latent_dist.mode())
    # Its first latent is drawn: as far off as the autoencoder's variance makes it, and no further.
    assert np.abs(frames(clip)[0] - wanted).mean() < 4 < np.abs(frames(clip)[-1] - wanted).mean()


@pytest.mark.parametrize("size", SIZES)
def test_wan_ti2v_begins_with_the_first_frame_as_its_autoencoder_shows_it(tiny, size):
    made, asked = tiny("wan-ti2v"), request(size)
    (clip,) = made.generate([asked], 0)
    pipe = made.pipe
    with torch.no_grad():
        latents = pipe.vae.encode(given(made, asked)).latent_dist.mode()
    wanted = shown(pipe.vae, latents)
    assert np.abs(frames(clip)[0] - wanted).max() <= 1
    assert np.abs(frames(clip)[-1] - wanted).max() > 20


@pytest.mark.parametrize("family", ["skyreels-v2", "wan-i2v", "wan-a14b"])
@pytest.mark.parametrize("size", SIZES)
def test_the_denoiser_is_given_the_first_frame_with_its_mask(tiny, size, family):
    made, asked = tiny(family), request(size)
    inputs, _ = seen(made, asked)
    vae, picture = made.pipe.vae, given(made, asked)
    video = torch.cat([picture, picture.new_zeros(1, 3, 8, *picture.shape[3:])], 2)
    with torch.no_grad():
        latents = vae.encode(video).latent_dist.mode()
    mean, std = (
        torch.tensor(values).view(1, -1, 1, 1, 1)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    assert torch.allclose(inputs[:, 20:], (latents - mean) / std, atol=1e-4)
    assert bool((inputs[:, 16:20, 0] == 1).all()) and not bool(inputs[:, 16:20, 1:].any())


@pytest.mark.parametrize("size", [*SIZES, (128, 256), (300, 256)])
def test_hunyuan_is_given_the_whole_first_frame_with_its_mask(tiny, size):
    made, asked = tiny("hunyuanvideo1.5"), request(size)
    inputs, video = seen(made, asked)
    vae, picture = made.pipe.vae, given(made, asked)
    with torch.no_grad():
        latents = vae.encode(picture).latent_dist.mode() * vae.config.scaling_factor
    assert torch.allclose(inputs[:, 4:8, 0], latents[:, :, 0], atol=1e-4)
    assert not bool(inputs[:, 4:8, 1:].any())
    assert bool((inputs[:, 8, 0] == 1).all()) and not bool(inputs[:, 8, 1:].any())
    # It chooses the size; nothing of the picture is cut off for that.
    plan = made._fit(asked)
    assert video.shape[1:3] == plan.size[::-1] and plan.kind == "resized" and plan.offset == (0.0, 0.0)
    assert plan.scale == (plan.size[0] / size[0], plan.size[1] / size[1])


@pytest.mark.parametrize("family", ["ltx2", "hunyuanvideo1.5", "skyreels-v2", "cosmos2"])
def test_another_first_frame_or_prompt_gives_another_clip(tiny, family):
    made, asked = tiny(family), request((256, 256))
    (clip,) = made.generate([asked], 0)
    other = dataclasses.replace(asked, first_frame=np.ascontiguousarray(asked.first_frame[::-1]))
    told = dataclasses.replace(asked, prompt="Something else")
    for changed in (other, told):
        (answer,) = made.generate([changed], 0)
        assert np.abs(frames(answer) - frames(clip)).max() > 0


@pytest.mark.parametrize("name", CARDS)
def test_cards_fit_the_pipeline_class_of_this_diffusers(name):
    card = load(GeneratorCard, name)
    made = generators.load(card, {**card.options, "needs": []})  # checks sizes, arguments and the class
    assert hasattr(diffusers, made.options.pipeline)


def test_a_package_or_an_argument_that_is_not_there():
    card = load(GeneratorCard, "cosmos2")
    with pytest.raises(UserError, match="generator cosmos2 needs no_such: pip install no_such"):
        generators.load(card, {**card.options, "needs": ["no_such"]})
    card = load(GeneratorCard, "ltx2")
    with pytest.raises(UserError, match="option call: key 'stg_scal': did you mean 'stg_scale'"):
        generators.load(card, {**card.options, "call": {"stg_scal": 1}})


def test_a_scheduler_value_that_is_not_there(tiny):
    made = tiny("skyreels-v2")
    again = generators.load(
        load(GeneratorCard, "skyreels-v2-i2v"),
        {**made.options.model_dump(), "scheduler": {"flow_shfit": 3.0}},
    )
    with pytest.raises(UserError, match="option scheduler: key 'flow_shfit': did you mean 'flow_shift'"):
        again.generate([request((256, 256))], 0)
