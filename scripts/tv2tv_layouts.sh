#!/usr/bin/env bash
# What words are worth: one model and one budget, told in four ways, three seeds each, judged on mazes that were never
# seen. `scripts/tv2tv_layouts.sh OUT [PUZZLES]` writes OUT/tables.md. Killed or not, the same command goes on.
# Twelve runs of 12 minutes on one core, and an hour to judge them.
set -euo pipefail
out=${1:?give a folder}
n=${2:-300}
recipe=scripts/recipes/tv2tv-layouts.yaml
bare='[{rooms: 4, held_out: 2000, styles: [classic, paper], pixels: {112: 1.0}, plan: none}]'
export OMP_NUM_THREADS=1

made() { # made NAME LEVEL N [OPTIONS]
  local name=$1 level=$2 count=$3
  shift 3
  [ -f "$out/data/$name/manifest.json" ] ||
    genreason make maze --level "$level" --n "$count" --split test --no-truth --out "$out/data/$name" "$@"
}

trained() { # trained ARM SEED [OPTIONS]
  local name=$1-$2
  [ -d "$out/$name/model" ] || genreason train sft --config "$recipe" --out "$out/$name" -o seed="$2" "${@:3}"
}

judged() { # judged RUN NAME DATA [OPTIONS]
  local run=$1 data=$3 result="$out/judged/$2"
  shift 3
  genreason generate "$out/$run/model" --data "$out/data/$data" --out "$result" "$@"
  genreason judge rules --run "$result"
}

injected() { # injected RUN WHERE
  local lines="$out/judged/$1.$2.jsonl"
  [ -f "$lines" ] ||
    python scripts/injected.py "$out/judged/$1" --generator "$out/$1/model" --where "$2" --out "$lines"
}

made small small "$n" --style classic
made styles small 240
made easy easy 100 --style classic
made medium medium 100 --style classic
for seed in 0 1 2; do
  trained tv2tv "$seed"
  trained think2v "$seed" -o mode=think2v
  trained t2v "$seed" -o mode=t2v -o think=0 -o astray=0
  trained moves "$seed" -o think=0 -o astray=0 -o "worlds=$bare"
  for arm in tv2tv think2v t2v moves; do judged "$arm-$seed" "$arm-$seed" small; done
  injected "tv2tv-$seed" midway
  injected "think2v-$seed" midway
  injected "think2v-$seed" plan
  for steps in 1 4 8; do
    judged "tv2tv-$seed" "tv2tv-$seed.steps-$steps" small -o steps="$steps"
    judged "t2v-$seed" "t2v-$seed.steps-$steps" small -o steps="$steps"
  done
  judged "tv2tv-$seed" "tv2tv-$seed.styles" styles
  judged "tv2tv-$seed" "tv2tv-$seed.easy" easy -o grids='[[3,3]]'
  judged "tv2tv-$seed" "tv2tv-$seed.medium" medium -o grids='[[5,5]]'
done
python scripts/tv2tv_layout_tables.py "$out" | tee "$out/tables.md"
