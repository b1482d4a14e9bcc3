"""How fast a TV2TV model trains and answers: the nano recipe with random weights, on one core."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genreason import seeds
from genreason.bench.clock import cpu
from genreason.generate import extra
from genreason.model import layout as layouts
from genreason.model import words
from genreason.model.layout import Chunk, Segment, Text
from genreason.model.rollout import How, Rollout, Shown
from genreason.train import flow, tv2tv
from genreason.train.telling import Batch
from genreason.train.tv2tv_config import Tv2tvConfig
from genreason.types import Json

SHAPE = {
    "hidden_size": 128, "num_layers": 6, "num_heads": 4, "num_kv_heads": 4, "head_dim": 32,
    "intermediate_size": 384, "rope_sections": [8, 4, 4], "max_side": 10, "skip": "previous",
}  # fmt: skip
CHUNKS, STEPS, BATCH = 16, 2, 32
Product = tuple[int, ...]  # sizes (batch, rows, inner, columns) of a product of matrices


def modelled() -> Iterator[Json]:
    """Training against bare matrix products, and generation with and without its cache."""
    extra.need()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        task = _task()
        yield from _training(task)
        for rooms in (4, 5, 7):
            yield _cached(_task(rooms))
        yield _alone_and_together(task)
    finally:
        torch.set_num_threads(threads)


def _task(rooms: int = 4) -> tv2tv.Tv2tv:
    """The recipe, without held-out walls (they cost seconds and change no speed)."""
    pixels = {112: 0.8, 160: 0.15, 256: 0.05} if rooms < 7 else {192: 1.0}
    settings = Tv2tvConfig.model_validate(
        {
            "kind": "tv2tv",
            "model": SHAPE,
            "tokens": 3000,
            "think": 0.0,
            "most_steps": 12,
            "worlds": [{"rooms": rooms, "held_out": 0, "pixels": pixels}],
            "train": {"steps": 1, "checkpointing": False},
        }  # fmt: skip
    )
    accelerator: Any = _OneProcess()
    task = tv2tv.Tv2tv(settings, accelerator, Path())
    torch.manual_seed(0)
    nn.init.normal_(task.model.patches.outward.weight, std=0.02)  # it begins at zero
    return task


class _OneProcess:
    device = torch.device("cpu")
    process_index, num_processes = 0, 1


# -- training ------------------------------------------------------------------------------------------------
def _training(task: tv2tv.Tv2tv) -> Iterator[Json]:
    batch = _sized(task)
    optimizer = torch.optim.AdamW(task.model.parameters(), lr=1e-4, fused=True)
    noise, sigmas = task._noise(batch, flow.generator("bench"))
    products = _products(task, batch, noise, sigmas)

    def step() -> None:
        losses = task.compare(task.model, batch, batch.clean, noise, sigmas)
        losses.total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(task.model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    step()
    turns = iter(range(1, 1000))
    seconds, bare = cpu(step, 7), cpu(functools.partial(_multiply, _tensors(products)), 7)
    draw = sorted(cpu(lambda: task._drawn(seeds.stream("bench", next(turns))), 1) for _ in range(9))[4]
    flops = 2 * sum(b * m * k * n * count for (b, m, k, n), count in products.items())
    yield {
        "what": f"training step, {batch.tokens} tokens",
        "cpu_s": round(seconds, 4),
        "tokens_per_cpu_s": round(batch.tokens / seconds),
        "gflop_per_cpu_s": round(flops / seconds / 1e9, 1),
        "matmul_gflop_per_cpu_s": round(flops / bare / 1e9, 1),
        "share_of_matmul": round(bare / seconds, 2),
    }
    yield {
        "what": "drawing of its puzzles",
        "cpu_s": round(draw, 4),
        "share_of_step": round(draw / (draw + seconds), 3),
    }


def _sized(task: tv2tv.Tv2tv) -> Batch:
    """A batch of clips of six steps, the usual length."""
    rng = seeds.stream("bench")
    world = task.worlds[0]
    return task._filled(lambda: world.clip(rng, 6, False), (2, 5), True)


def _products(task: tv2tv.Tv2tv, batch: Batch, noise: Tensor, sigmas: Tensor) -> Counter[Product]:
    """The products of matrices that a step is made of: forward, and two backward for each.

    Scores of attention are counted in full, also those that the mask takes away.
    """
    found: Counter[Product] = Counter()

    def note(module: Any, inputs: Any, output: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            rows = output.numel() // output.shape[1]
            found[1, rows, module.weight[0].numel(), module.out_channels] += 3
        else:
            found[1, inputs[0].numel() // module.in_features, module.in_features, module.out_features] += 3

    hooks = [
        m.register_forward_hook(note) for m in task.model.modules() if isinstance(m, nn.Linear | nn.Conv2d)
    ]
    try:
        with torch.no_grad():
            task.compare(task.model, batch, batch.clean, noise, sigmas)
    finally:
        for hook in hooks:
            hook.remove()
    config, count = task.model.config, len(batch.layout.tags)
    heads = len(batch.text_ids) * config.num_heads
    for sizes in ((heads, count, config.head_dim, count), (heads, count, count, config.head_dim)):
        found[sizes] += 3 * config.num_layers
    return found


def _tensors(products: Counter[Product]) -> list[tuple[Tensor, Tensor, int]]:
    return [
        (torch.randn(b, m, k), torch.randn(b, k, n), count) for (b, m, k, n), count in products.items() if m
    ]


def _multiply(pairs: Sequence[tuple[Tensor, Tensor, int]]) -> None:
    for left, right, count in pairs:
        for _ in range(count):
            torch.bmm(left, right)


# -- generation ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Asked:
    """Rows to answer: their first latents, and the words that are said before each chunk."""

    prompt: list[int]
    firsts: Tensor
    said: list[dict[int, list[int]]]


def _asked(task: tv2tv.Tv2tv, rows: int, steps: int | None) -> _Asked:
    """Puzzles with the words of a model that knows them; `steps` None takes ways as tests have them."""
    world, rng = task.worlds[0], seeds.stream("bench", "asked")
    told = [world.clip(rng, steps or world.length(rng), False) for _ in range(rows)]
    tokenizer, marks = task.pipe.tokenizer, task.teller.marks
    said: list[dict[int, list[int]]] = []
    for each in told:
        texts = {i: step for i, step in enumerate(each.steps, start=1)}
        texts[1] = f"{each.plan} {texts[1]}"
        said.append({i: list(words.ids(tokenizer, text)) for i, text in texts.items()})
    firsts = torch.cat([task.teller.latents(each.frames[None, :1])[:, 0] for each in told])
    prompt = [marks["bos"], *words.ids(tokenizer, "solve")]
    return _Asked([id_ for id_ in prompt if id_ is not None], firsts, said)


def _alone_and_together(task: tv2tv.Tv2tv) -> Json:
    many = _asked(task, BATCH, None)
    ones = [_Asked(many.prompt, many.firsts[i : i + 1], many.said[i : i + 1]) for i in range(4)]
    alone = sum(cpu(functools.partial(_roll, task, one), 3) for one in ones) / len(ones)
    together = cpu(functools.partial(_roll, task, many), 3) / BATCH
    steps = sum(len(said) for said in many.said) / BATCH
    return {
        "what": f"answer to 4x4 rooms ({steps:.1f} frames in the mean)",
        "alone_cpu_s": round(alone, 3),
        f"in_a_batch_of_{BATCH}_cpu_s": round(together, 3),
    }


def _roll(task: tv2tv.Tv2tv, asked: _Asked) -> list[Tensor]:
    """Chunks of all rows, in the order in which they come."""
    longest = max(len(said) for said in asked.said)
    how = How(max_chunks=longest, steps=STEPS, max_words=1)
    task.model.eval()
    rollout = Rollout(task.model, task.pipe.scheduler, task.teller.marks, task.worlds[0].grid, how)
    draws = [torch.Generator().manual_seed(i) for i in range(len(asked.said))]
    events = rollout.run([asked.prompt] * len(draws), asked.firsts, draws, asked.said)
    return [event.latents for event in events if isinstance(event, Shown)]


def _cached(task: tv2tv.Tv2tv) -> Json:
    asked = _asked(task, 1, 6)
    step = asked.said[0][2]
    asked = _Asked(
        asked.prompt, asked.firsts, [{i: asked.said[0].get(i, step) for i in range(1, CHUNKS + 1)}]
    )
    found: dict[str, list[Tensor]] = {}

    def keep(name: str, work: Callable[..., list[Tensor]]) -> None:
        found[name] = work(task, asked)

    cached, whole = cpu(lambda: keep("cached", _roll), 3), cpu(lambda: keep("whole", _recomputed), 1)
    n = task.worlds[0].n
    pairs = zip(found["cached"], found["whole"], strict=True)
    return {
        "what": f"{CHUNKS} frames of {n}x{n} rooms with the cache, against recomputing what came before",
        "cached_cpu_s": round(cached, 3),
        "recomputed_cpu_s": round(whole, 3),
        "times_faster": round(whole / cached, 1),
        "largest_difference": f"{max(float((a - b).abs().max()) for a, b in pairs):.1e}",
    }


@torch.no_grad()
def _recomputed(task: tv2tv.Tv2tv, asked: _Asked) -> list[Tensor]:
    """The same chunks of one row, with a forward pass over everything for each word and each Euler step."""
    model, marks, grid = task.model, task.teller.marks, task.worlds[0].grid
    eof = Text((marks["eof"],))
    row: list[Segment] = [Text((*asked.prompt, marks["bof"])), Chunk(0, *grid, False), eof]
    draw, clean = torch.Generator().manual_seed(0), [asked.firsts[0]]
    scheduler = task.pipe.scheduler

    def run(segments: Sequence[Segment], **noisy: Any) -> Any:
        ids = torch.tensor([[id_ for s in segments if isinstance(s, Text) for id_ in s.ids]])
        placed = layouts.place(segments, model.config.axes)
        return model(ids, placed, clean=torch.stack(clean)[None] if clean else None, **noisy)

    for number, said in asked.said[0].items():
        for word in (*said, marks["bof"]):
            run(row)
            row.append(Text((word,)))
        x = torch.randn(clean[0].shape, generator=draw)[None, None]
        scheduler.set_timesteps(STEPS)
        for i, time in enumerate(scheduler.timesteps):
            sigma = scheduler.sigmas[i].expand(1, 1)
            clean.append(x[0, 0])  # the noisy copy has a clean one behind it, which it does not see
            last = clean[number - 1][None, None]
            out = run([*row, Chunk(number, *grid)], noisy=x, sigmas=sigma, reference=last)
            clean.pop()
            velocity = model.velocity(out.prediction, x, sigma[..., None, None, None])
            x = scheduler.step(velocity, time, x, return_dict=False)[0]
        clean.append(x[0, 0])
        row += [Chunk(number, *grid, False), eof]
    return clean[1:]
