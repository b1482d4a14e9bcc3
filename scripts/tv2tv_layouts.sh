#!/usr/bin/env bash
# What words are worth: one model and one budget, told in several ways, judged on puzzles that were never seen.
#   scripts/tv2tv_layouts.sh OUT [rooms] [sizes] [sokoban] [samples] [guidance]     no name: rooms
# writes OUT/NAME/tables.md. Killed or not, the same command goes on. SEEDS="0 1 2" and PUZZLES=300 may be given.
# A seed takes one core: rooms an hour and a half, sizes two hours, sokoban an hour and a half, samples 40 minutes,
# guidance 20.
set -euo pipefail
all=${1:?give a folder}
seeds=${SEEDS:-0 1 2}
puzzles=${PUZZLES:-300}
recipe=scripts/recipes/tv2tv-layouts.yaml
plain='styles: [classic, paper], held_out: 2000'
four="rooms: 4, $plain, pixels: {112: 1.0}"
export OMP_NUM_THREADS=1

made() { # made NAME TASK LEVEL N [OPTIONS]
  [ -f "$out/data/$1/manifest.json" ] ||
    genreason make "$2" --level "$3" --n "$4" --split test --no-truth --out "$out/data/$1" "${@:5}"
}

trained() { # trained ARM SEED [OPTIONS]
  [ -d "$out/$1-$2/model" ] || genreason train sft --config "$recipe" --out "$out/$1-$2" -o seed="$2" "${@:3}"
}

three() { # three SEED [OPTIONS]: words before each frame, all words first, no words
  trained tv2tv "$@"
  trained think2v "$@" -o mode=think2v
  trained t2v "$@" -o mode=t2v -o think=0 -o astray=0
}

judged() { # judged RUN NAME DATA [OPTIONS]
  local result="$out/judged/$2"
  genreason generate "$out/$1/model" --data "$out/data/$3" --out "$result" "${@:4}"
  genreason judge rules --run "$result"
}

injected() { # injected ARM SEED: words put in before their frame, and into the list of words where there is one
  local where
  for where in midway plan; do
    local lines="$out/judged/$1-$2.$where.jsonl"
    [ "$1-$where" = tv2tv-plan ] || [ -f "$lines" ] ||
      python scripts/injected.py "$out/judged/$1-$2" --generator "$out/$1-$2/model" --where "$where" --out "$lines"
  done
}

rooms() { # 4x4 rooms, with Euler steps, and with styles and sizes that were not learnt
  made small maze small "$puzzles" --style classic
  made styles maze small 240
  made easy maze easy 100 --style classic
  made medium maze medium 100 --style classic
  three "$1"
  trained moves "$1" -o think=0 -o astray=0 -o "worlds=[{plan: none, $four}]"
  local arm steps
  for arm in tv2tv think2v t2v moves; do judged "$arm-$1" "$arm-$1" small; done
  injected tv2tv "$1"
  injected think2v "$1"
  for steps in 1 4 8; do
    for arm in tv2tv t2v; do judged "$arm-$1" "$arm-$1.steps-$steps" small -o steps="$steps"; done
  done
  judged "tv2tv-$1" "tv2tv-$1.styles" styles
  judged "tv2tv-$1" "tv2tv-$1.easy" easy -o grids='[[3,3]]'
  judged "tv2tv-$1" "tv2tv-$1.medium" medium -o grids='[[5,5]]'
}

sizes() { # 4x4, 5x5 and 6x6 rooms in one model
  local worlds="[{rooms: 4, weight: 0.2, $plain, pixels: {112: 0.7, 256: 0.3}},
    {rooms: 5, weight: 0.3, $plain, pixels: {128: 0.7, 256: 0.3}},
    {rooms: 6, weight: 0.5, $plain, pixels: {160: 0.7, 256: 0.3}}]"
  three "$1" -o "worlds=$worlds" -o most_steps=18 -o misread=0 -o train.steps=6400 -o validation.data=[]
  local arm level side
  for arm in tv2tv think2v t2v; do
    for level in small:4 medium:5 large:6; do
      side=${level#*:} level=${level%:*}
      made "$level" maze "$level" "$puzzles" --style classic
      judged "$arm-$1" "$arm-$1.$level" "$level" -o grids="[[$side,$side]]"
    done
  done
}

sokoban() { # one box on 6x6 tiles
  made small sokoban small "$puzzles" --style classic
  three "$1" -o 'worlds=[{task: sokoban, rooms: 6, styles: [classic, contrast], pixels: {112: 1.0}}]' \
    -o most_steps=14 -o train.steps=4800 -o train.validate_every=1600 \
    -o 'validation.data=[{task: sokoban, level: small, style: classic, split: val, n: 100}]'
  local arm
  for arm in tv2tv think2v t2v; do judged "$arm-$1" "$arm-$1" small; done
  injected tv2tv "$1"
  injected think2v "$1"
}

samples() { # 4x4 rooms: so many different puzzles are learnt from (in `rooms`: no end of them)
  made small maze small "$puzzles" --style classic
  local few
  for few in 100 1000 10000; do
    trained "few-$few" "$1" -o "worlds=[{puzzles: $few, $four}]"
    judged "few-$few-$1" "few-$few-$1" small
  done
}

guidance() { # 4x4 rooms: the words of one clip in ten are left out, so that frames can be led by them
  made small maze small "$puzzles" --style classic
  trained guided "$1" -o text_dropout=0.1
  local scale
  for scale in 1 1.5 2 3 5; do judged "guided-$1" "guided-$1.scale-$scale" small -o guidance="$scale"; done
}

shift
[ $# -gt 0 ] || set -- rooms
for name; do
  case $name in rooms | sizes | sokoban | samples | guidance) ;; *) echo "error: no $name: see $0" >&2 && exit 2 ;; esac
done
for name; do
  out=$all/$name
  mkdir -p "$out"
  for seed in $seeds; do "$name" "$seed"; done
  python scripts/tv2tv_layout_tables.py "$out" | tee "$out/tables.md"
done
