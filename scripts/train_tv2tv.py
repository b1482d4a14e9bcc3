"""Train a TV2TV model; for `accelerate launch` over several GPUs or processes, or plain python.

python scripts/train_tv2tv.py --config scripts/recipes/tv2tv-nano-4x4.yaml --out RUN [-o train.steps=100]
"""

from __future__ import annotations

import sys

from genreason.cli import main

if __name__ == "__main__":
    main(["train", "sft", *sys.argv[1:]])
