"""Fine-tune an image-to-video model with LoRA; for `accelerate launch` over several GPUs, or plain python.

python scripts/train_i2v_lora.py --config scripts/recipes/wan-r1.yaml --out RUN [-o train.steps=100]
"""

from __future__ import annotations

import sys

from genreason.cli import main

if __name__ == "__main__":
    main(["train", "sft", *sys.argv[1:]])
