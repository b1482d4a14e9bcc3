#!/usr/bin/env bash
# Test-time methods on TV2TV nano at equal cost: `scripts/tpo_comparison.sh OUT [PUZZLES]` writes reports with tables
# and charts to OUT/report, OUT/noise and OUT/parts. Killed or not, the same command goes on. About two hours on one
# core with 300 puzzles.
set -euo pipefail
out=${1:?give a folder}
n=${2:-300}
level=${LEVEL:-large}
model=${MODEL:-tv2tv-nano-v2}
heat="-o temperature=${TEMPERATURE:-1.0}"
[ -d "$out/data" ] || genreason make maze --level "$level" --n "$n" --split test --no-truth --out "$out/data"
[ -d "$out/val" ] || genreason make maze --level "$level" --n 64 --split val --no-truth --out "$out/val"
data=$out/data

spend() { # spend NAME METHOD VIDEOS SEED [OPTIONS]
  local name=$1 method=$2 videos=$3 seed=$4
  shift 4
  # shellcheck disable=SC2086
  genreason tpo "$method" "$model" --data "$data" --out "$out/$name-$seed" --videos "$videos" --seed "$seed" \
    --no-floors $heat "$@"
}

for seed in 0 1 2; do
  spend best best-of-n 16 "$seed" -o method.stop=true
  spend refine refine 16 "$seed"
  spend videotpo videotpo 5 "$seed"
done
spend all best-of-n 8 0 # never stops: pass@k
# A judge that errs.
for noise in 0.05 0.1 0.2; do
  spend "best-$noise" best-of-n 8 0 -o method.stop=true --noise "$noise"
  spend "refine-$noise" refine 8 0 --noise "$noise"
done
# What each part of refine brings, on puzzles of val.
data=$out/val
spend one best-of-n 8 0 -o method.stop=true
spend drafts best-of-n 8 0 -o method.stop=true -o drafts=6
spend bans refine 8 0 -o method.drafts=1 -o turns=false
spend noviews refine 8 0 -o turns=false
spend whole refine 8 0
spend middle refine 8 0 -o method.patience=2

scripts=$(realpath "$(dirname "$0")")
cd "$out"
table() { # table NAME RUN...
  local name=$1
  shift
  genreason report "$@" --out "$name"
  python "$scripts/tpo_tables.py" "$name/report.json" "$name/chart.svg" >"$name/tables.md"
}

table report best-[0-9] refine-[0-9] videotpo-[0-9] all-0
table noise best-0.* refine-0.*
table parts one-0 drafts-0 bans-0 noviews-0 whole-0 middle-0
