"""Tiny pipelines with random weights, of the same diffusers classes as the real models.

They are what generators and training are tested on where there is neither a hub nor a GPU: some 100 kB each
(HunyuanVideo's 18 MB: one of its layers has a fixed width), a clip in a second or two. What they draw is
noise; that they load, generate, train and take a LoRA is real.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from genreason.generate.models import ModelOptions
from genreason.testing import tiny_newer, tiny_parts
from genreason.testing.tiny_parts import LOG_VARIANCE, WIDTH
from genreason.types import Json, UserError, unknown

SEED = 0
GRIDS = {"wan-ti2v": (32, 4), "ltx": (32, 8), "ltx2": (32, 8)}
"""Family -> what sides are multiples of, and frames (less one): those of its autoencoder; else 16 and 4."""


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
    multiple, long = GRIDS.get(family, (16, 4))
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


def _wan_transformer(diffusers: Any, **changes: Any) -> Any:
    config = {
        "patch_size": (1, 2, 2), "num_attention_heads": 2, "attention_head_dim": 12, "in_channels": 36,
        "out_channels": 16, "text_dim": WIDTH, "freq_dim": 256, "ffn_dim": 32, "num_layers": 2,
        "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads", "rope_max_seq_len": 32,
    }  # fmt: skip
    return diffusers.WanTransformer3DModel(**{**config, **changes}).eval()


def _wan(diffusers: Any, vae: Any, **parts: Any) -> Any:
    tokenizer, encoder = tiny_parts.text("UMT5", 512)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0)
    rest = {"image_encoder": None, "image_processor": None, "transformer_2": None, **parts}
    return diffusers.WanImageToVideoPipeline(
        tokenizer=tokenizer, text_encoder=encoder, vae=vae.eval(), scheduler=scheduler, **rest
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
    image_encoder, image_processor = tiny_parts.vision()
    return _wan(
        diffusers, tiny_parts.wan_vae(diffusers), transformer=_wan_transformer(diffusers, image_dim=4),
        image_encoder=image_encoder, image_processor=image_processor,
    )  # fmt: skip


def _wan_a14b(diffusers: Any) -> Any:
    high, low = _wan_transformer(diffusers), _wan_transformer(diffusers)
    return _wan(
        diffusers, tiny_parts.wan_vae(diffusers), transformer=high, transformer_2=low, boundary_ratio=0.9
    )


def _ltx(diffusers: Any) -> Any:
    tokenizer, encoder = tiny_parts.text("T5", 128)
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
    tokenizer, encoder = tiny_parts.text("T5", 226)
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
    "ltx2": tiny_newer.ltx2,
    "hunyuanvideo1.5": tiny_newer.hunyuan,
    "skyreels-v2": tiny_newer.skyreels,
    "cosmos2": tiny_newer.cosmos2,
}
"""Family -> a function of the module `diffusers` that builds its tiny pipeline."""

TRAINABLE = ("wan-ti2v", "wan-i2v", "wan-a14b", "ltx", "cogvideox", "cogvideox1.5")
"""Those that `genreason train sft` can train too."""
