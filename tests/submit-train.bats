#!/usr/bin/env bats
# scripts/slurm/submit-train, as far as it goes without a Slurm; tests/long/slurm.bats runs it under one.
load helpers

setup() {
  submit=$BATS_TEST_DIRNAME/../scripts/slurm/submit-train
  cd "$BATS_TEST_TMPDIR"
  noise dead-leaves -n 10 --height 8 --width 8 -o many.npy
  noise dead-leaves -n 5 --height 8 --width 8 -o leaf-%d.npy
}

@test "submit-train --dry-run: an array and a merge that waits for it, with the options of sbatch; nothing is made" {
  "$submit" --dry-run --shards 3 --sbatch=--time=10 --sbatch --partition=long -o model.safetensors \
    gaussian --rank 2 -- many.npy leaf-?.npy >commands
  [ "$(wc -l <commands)" -eq 2 ]
  grep -qE '^array_0=\$\(sbatch --parsable --time=10 --partition=long --array=0-2 .*/train-array.sbatch .*/model.safetensors.slurm 0\)$' commands
  grep -qE '^merge_0=\$\(sbatch --parsable --time=10 --partition=long --dependency=afterok:\$array_0 .*/train-merge.sbatch .*/model.safetensors last\)$' commands
  [ ! -e model.safetensors.slurm ]
  # As many shards as files at most.
  "$submit" --dry-run --shards 40 -o model.safetensors gaussian -- many.npy leaf-0.npy | grep -q -- '--array=0-1 '
}

@test "submit-train --dry-run: each pass of a mixture waits for the model of the one before" {
  "$submit" --dry-run --shards 2 -o model.safetensors mixture --components 2 --passes 2 -- leaf-?.npy >commands
  [ "$(cut -d= -f1 commands | tr '\n' ' ')" = "array_0 merge_0 array_1 merge_1 array_2 merge_2 " ]
  grep -q '^array_2=.*--dependency=afterok:$merge_1 ' commands
  grep -q '^merge_1=.*/model-1.safetensors)$' commands
  train-linear mixture --components 2 leaf-?.npy -o start.safetensors
  "$submit" --dry-run -o model.safetensors mixture --start=start.safetensors --iterations 1 -- leaf-?.npy >commands
  [ "$(cut -d= -f1 commands | tr '\n' ' ')" = "array_1 merge_1 " ]
}

@test "submit-train: what is wrong is one line, and nothing is made" {
  fails_with 64 "$submit"
  fails_with 64 "$submit" --dry-run -o model.safetensors gaussian
  fails_with 64 "$submit" --dry-run gaussian -- many.npy
  fails_with 64 "$submit" --dry-run -o model.npy gaussian -- many.npy
  fails_with 64 "$submit" --dry-run --shards 0 -o model.safetensors gaussian -- many.npy
  fails_with 64 "$submit" --dry-run --shards
  fails_with 64 "$submit" --dry-run --rank 3 -o model.safetensors gaussian -- many.npy
  fails_with 64 "$submit" --dry-run -o model.safetensors gaussian --state x -- many.npy
  fails_with 64 "$submit" --dry-run -o model.safetensors gaussian --rank none -- many.npy
  fails_with 64 "$submit" --dry-run -o model.safetensors mixture --passes -1 -- many.npy
  fails_with 64 "$submit" --dry-run -o model.safetensors gaussian --split-report -- many.npy
  fails_with 64 "$submit" --dry-run -o model.safetensors merge -- many.npy
  fails_with 64 "$submit" --dry-run -o model.safetensors gaussian -- many.npy leaf-1.npy many.npy
  fails_with 66 "$submit" --dry-run -o model.safetensors gaussian -- many.npy absent.npy
  fails_with 66 "$submit" --dry-run -o model.safetensors mixture --start absent --iterations 2 -- many.npy
  fails_with 73 "$submit" --dry-run -o nowhere/model.safetensors gaussian -- many.npy
  mkdir model.safetensors.slurm
  fails_with 73 "$submit" --dry-run -o model.safetensors gaussian -- many.npy
  rmdir model.safetensors.slurm
  PATH=$BUILD/bin:/usr/bin:/bin fails_with 64 "$submit" --program no-such-program -o model.safetensors gaussian -- many.npy
  [ "$(ls)" = "$(printf '%s\n' fails.err fails.out leaf-{0,1,2,3,4}.npy many.npy)" ]
}

@test "submit-train: what it prepares: files of each shard, and the number of its first sample" {
  # A sbatch that only says which job it would be.
  mkdir bin
  printf '#!/bin/sh\necho "$(($(cat count) + 1))" >count\ncat count\n' >bin/sbatch
  chmod +x bin/sbatch
  echo 0 >count
  PATH=$PWD/bin:$PATH
  mv leaf-1.npy 'leaf 1.npy'
  "$submit" --shards 3 -o model.safetensors gaussian --rank 2 -- leaf-0.npy 'leaf 1.npy' many.npy leaf-2.npy leaf-3.npy leaf-4.npy >jobs
  [ "$(cat jobs)" = "$(printf 'array_0=1\nmerge_0=2')" ]
  [ "$(cat model.safetensors.slurm/first-{0,1,2} | tr '\n' ' ')" = "0 12 13 " ]
  mapfile -d '' -t files <model.safetensors.slurm/files-0
  [ "${#files[@]}" -eq 3 ] && [ "${files[1]}" = "$PWD/leaf 1.npy" ]
  mapfile -d '' -t command <model.safetensors.slurm/command
  [ "${command[*]:1}" = "gaussian --rank 2" ]
  [ "$(cat model.safetensors.slurm/shards)" = 3 ]
}

@test "submit-train: a job that sbatch does not take leaves nothing, and takes back the job before" {
  mkdir bin
  printf '#!/bin/sh\n[ ! -e taken ] || { echo "sbatch: no" >&2; exit 1; }\n: >taken\necho 7\n' >bin/sbatch
  printf '#!/bin/sh\necho "$@" >cancelled\n' >bin/scancel
  chmod +x bin/*
  PATH=$PWD/bin:$PATH
  status=0
  "$submit" -o model.safetensors gaussian -- many.npy >jobs 2>said || status=$?
  [ "$status" -eq 69 ]
  [ "$(cat cancelled)" = 7 ]
  grep -q '^submit-train: sbatch did not take merge_0' said
  [ ! -e model.safetensors.slurm ]
}
