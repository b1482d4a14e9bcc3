"""Tiny pipelines with random weights, of the same diffusers classes as the real models.

They are what generators and training are tested on where there is neither a hub nor a GPU: some 100 kB each,
a clip in a second or two. What they draw is noise; that they load, generate, train and take a LoRA is real.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from genreason.generate.models import ModelOptions
from genreason.types import Json, UserError, unknown

SEED = 0
LOG_VARIANCE = -6.0  # of latents, where the pipeline draws them: small beside their means, as in real ones
WIDTH = 32  # of the text encoders


def tiny_pipeline(family: str, folder: Path | str) -> Path:
    """Build the tiny pipeline of a family and save it as diffusers does.

    Args:
        family: one of `FAMILIES`.
        folder: where to; it must not hold another pipeline.

    Returns:
        The folder; `genreason run TASK --generator FOLDER` takes it.

    Raises:
        UserError: no such family, the folder is in use, or the extra "model" is not installed.
    """
    if family not in FAMILIES:
        raise unknown("family of tiny pipelines", family, FAMILIES)
    out = Path(folder)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not empty: give another folder")
    from genreason.generate import extra

    extra.need()
    torch = importlib.import_module("torch")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        pipeline = FAMILIES[family](importlib.import_module("diffusers"))
    pipeline.save_pretrained(out)
    (out / f"tiny-{family}.yaml").write_text(_card(family, type(pipeline).__name__), encoding="utf-8")
    return out


def _card(family: str, pipeline: str) -> str:
    """The generator card that lies beside the weights: sizes that take a second on a CPU."""
    long, multiple = (8, 32) if family == "ltx" else (4, 32 if family == "wan-ti2v" else 16)
    options: Json = {name: field.get_default() for name, field in ModelOptions.model_fields.items()}
    options |= {
        "model": ".", "pipeline": pipeline, "width": 64, "height": 64, "frames": 17, "fps": 16.0, "steps": 2,
        "guidance": 1.0, "dtype": "float32", "device": "cpu",
        "limits": {"multiple": multiple, "frames": long, "most_frames": 81, "least": multiple},
    }  # fmt: skip
    card = {
        "name": f"tiny-{family}", "description": "A tiny pipeline with random weights.", "kind": "diffusers",
        "batch": 2, "options": options,
    }  # fmt: skip
    return yaml.safe_dump(card, sort_keys=False)


def _tokenizer(length: int) -> Any:
    """A byte-level tokenizer, one token a byte: any text can be read."""
    tokenizers = importlib.import_module("tokenizers")
    special = ["<pad>", "</s>", "<unk>"]
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*special, *letters])}
    core = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
    core.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = tokenizers.decoders.ByteLevel()
    core.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", vocabulary["</s>"])]
    )
    fast = importlib.import_module("transformers").PreTrainedTokenizerFast
    return fast(
        tokenizer_object=core, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=length
    )


def _text(kind: str, length: int) -> tuple[Any, Any]:
    transformers = importlib.import_module("transformers")
    tokenizer = _tokenizer(length)
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(tokenizer), d_model=WIDTH, d_kv=8, d_ff=37, num_layers=2, num_heads=4,
        relative_attention_num_buckets=8,
    )  # fmt: skip
    return tokenizer, getattr(transformers, f"{kind}EncoderModel")(config).eval()


def _wan_transformer(diffusers: Any, **changes: Any) -> Any:
    config = {
        "patch_size": (1, 2, 2), "num_attention_heads": 2, "attention_head_dim": 12, "in_channels": 36,
        "out_channels": 16, "text_dim": WIDTH, "freq_dim": 256, "ffn_dim": 32, "num_layers": 2,
        "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads", "rope_max_seq_len": 32,
    }  # fmt: skip
    return diffusers.WanTransformer3DModel(**{**config, **changes}).eval()


def _wan(diffusers: Any, vae: Any, **parts: Any) -> Any:
    tokenizer, encoder = _text("UMT5", 512)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0)
    rest = {"image_encoder": None, "image_processor": None, "transformer_2": None, **parts}
    return diffusers.WanImageToVideoPipeline(
        tokenizer=tokenizer, text_encoder=encoder, vae=vae.eval(), scheduler=scheduler, **rest
    )


def _wan_vae(diffusers: Any) -> Any:
    return diffusers.AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1] * 4, num_res_blocks=1, temperal_downsample=[False, True, True]
    )


def _wan_ti2v(diffusers: Any) -> Any:
    vae = diffusers.AutoencoderKLWan(
        base_dim=3, decoder_base_dim=3, z_dim=16, dim_mult=[1] * 4, num_res_blocks=1,
        temperal_downsample=[False, True, True], in_channels=12, out_channels=12, is_residual=True,
        patch_size=2, latents_mean=[0.0] * 16, latents_std=[1.0] * 16,
        scale_factor_spatial=16, scale_factor_temporal=4,
    )  # fmt: skip
    return _wan(
        diffusers, vae, transformer=_wan_transformer(diffusers, in_channels=16), expand_timesteps=True
    )


def _wan_i2v(diffusers: Any) -> Any:
    transformers = importlib.import_module("transformers")
    config = transformers.CLIPVisionConfig(
        hidden_size=4, projection_dim=4, num_hidden_layers=2, num_attention_heads=2, image_size=32,
        intermediate_size=16, patch_size=1,
    )  # fmt: skip
    return _wan(
        diffusers, _wan_vae(diffusers), transformer=_wan_transformer(diffusers, image_dim=4),
        image_encoder=transformers.CLIPVisionModel(config).eval(),
        image_processor=transformers.CLIPImageProcessorPil(crop_size=32, size=32),
    )  # fmt: skip


def _wan_a14b(diffusers: Any) -> Any:
    high, low = _wan_transformer(diffusers), _wan_transformer(diffusers)
    return _wan(diffusers, _wan_vae(diffusers), transformer=high, transformer_2=low, boundary_ratio=0.9)


def _ltx(diffusers: Any) -> Any:
    tokenizer, encoder = _text("T5", 128)
    vae = diffusers.AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1,) * 5, decoder_layers_per_block=(1,) * 5,
        spatio_temporal_scaling=(True, True, False, False),
        decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4, upsample_factor=(1,) * 4,
        timestep_conditioning=False, patch_size=1, patch_size_t=1, encoder_causal=True, decoder_causal=False,
    )  # fmt: skip
    vae.encoder.conv_out.conv.bias.data[-1] = LOG_VARIANCE
    transformer = diffusers.LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, patch_size=1, patch_size_t=1, num_attention_heads=4,
        attention_head_dim=8, cross_attention_dim=WIDTH, num_layers=2, caption_channels=WIDTH,
    )  # fmt: skip
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05, base_image_seq_len=1024,
        max_image_seq_len=4096, shift_terminal=0.1,
    )  # fmt: skip
    return diffusers.LTXImageToVideoPipeline(
        scheduler=scheduler, vae=vae.eval(), text_encoder=encoder, tokenizer=tokenizer,
        transformer=transformer.eval(),
    )  # fmt: skip


def _cogvideox(diffusers: Any, newer: bool = False) -> Any:
    tokenizer, encoder = _text("T5", 226)
    vae = diffusers.AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
        temporal_compression_ratio=4, scaling_factor=0.7, invert_scale_latents=newer,
    )  # fmt: skip
    vae.encoder.conv_out.conv.bias.data[4:] = LOG_VARIANCE
    changes: dict[str, Any] = {"time_embed_dim": 2}
    if newer:
        changes = {"patch_size_t": 2, "ofs_embed_dim": 8, "time_embed_dim": 8, "patch_bias": False}
    transformer = diffusers.CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=8, out_channels=4,
        text_embed_dim=WIDTH, num_layers=2, sample_width=16, sample_height=16, sample_frames=9, patch_size=2,
        temporal_compression_ratio=4, max_text_seq_length=226, use_rotary_positional_embeddings=True,
        **changes,
    )  # fmt: skip
    scheduler = diffusers.CogVideoXDDIMScheduler(
        snr_shift_scale=1.0, prediction_type="v_prediction", rescale_betas_zero_snr=True,
        timestep_spacing="trailing", beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012,
        clip_sample=False, set_alpha_to_one=True,
    )  # fmt: skip
    return diffusers.CogVideoXImageToVideoPipeline(
        tokenizer=tokenizer, text_encoder=encoder, vae=vae.eval(), transformer=transformer.eval(),
        scheduler=scheduler,
    )  # fmt: skip


def _cogvideox15(diffusers: Any) -> Any:
    return _cogvideox(diffusers, newer=True)


FAMILIES: dict[str, Callable[[Any], Any]] = {
    "wan-ti2v": _wan_ti2v,
    "wan-i2v": _wan_i2v,
    "wan-a14b": _wan_a14b,
    "ltx": _ltx,
    "cogvideox": _cogvideox,
    "cogvideox1.5": _cogvideox15,
}
"""Family -> a function of the module `diffusers` that builds its tiny pipeline."""
