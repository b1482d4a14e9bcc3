"""Training calls each family's denoiser with what the pipeline itself passes."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

import PIL.Image  # noqa: E402

from genreason.generate import models  # noqa: E402
from genreason.testing.tiny import TRAINABLE  # noqa: E402
from genreason.train.flow import noise_of  # noqa: E402
from genreason.train.specs import spec_for  # noqa: E402

torch.set_num_threads(1)
SIZE, FRAMES = 64, 9
PROMPT = "Move the ball to the goal."


def options_of(folder, **changes):
    card = models.card(str(folder))
    return models.parse({**card.options, "frames": FRAMES, **changes}, card.name)


def picture():
    return np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), np.uint8)


def video(frames=FRAMES):
    """A clip that begins with the picture, CTHW in [-1, 1] as the pipeline's processor makes it."""
    rng = np.random.default_rng(1)
    rest = rng.integers(0, 255, (frames - 1, SIZE, SIZE, 3), np.uint8)
    stacked = np.concatenate([picture()[None], rest]).astype(np.float32) / 255
    return torch.from_numpy(stacked).permute(3, 0, 1, 2) * 2 - 1


class Calls:
    """What a denoiser is called with, and what it answers."""

    def __init__(self, model):
        self.seen = []
        self.handle = model.register_forward_hook(self.note, with_kwargs=True)

    def note(self, module, args, kwargs, output):
        assert not args
        self.seen.append((kwargs, output[0]))


def one_level(scheduler, level):
    """The pipeline's scheduler, that starts and ends at one level: its only step is the one compared."""
    if "CogVideoX" in type(scheduler).__name__:
        steps = torch.tensor([int(level * 1000)])
    else:
        steps = torch.tensor([level * 1000], dtype=torch.float32)

    class One(type(scheduler)):
        def set_timesteps(self, num_inference_steps=None, device=None, timesteps=None, sigmas=None, mu=None):
            self.num_inference_steps = 1
            self.timesteps = steps
            self.sigmas = torch.tensor([level, 0.0])
            self._step_index = self._begin_index = None

    return One.from_config(scheduler.config)


@pytest.mark.parametrize("level", [0.35, 0.95])
@pytest.mark.parametrize("family", TRAINABLE)
def test_training_forward_equals_the_pipelines_own_call(tiny, family, level):
    options = options_of(tiny(family))
    spec = spec_for(options, family)
    pipe = spec.load(spec.text_parts, spec.clip_parts, spec.denoisers)
    pipe.set_progress_bar_config(disable=True)
    image = PIL.Image.fromarray(picture())
    part = next(n for n, (low, high) in spec.experts(pipe).items() if low <= level <= high)
    model = getattr(pipe, part)
    with torch.no_grad():
        prompts = {k: v[None] for k, v in spec.encode_prompts(pipe, [PROMPT])[0].items()}
        moments = {k: v[None] for k, v in spec.encode_clip(pipe, video(), image).items()}
        latents = spec.latents(moments, [torch.Generator().manual_seed(7)])
        noise = noise_of(latents.x0.shape, "test")
        calls = Calls(model)
        ours = spec.forward(pipe, model, latents, prompts, noise, torch.tensor([level]))
        ((said, answer),) = calls.seen
        calls.seen.clear()
        # The pipeline starts from the same noisy latents: its own first frame and mask go over them.
        channels = latents.x0.shape[1] if family != "ltx" else None
        start = said["hidden_states"]
        if family.startswith("cogvideox"):
            start = start[:, :, : latents.x0.shape[2]]
        elif channels is not None:
            start = start[:, :channels]
        pipe.scheduler = one_level(pipe.scheduler, level)
        pipe(
            image=image, prompt=PROMPT, height=SIZE, width=SIZE, num_frames=FRAMES, num_inference_steps=1,
            guidance_scale=1.0, output_type="latent", latents=start,
            generator=torch.Generator().manual_seed(7),
            **({"frame_rate": options.fps} if family == "ltx" else {}),
        )  # fmt: skip
        ((theirs, expected),) = calls.seen
    names = set(theirs) - {"attention_kwargs", "return_dict"}
    assert names == set(said) - {"return_dict"}
    for name in names:
        a, b = said[name], theirs[name]
        if isinstance(b, tuple):
            a, b = torch.stack([torch.as_tensor(v) for v in a]), torch.stack([torch.as_tensor(v) for v in b])
        if isinstance(b, torch.Tensor):
            assert a.shape == b.shape, name
            assert torch.allclose(a.float(), b.float(), atol=1e-5), (
                name,
                (a.float() - b.float()).abs().max(),
            )
        else:
            assert a == b, name
    assert torch.allclose(answer, expected, atol=1e-5)
    assert ours.prediction.shape == ours.target.shape
