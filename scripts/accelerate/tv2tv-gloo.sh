#!/bin/sh
# Train in several processes on CPUs (2, or PROCESSES of them), joined by gloo. accelerate's own launcher would want MPI.
#   sh scripts/accelerate/tv2tv-gloo.sh --config scripts/recipes/tv2tv-nano.yaml --out RUN
ACCELERATE_USE_CPU=true exec python -m torch.distributed.run --standalone --nproc_per_node "${PROCESSES:-2}" \
  "$(dirname "$0")/../train_tv2tv.py" "$@"
