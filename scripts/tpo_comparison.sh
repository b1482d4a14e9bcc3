#!/usr/bin/env bash
# Test-time methods on TV2TV nano at equal cost: `scripts/tpo_comparison.sh OUT [PUZZLES]` writes OUT/report and
# OUT/tables.md. Killed or not, the same command goes on. About an hour on two cores with 300 puzzles.
set -euo pipefail
out=${1:?give a folder}
n=${2:-300}
level=${LEVEL:-large}
model=${MODEL:-tv2tv-nano}
heat="-o temperature=${TEMPERATURE:-1.0}"
[ -d "$out/data" ] || genreason make maze --level "$level" --n "$n" --split test --no-truth --out "$out/data"

spend() { # spend NAME METHOD VIDEOS SEED [OPTIONS]
  local name=$1 method=$2 videos=$3 seed=$4
  shift 4
  # shellcheck disable=SC2086
  genreason tpo "$method" "$model" --data "$out/data" --out "$out/$name-$seed" --videos "$videos" --seed "$seed" \
    --no-floors $heat "$@"
}

for seed in 0 1 2; do
  spend best best-of-n 16 "$seed" -o method.stop=true
  spend refine refine 16 "$seed"
  spend videotpo videotpo 5 "$seed"
done
spend untold refine 16 0 -o corrections=false
spend all best-of-n 16 0
for noise in 0.05 0.1 0.2; do
  spend "best-$noise" best-of-n 8 0 -o method.stop=true --noise "$noise"
  spend "refine-$noise" refine 8 0 --noise "$noise"
done
# shellcheck disable=SC2046
genreason report $(ls -d "$out"/*-[0-9] | sort) --out "$out/report"
python "$(dirname "$0")/tpo_tables.py" "$out/report/report.json" >"$out/tables.md"
