"""The TV2TV transformer: who sees whom, caches, towers, saving, LoRA, language models inside."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from torch.nn import functional  # noqa: E402
from tv2tv_fixture import GRID, inputs, model, segments  # noqa: E402

from genreason.model import attention, layout  # noqa: E402
from genreason.model.layout import CLEAN, NOISY, Chunk, Text  # noqa: E402
from genreason.model.rotary import angles, rotated  # noqa: E402
from genreason.model.transformer import TV2TVTransformer  # noqa: E402

torch.set_num_threads(1)
KINDS = [
    {}, {"axes": "joint"}, {"skip": "previous"}, {"patch_io": "unet", "unet_channels": 8},
    {"prediction_type": "velocity"},
]  # fmt: skip
CELLS = GRID[0] * GRID[1]


def same(a, b, tolerance=1e-9):
    assert torch.allclose(a, b, atol=tolerance, rtol=0), (a - b).abs().max()


@pytest.mark.parametrize("changes", KINDS)
def test_a_clean_chunk_does_not_leak_into_its_noisy_copy(changes):
    made = model(**changes)
    given = inputs(made)
    before = made(**given)
    for chunk in (1, 2, 3):
        clean = given["clean"].clone()
        clean[:, chunk] += 1
        after = made(**{**given, "clean": clean})
        same(after.prediction[:, :chunk], before.prediction[:, :chunk])  # noisy copies up to its own
        later = after.prediction[:, chunk:]
        assert not later.numel() or (later - before.prediction[:, chunk:]).abs().max() > 1e-6
        # Words behind it see it, words before it do not.
        order = given["layout"].text.order[0]
        place = given["layout"].video.order[0][given["layout"].video.chunk[0] == chunk].min()
        same(after.text_logits[:, order < place], before.text_logits[:, order < place])
        assert (after.text_logits - before.text_logits)[:, -1].abs().max() > 1e-6


@pytest.mark.parametrize("changes", KINDS)
def test_nothing_but_itself_sees_a_noisy_chunk(changes):
    made = model(**changes)
    given = inputs(made)
    before = made(**given)
    noisy = given["noisy"].clone()
    noisy[:, 1] += 1
    after = made(**{**given, "noisy": noisy})
    same(after.text_logits, before.text_logits)
    same(after.prediction[:, [0, 2]], before.prediction[:, [0, 2]])
    assert (after.prediction[:, 1] - before.prediction[:, 1]).abs().max() > 1e-6


@pytest.mark.parametrize("axes", ["split", "joint"])
def test_positions_do_not_know_of_noisy_copies(axes):
    def where(noisy):
        tags = layout.place(segments(noisy), axes).tags
        return {
            (int(k), int(c)): tags.position[0][(tags.kind[0] == k) & (tags.chunk[0] == c)].tolist()
            for k, c in {*zip(tags.kind[0].tolist(), tags.chunk[0].tolist(), strict=True)}
        }

    with_copies, without = where((1, 2, 3)), where(())
    assert {key: value for key, value in with_copies.items() if key[0] != NOISY} == without
    assert all(with_copies[NOISY, i] == with_copies[CLEAN, i] for i in (1, 2, 3))


def test_sorting_by_modality_changes_nothing():
    """Against a forward pass in the order of time that sends each token to its tower by a mask."""
    made = model()
    given = inputs(made)
    placed = given["layout"]
    tags = placed.tags
    order = torch.argsort(tags.order[0])
    text, video, _, _ = made._embed(
        *(given[n] for n in ("text_ids", "layout", "clean", "noisy", "sigmas", "reference"))
    )
    x = torch.cat([text, video], 1)[:, order]
    words = (tags.kind[0] == 0)[order]
    turn = angles(tags.position[:, order], *made._frequencies(x.device), 1.0)
    mask = layout.allowed(tags, tags)[:, :, order][..., order]
    for block in made.blocks:
        parts = {}
        for tower, chosen in ((block.text, words), (block.video, ~words)):
            for name, value in zip("qkv", tower.project(x[:, chosen]), strict=True):
                whole = parts.setdefault(name, x.new_zeros(*value.shape[:2], x.shape[1], value.shape[3]))
                whole[:, :, chosen] = value
        q, k = rotated(parts["q"], *turn), rotated(parts["k"], *turn)
        out = functional.scaled_dot_product_attention(q, k, parts["v"], attn_mask=mask, enable_gqa=True)
        out = out.transpose(1, 2).flatten(2)
        after = x.clone()
        for tower, chosen in ((block.text, words), (block.video, ~words)):
            after[:, chosen] = tower.finish(x[:, chosen], out[:, chosen])
        x = after
    logits = made.lm_head(made.text_norm(x[:, words]))
    same(logits, made(**given).text_logits)


@pytest.mark.filterwarnings("ignore:flex_attention called without")
def test_the_mask_function_of_flex_attention_is_the_dense_mask():
    made = model()
    rows = [segments(), [*segments()[:-1], Text((1, 2, 3, 4))]]
    placed = layout.batch([layout.place(row, "split") for row in rows])
    tags = placed.tags
    assert tags.kind.shape[0] == 2
    dense = layout.allowed(tags, tags)
    see = layout.mask_mod(tags, tags)
    count = len(tags)
    b, h, q, k = (torch.arange(n) for n in (2, 1, count, count))
    found = see(b[:, None, None, None], h[None, :, None, None], q[None, None, :, None], k)
    assert torch.equal(found, dense)
    given = inputs(made)
    with torch.no_grad():  # flex attention runs on a CPU without gradients, eagerly
        blocks = attention.block_mask(given["layout"], 2)
        flex, plain = made.float()(**_float(given), mask=blocks), made(**_float(given))
    same(flex.text_logits, plain.text_logits, 1e-4)
    same(flex.prediction, plain.prediction, 1e-4)


def test_layers_compile_whole_and_as_one():
    plain = model().float()
    compiled = copy.deepcopy(plain)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled.compile_repeated_blocks(fullgraph=True, backend="aot_eager")
    given = _float(inputs(plain))
    for each in (plain, compiled):
        found = each(**given)
        (found.prediction.square().mean() + found.text_logits.square().mean()).backward()
        same(found.prediction, plain(**given).prediction, 1e-5)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    for one, two in zip(plain.parameters(), compiled.parameters(), strict=True):
        assert one.grad is None or torch.allclose(one.grad, two.grad, atol=1e-6)


def _float(given):
    return {n: t.float() if torch.is_tensor(t) and t.is_floating_point() else t for n, t in given.items()}


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("changes", [*KINDS, {"qkv_bias": True, "qk_norm": False}])
def test_cached_equals_uncached(changes, fused):
    """With gradients layers are as in training; without, as generation has them."""
    with torch.set_grad_enabled(not fused):
        _cached_equals_uncached(changes, fused)


def _cached_equals_uncached(changes, fused):
    made = model(**changes)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "norm" in name or name.endswith("bias"):  # that they do something
                parameter.normal_(1.0, 0.2)
    given = inputs(made)
    whole = made(**given)
    row, placed = segments(), given["layout"]
    cache = made.new_cache(2, 8)
    assert (cache.fused is not None) == fused
    time = order = said = 0
    logits = []
    for segment in row:
        here = layout.place([segment], made.config.axes, time, order)
        if isinstance(segment, Text):
            ids = given["text_ids"][:, said : said + len(segment.ids)]
            said += len(segment.ids)
            out = made(ids, here, cache=cache, write=True)
            logits.append(out.text_logits)
            time, order = time + len(segment.ids), order + len(segment.ids)
            continue
        none = given["text_ids"][:, :0]
        if segment.noisy:
            at = placed.noisy.index(segment.index)
            out = made(
                none, layout.only_noisy(here), noisy=given["noisy"][:, [at]],
                sigmas=given["sigmas"][:, [at]], reference=given["reference"][:, [at]], cache=cache,
            )  # fmt: skip
            same(out.prediction[:, 0], whole.prediction[:, at])
        clean = layout.place([Chunk(segment.index, *GRID, False)], made.config.axes, time, order)
        made(none, clean, clean=given["clean"][:, [segment.index]], cache=cache, write=True)
        time, order = time + (max(GRID) if made.config.axes == "joint" else 1), order + 2 * CELLS
    same(torch.cat(logits, 1), whole.text_logits)


def test_rows_of_different_length_share_a_batch():
    made = model()
    rows = [segments(), [*segments()[:-1], Text((1, 2, 3, 4, 5))]]
    given = [inputs(made, row, rows=1) for row in rows]
    apart = [made(**each) for each in given]
    placed = layout.batch([each["layout"] for each in given])
    longest = max(each["text_ids"].shape[1] for each in given)
    ids = [
        functional.pad(each["text_ids"], (0, longest - each["text_ids"].shape[1]), value=261)
        for each in given
    ]
    tensors = {n: torch.cat([each[n] for each in given]) for n in ("clean", "noisy", "sigmas", "reference")}
    together = made(torch.cat(ids), placed, **tensors)
    for i, each in enumerate(apart):
        count = each.text_logits.shape[1]
        same(together.text_logits[i, :count], each.text_logits[0])
        same(together.prediction[i], each.prediction[0])


def test_other_tellings_of_a_sample():
    row = segments()
    plain = [s for s in row if not isinstance(s, Text) or s.given]
    thought = layout.rearranged(row, "think2v")
    assert layout.rearranged(row, "tv2tv") == row
    assert layout.rearranged(row, "t2v") == plain
    told = [s for s in row if isinstance(s, Text) and not s.given]
    assert [s for s in thought if not isinstance(s, Text) or s.given] == plain
    assert thought[3 : 3 + len(told)] == told  # all words stand behind the first frame


def test_save_and_load(tmp_path):
    made = model(skip="previous", patch_hidden=24).float()
    torch.nn.init.normal_(made.patches.finer_out.weight)
    made.save_pretrained(tmp_path)
    back = TV2TVTransformer.from_pretrained(tmp_path)
    given = _float(inputs(made))
    with torch.no_grad():
        assert torch.equal(made(**given).prediction, back.eval()(**given).prediction)
    assert dict(back.config)["skip"] == "previous"


def test_a_lora_on_one_tower_leaves_the_other_and_can_be_turned_off():
    peft = pytest.importorskip("peft")
    made = model().float()
    given = _float(inputs(made))
    before = made(**given)
    made.add_adapter(
        peft.LoraConfig(r=2, target_modules=r"blocks\.\d+\.video\.(q|v)_proj", init_lora_weights=False)
    )
    names = [n for n, p in made.named_parameters() if p.requires_grad]
    assert names and all(".video." in n for n in names)
    assert (made(**given).prediction - before.prediction).abs().max() > 1e-4
    made.disable_adapters()
    same(made(**given).prediction, before.prediction, 1e-6)
    same(made(**given).text_logits, before.text_logits, 1e-6)


def test_gradient_checkpointing_changes_no_gradient():
    made = model().train()

    def gradient():
        made.zero_grad()
        out = made(**inputs(made))
        (out.prediction.square().mean() + out.text_logits.square().mean()).backward()
        return {n: p.grad.clone() for n, p in made.named_parameters()}

    plain = gradient()
    made.enable_gradient_checkpointing()
    again = gradient()
    assert all(torch.allclose(plain[n], again[n], atol=1e-9) for n in plain)


def test_text_alone_trains_the_video_tower_with_zeros():
    """Processes that train together must agree on which parameters have gradients."""
    made = model().train()
    row = [Text((1, 2, 3))]
    out = made(torch.tensor([[1, 2, 3]]), layout.place(row, "split"))
    out.text_logits.sum().backward()
    assert [n for n, p in made.named_parameters() if p.grad is None] == []


def test_what_a_config_cannot_be():
    with pytest.raises(ValueError, match="rope_sections"):
        model(rope_sections=(4, 4, 4))
    with pytest.raises(ValueError, match="skip"):
        model(skip="previous", prediction_type="velocity")
    with pytest.raises(ValueError, match="patch_hidden needs patch_io 'linear'"):
        model(patch_io="unet", patch_hidden=8)
    with pytest.raises(ValueError, match="same chunks"):
        layout.batch([layout.place(segments(), "split"), layout.place(segments(chunks=2), "split")])


def test_adapters_are_not_fused():
    peft = pytest.importorskip("peft")
    made = model()
    made.add_adapter(peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
    with torch.no_grad():
        assert made.new_cache(1).fused is None
