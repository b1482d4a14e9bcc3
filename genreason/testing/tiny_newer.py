"""Tiny pipelines of LTX-2, HunyuanVideo 1.5, SkyReels V2 and Cosmos-Predict2, with random weights.

Sizes and lengths are those of the real models' autoencoders (`genreason.testing.tiny.GRIDS`).
"""

from __future__ import annotations

import importlib
from typing import Any

from genreason.testing import tiny_parts
from genreason.testing.tiny_parts import LOG_VARIANCE, WIDTH

SYSTEM = 108  # tokens that HunyuanVideo's pipeline cuts off in front: its system message
SIDE = 64  # target size of the tiny HunyuanVideo: clips have about as many pixels as a square of it


def ltx2(diffusers: Any) -> Any:
    """LTX-2: it draws sound besides, which the adapter drops."""
    words, encoder = _gemma()
    ltx2_parts = importlib.import_module("diffusers.pipelines.ltx2")
    audio = diffusers.AutoencoderKLLTX2Audio(
        base_channels=4, output_channels=2, ch_mult=(1,), num_res_blocks=1, attn_resolutions=None,
        in_channels=2, resolution=32, latent_channels=2, norm_type="pixel", causality_axis="height",
        dropout=0.0, mid_block_add_attention=False, sample_rate=16000, mel_hop_length=160, is_causal=True,
        mel_bins=8,
    )  # fmt: skip
    width, layers = encoder.config.text_config.hidden_size, encoder.config.text_config.num_hidden_layers
    heads = {"num_attention_heads": 4, "attention_head_dim": 8, "num_layers": 1}
    connectors = ltx2_parts.LTX2TextConnectors(
        caption_channels=width, text_proj_in_factor=layers + 1, connector_rope_base_seq_len=32,
        rope_type="split", rope_double_precision=False,
        **{f"{kind}_connector_{name}": value for kind in ("video", "audio") for name, value in heads.items()},
        video_connector_num_learnable_registers=None, audio_connector_num_learnable_registers=None,
    )  # fmt: skip
    transformer = diffusers.LTX2VideoTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16,
        audio_in_channels=4, audio_out_channels=4, audio_num_attention_heads=2, audio_attention_head_dim=4,
        audio_cross_attention_dim=8, num_layers=2, caption_channels=width, rope_double_precision=False,
        rope_type="split",
    )  # fmt: skip
    vocoder = ltx2_parts.LTX2Vocoder(
        in_channels=16, hidden_channels=32, out_channels=2, upsample_kernel_sizes=[4, 4],
        upsample_factors=[2, 2], resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]],
        leaky_relu_negative_slope=0.1, output_sampling_rate=16000,
    )  # fmt: skip
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05, base_image_seq_len=1024,
        max_image_seq_len=4096, shift_terminal=0.1,
    )  # fmt: skip
    return diffusers.LTX2ImageToVideoPipeline(
        scheduler=scheduler, vae=_ltx2_vae(diffusers).eval(), audio_vae=audio.eval(), text_encoder=encoder,
        tokenizer=words, connectors=connectors.eval(), transformer=transformer.eval(),
        vocoder=vocoder.eval(),
    )  # fmt: skip


def _ltx2_vae(diffusers: Any) -> Any:
    vae = diffusers.AutoencoderKLLTX2Video(
        latent_channels=4, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8),
        layers_per_block=(1,) * 5, decoder_layers_per_block=(1,) * 4, upsample_residual=(False,) * 3,
        upsample_factor=(1,) * 3, spatial_compression_ratio=32, temporal_compression_ratio=8,
        decoder_spatial_padding_mode="zeros",
    )  # fmt: skip
    vae.encoder.conv_out.conv.bias.data[-1] = LOG_VARIANCE
    return vae


def _gemma() -> tuple[Any, Any]:
    transformers = importlib.import_module("transformers")
    words = tiny_parts.tokenizer(1024)
    text = {
        "vocab_size": len(words), "hidden_size": WIDTH, "intermediate_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "sliding_window": 64,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 28, "patch_size": 14,
    }  # fmt: skip
    config = transformers.Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    return words, transformers.Gemma3ForConditionalGeneration(config).eval()


