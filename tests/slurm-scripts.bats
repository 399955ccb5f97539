#!/usr/bin/env bats
# The scripts that Slurm runs, stopped at bad moments; without a Slurm. tests/long/slurm.bats runs them under one.
load helpers

setup() {
  scripts=$BATS_TEST_DIRNAME/../scripts/slurm
  cd "$BATS_TEST_TMPDIR" || return
  mkdir fake work
  printf '#!/usr/bin/env bash\necho "$@" >>"%s/requeued"\n' "$PWD" >fake/scontrol
  cat >fake/learn <<'LEARN'
#!/usr/bin/env bash
trap 'exit 75' TERM
: >started
echo $$ >learn.pid
for _ in {1..200}; do sleep 0.05; done
LEARN
  chmod +x fake/*
  PATH=$PWD/fake:$PATH
  export SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_JOB_ID=17
  printf '%s\0' learn gaussian >work/command
  printf '%s\0' some.nst >work/files-0
  echo 0 >work/first-0
  echo 1s >work/every
}

@test "train-array: a signal before the program is there queues the task again, and starts nothing" {
  # rm is what the script calls before it starts the program.
  cat >fake/rm <<'RM'
#!/usr/bin/env bash
kill -TERM $PPID
exec /bin/rm "$@"
RM
  chmod +x fake/rm
  status=0
  "$scripts/train-array.sbatch" work || status=$?
  [ "$status" -eq 75 ]
  [ "$(<requeued)" = "requeue 17_0" ]
  [ ! -e started ]
  [ ! -e work/status-task-0-0 ]
}

@test "train-array: a program that ends while the signal is handed on is queued again" {
  # After each kill of the script there is time for the program to end.
  # shellcheck disable=SC2016
  echo 'kill() { builtin kill "$@"; local code=$?; sleep 0.3; return $code; }' >slow-kill
  BASH_ENV=$PWD/slow-kill "$scripts/train-array.sbatch" work 3>&- &
  job=$!
  for _ in {1..200}; do [ ! -s learn.pid ] || break; sleep 0.02; done
  kill -TERM $job
  status=0
  wait $job || status=$?
  [ "$status" -eq 75 ]
  [ "$(<requeued)" = "requeue 17_0" ]
}

@test "train-array: a program that the signal finds before it can keep a checkpoint is queued again, one that keeps none is not" {
  sed -i '/^trap/d' fake/learn
  for every in 1s ''; do
    rm -f learn.pid requeued
    printf '%s' "$every" >work/every
    "$scripts/train-array.sbatch" work 3>&- &
    job=$!
    for _ in {1..200}; do [ ! -s learn.pid ] || break; sleep 0.02; done
    kill -TERM $job
    status=0
    wait $job || status=$?
    if [ -n "$every" ]; then
      [ "$status" -eq 75 ] && [ "$(<requeued)" = "requeue 17_0" ]
    else
      [ "$status" -eq 143 ] && [ ! -e requeued ] && [ "$(<work/status-task-0-0)" = 143 ]
    fi
  done
}

@test "train-merge: one that died while it removed its parts removes the rest the second time, and keeps the model" {
  noise dead-leaves -n 20 --height 4 --width 4 -o all.nst
  for shard in 0 1; do
    tensor slice --from $((10 * shard)) --to $((10 * shard + 10)) all.nst -o part.nst
    train-linear gaussian --first-index $((10 * shard)) --state "work/part-0-$shard.safetensors" part.nst
  done
  printf '%s\0' train-linear gaussian >work/command
  echo 2 >work/shards
  : >work/checkpoint-0-1.safetensors
  # The first call removes one file and ends the job, as a node that dies.
  cat >fake/rm <<'RM'
#!/usr/bin/env bash
[ -e died ] && exec /bin/rm "$@"
: >died
/bin/rm -f work/part-0-0.safetensors
kill -KILL $PPID
RM
  chmod +x fake/rm
  status=0
  "$scripts/train-merge.sbatch" work 0 model.safetensors last || status=$?
  [ "$status" -eq 137 ]
  [ -e model.safetensors ] && [ -e work/part-0-1.safetensors ]
  cp model.safetensors first.safetensors
  "$scripts/train-merge.sbatch" work 0 model.safetensors last
  cmp first.safetensors model.safetensors
  [ ! -e work ]
}
