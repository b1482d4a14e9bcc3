"""Generation with TV2TV: equal to recomputing, in any batch; words that are put in; windows; bad input."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from tv2tv_fixture import GRID, TOKEN, picture, pipeline  # noqa: E402

from genreason.model import layout as layouts  # noqa: E402
from genreason.model import words  # noqa: E402
from genreason.model.codec import VaeCodec, codec_of  # noqa: E402
from genreason.model.layout import Chunk, Text  # noqa: E402
from genreason.model.pipeline import FrameEvent, TextEvent, TV2TVPipeline  # noqa: E402
from genreason.model.rollout import How, Rollout, Shown  # noqa: E402
from genreason.types import UserError  # noqa: E402

torch.set_num_threads(1)
STEPS = 2


@pytest.fixture(scope="module")
def pipe():
    """Random weights never ask for a frame by themselves: every third word does."""
    made = pipeline(skip="previous")
    made.set_progress_bar_config(disable=True)
    return made


def talk(chunks, text="go up"):
    """Words for every chunk, so that random weights make frames at all."""
    return {k: f"{text} {'at ' * (k % 3)}".strip() for k in range(1, chunks + 1)}


def run(pipe, images, chunks=3, **more):
    given = [torch.Generator().manual_seed(i) for i in range(len(images))]
    return pipe("solve", images, **{
        "max_chunks": chunks, "interventions": talk(chunks), "generator": given,
        "num_inference_steps": STEPS, "max_words": 4, **more,
    })  # fmt: skip


def test_a_rollout_equals_recomputing_everything(pipe):
    """Every chunk against Euler steps over the whole sequence, without a cache."""
    chunks, model = 3, pipe.transformer
    marks = words.marks(pipe.tokenizer)
    prompt = [marks["bos"], *words.ids(pipe.tokenizer, "solve")]
    first = pipe.codec.encode(
        torch.from_numpy(picture()).permute(2, 0, 1)[None, :, None].float() / 127.5 - 1
    )[:, 0]
    forced = [{k: list(words.ids(pipe.tokenizer, text)) for k, text in talk(chunks).items()}]
    rollout = Rollout(model, pipe.scheduler, marks, GRID, How(max_chunks=chunks, steps=STEPS, max_words=1))
    events = rollout.run([prompt], first, [torch.Generator().manual_seed(5)], forced)
    found = [event.latents for event in events if isinstance(event, Shown)]
    assert len(found) == chunks
    row = [Text((*prompt, marks["bof"])), Chunk(0, *GRID, False), Text((marks["eof"],))]
    draw, clean = torch.Generator().manual_seed(5), [first[0]]
    for k in range(1, chunks + 1):
        row = [*row, Text((*forced[0][k], marks["bof"]))]
        placed = layouts.place([*row, Chunk(k, *GRID)], "split")
        ids = torch.tensor([[i for s in row if isinstance(s, Text) for i in s.ids]])
        x = torch.randn(first.shape[1:], generator=draw)[None, None]
        pipe.scheduler.set_timesteps(STEPS)
        for step in range(STEPS):
            sigma, after = pipe.scheduler.sigmas[step], pipe.scheduler.sigmas[step + 1]
            history = torch.stack([*clean, clean[-1]])[None]  # of the copy behind the noisy one nobody knows
            with torch.no_grad():
                out = model(
                    ids,
                    placed,
                    clean=history,
                    noisy=x,
                    sigmas=sigma.view(1, 1),
                    reference=clean[-1][None, None],
                )
            x = x + (after - sigma) * model.velocity(out.prediction, x, sigma)
        assert (x[0, 0] - found[k - 1]).abs().max() < 1e-5
        clean.append(found[k - 1])
        row = [*row, Chunk(k, *GRID, False), Text((marks["eof"],))]


@pytest.mark.parametrize(("guidance", "rows"), [(1.0, 8), (2.0, 2)])
def test_a_batch_of_8_equals_8_batches_of_1(pipe, guidance, rows):
    images = [picture(i) for i in range(rows)]
    # Prompts and words of different length, and rows that end at different times.
    prompts = ["solve" + " go" * (i % 3) for i in range(rows)]
    told = [{k: v for k, v in talk(3, "left " * (1 + i % 2)).items() if k <= 1 + i % 3} for i in range(rows)]

    def ask(chosen):
        given = [torch.Generator().manual_seed(i) for i in chosen]
        return pipe(
            [prompts[i] for i in chosen], [images[i] for i in chosen],
            interventions=[told[i] for i in chosen], generator=given, guidance_scale=guidance,
            max_chunks=3, num_inference_steps=STEPS,
            max_words=4,
        )  # fmt: skip

    together, apart = ask(range(rows)), [ask([i]) for i in range(rows)]
    assert len({len(frames) for frames in together.frames}) > 1
    for i, alone in enumerate(apart):
        assert together.texts[i] == alone.texts[0]
        assert together.ended[i] == alone.ended[0]
        assert np.abs(together.frames[i].astype(int) - alone.frames[0]).max() <= 1


def test_guidance_leads_away_from_what_no_words_say(pipe):
    plain, guided = run(pipe, [picture()]), run(pipe, [picture()], guidance_scale=4.0)
    assert np.abs(plain.frames[0].astype(int) - guided.frames[0]).max() > 2


def test_words_that_are_put_in_are_said(pipe):
    found = run(pipe, [picture()], interventions={**talk(3), 2: "at left"})
    assert found.texts[0][:3] == ["go up at", "at left", "go up"]
    other = run(pipe, [picture()])
    assert np.array_equal(found.frames[0][:2], other.frames[0][:2])
    assert not np.array_equal(found.frames[0][2:], other.frames[0][2:])


def test_a_stream_yields_words_and_frames_in_turn(pipe):
    events = list(pipe.stream("solve", picture(), interventions=talk(2), max_chunks=2, max_words=4))
    assert [type(event) for event in events] == [
        FrameEvent,
        TextEvent,
        FrameEvent,
        TextEvent,
        FrameEvent,
        TextEvent,
    ]
    assert [event.chunk for event in events] == [0, 1, 1, 2, 2, 3]
    assert np.array_equal(events[0].frames[0], picture())


def test_a_window_keeps_prompt_and_first_frame(pipe):
    marks = words.marks(pipe.tokenizer)
    forced = [{k: list(words.ids(pipe.tokenizer, text)) for k, text in talk(6).items()}] * 2
    first = torch.rand(2, 3 * TOKEN**2, *GRID)
    rollout = Rollout(pipe.transformer, pipe.scheduler, marks, GRID, How(max_chunks=6, window=2, max_words=1))
    draws = [torch.Generator().manual_seed(i) for i in range(2)]
    lengths, kept = [], []
    for event in rollout.run([[1, 2], [1, 2, 3]], first, draws, forced):
        if isinstance(event, Shown) and event.row == 0:
            lengths.append(rollout.caches[0].length)
            kept.append(rollout.rows[0].history[:3])
    assert len(kept) == 6
    assert all(
        rows == [Text((1, 2, marks["bof"])), Chunk(0, *GRID, False), Text((marks["eof"],))] for rows in kept
    )
    assert max(lengths[3:]) <= max(lengths[:3])  # the context does not grow


def test_save_load_same_clip(pipe, tmp_path):
    pipe.save_pretrained(tmp_path)
    back = TV2TVPipeline.from_pretrained(tmp_path)
    before, after = run(pipe, [picture()]), run(back, [picture()])
    assert np.array_equal(before.frames[0], after.frames[0])
    assert before.texts == after.texts


def test_unknown_words_are_told_in_bytes(pipe):
    ids = words.ids(pipe.tokenizer, "go zebra ö")
    assert pipe.tokenizer.unk_token_id not in ids
    assert pipe.tokenizer.decode(ids) == "go zebra ö"


def test_pictures_of_another_size(pipe):
    with pytest.warns(UserWarning, match="resized to 12x8"):
        assert run(pipe, [np.zeros((9, 12, 3), np.uint8)], 1).frames[0].shape[1:] == (8, 12, 3)
    with pytest.raises(UserError, match="at most 4 a side"):
        run(pipe, [np.zeros((40, 40, 3), np.uint8)])
    with pytest.raises(UserError, match="different sizes"):
        run(pipe, [picture(), picture(grid=(3, 3))])
    with pytest.raises(UserError, match="2 prompts for 1 images"):
        pipe(["a", "b"], [picture()])


def test_a_context_that_overflows_is_one_line():
    short = pipeline(max_positions=12)
    with pytest.raises(UserError, match="12: give a window, or fewer chunks"):
        run(short, [picture()], 4)


def test_a_causal_video_autoencoder_serves_as_codec():
    diffusers = pytest.importorskip("diffusers")
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKLWan(
        base_dim=3,
        z_dim=4,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        latents_mean=[0.1] * 4,
        latents_std=[2.0] * 4,
    ).eval()
    codec = codec_of(vae)
    assert isinstance(codec, VaeCodec)
    with torch.no_grad():
        latents = codec.encode(torch.rand(1, 3, 9, 32, 32) * 2 - 1)
        assert latents.shape == (1, 3, 4, 32 // codec.token, 32 // codec.token)
        whole = codec.decode(latents)
        assert whole.shape == (1, 3, 9, 32, 32)
        # Causal: what streams out after each chunk is what the whole clip has there.
        for k, (start, end) in enumerate(((0, 1), (1, 5), (5, 9))):
            assert torch.allclose(codec.decode(latents[:, : k + 1], k), whole[:, :, start:end], atol=1e-5)
    with pytest.raises(UserError, match="no video autoencoder"):
        codec_of(torch.nn.Linear(2, 2))