def hunyuan(diffusers: Any) -> Any:
    """HunyuanVideo 1.5: it chooses its size itself."""
    transformers = importlib.import_module("transformers")
    words, encoder = _qwen()
    bytes_ = transformers.ByT5Tokenizer()
    vae = diffusers.AutoencoderKLHunyuanVideo15(
        latent_channels=4, block_out_channels=(8, 8, 8, 8, 8), layers_per_block=1,
        downsample_match_channel=False, upsample_match_channel=False,
    )  # fmt: skip
    transformer = diffusers.HunyuanVideo15Transformer3DModel(
        in_channels=9, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=1,
        num_refiner_layers=1, mlp_ratio=2.0, text_embed_dim=16, text_embed_2_dim=WIDTH, image_embed_dim=12,
        rope_axes_dim=(2, 2, 4), target_size=SIDE, task_type="i2v",
    )  # fmt: skip
    view = transformers.SiglipVisionConfig(
        hidden_size=12, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28,
        patch_size=14,
    )  # fmt: skip
    guider = importlib.import_module("diffusers.guiders").ClassifierFreeGuidance(guidance_scale=1.0)
    return diffusers.HunyuanVideo15ImageToVideoPipeline(
        text_encoder=encoder, tokenizer=words, transformer=transformer.eval(), vae=vae.eval(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder_2=tiny_parts.t5("T5", len(bytes_)), tokenizer_2=bytes_, guider=guider,
        image_encoder=transformers.SiglipVisionModel(view).eval(),
        feature_extractor=transformers.SiglipImageProcessorPil(size={"height": 28, "width": 28}),
    )  # fmt: skip


def _qwen() -> tuple[Any, Any]:
    transformers = importlib.import_module("transformers")
    words = tiny_parts.tokenizer(1200)
    words.chat_template = (
        "{% for message in messages %}{% if message['role'] == 'system' %}"
        "{{ message['content'][:" + str(SYSTEM) + "] }}{% else %}{{ message['content'] }}{% endif %}"
        "{% endfor %}"
    )
    config = transformers.Qwen2_5_VLTextConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, bos_token_id=1, eos_token_id=1, pad_token_id=0,
        rope_parameters={"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6},
    )  # fmt: skip
    return words, transformers.Qwen2_5_VLTextModel(config).eval()


def skyreels(diffusers: Any) -> Any:
    """SkyReels V2: the first frame as channels with a mask, and CLIP's view of it."""
    words, encoder = tiny_parts.text("UMT5", 512)
    image_encoder, image_processor = tiny_parts.vision()
    transformer = diffusers.SkyReelsV2Transformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=36, out_channels=16, text_dim=WIDTH,
        ffn_dim=32, num_layers=2, rope_max_seq_len=32, image_dim=4,
    )  # fmt: skip
    scheduler = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
    )
    return diffusers.SkyReelsV2ImageToVideoPipeline(
        tokenizer=words, text_encoder=encoder, image_encoder=image_encoder, image_processor=image_processor,
        transformer=transformer.eval(), vae=tiny_parts.wan_vae(diffusers).eval(), scheduler=scheduler,
    )  # fmt: skip


def cosmos2(diffusers: Any) -> Any:
    """Cosmos-Predict2: latent frame 0 given, and a guard that lets everything through.

    Its transformer is told of no padding, as that takes torchvision.
    """
    from genreason.testing.tiny_guard import TinyGuard

    words, encoder = tiny_parts.text("T5", 512)
    vae = tiny_parts.wan_vae(diffusers)
    vae.quant_conv.bias.data[16:] = LOG_VARIANCE
    transformer = diffusers.CosmosTransformer3DModel(
        in_channels=17, out_channels=16, num_attention_heads=2, attention_head_dim=16, num_layers=2,
        mlp_ratio=2, text_embed_dim=WIDTH, adaln_lora_dim=4, max_size=(4, 32, 32), patch_size=(1, 2, 2),
        rope_scale=(2.0, 1.0, 1.0), concat_padding_mask=False, extra_pos_embed_type=None,
    )  # fmt: skip
    return diffusers.Cosmos2VideoToWorldPipeline(
        text_encoder=encoder, tokenizer=words, transformer=transformer.eval(), vae=vae.eval(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_karras_sigmas=True),
        safety_checker=TinyGuard(),
    )  # fmt: skip
