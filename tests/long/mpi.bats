#!/usr/bin/env bats
# make MPI=1: train-linear and metric over the ranks of mpirun give what one process gives.
load ../helpers
load ../mpi

setup_file() {
  needs mpirun mpicxx
  without_sanitizers
  export MPI_BUILD=$BATS_FILE_TMPDIR/build
  mpi_build "$MPI_BUILD" train-linear metric noise
  cd "$BATS_FILE_TMPDIR"
  noise dead-leaves -n 1500 --height 12 --width 12 --rmin 2 -o all.nst
  tensor convert --dtype F64 all.nst -o double.safetensors
  tensor slice --to 700 double.safetensors -o first.npy
  tensor slice --from 700 double.safetensors -o second.safetensors
  noise gaussian --sigma 0.1 --seed 3 -k all.nst -o noisy.nst
  cat >models.py <<'END'
import json, sys, numpy as np

def load(path):
    raw = open(path, "rb").read()
    n = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8+n])
    metadata = header.pop("__metadata__")
    types = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "U8": "u1"}
    return metadata, {k: np.frombuffer(raw[8+n:][slice(*v["data_offsets"])], types[v["dtype"]]).reshape(v["shape"]) for k, v in header.items()}

(ours, one), (theirs, many) = map(load, sys.argv[2:])
assert ours.keys() == theirs.keys()
assert one.keys() == many.keys()
if sys.argv[1] == "moments":
    assert ours == theirs
    assert one["eigenvectors"].dtype == np.float64
    covariance = lambda t: (t["eigenvectors"].T * t["eigenvalues"]) @ t["eigenvectors"]
    for a, b in (one["mean"], many["mean"]), (covariance(one), covariance(many)):
        assert np.linalg.norm(a - b) <= 1e-12 * np.linalg.norm(a), np.linalg.norm(a - b) / np.linalg.norm(a)
else:  # a model of floats: their rounding; vectors of equal eigenvalues may turn
    for k in one:
        if "vectors" not in k:
            assert np.allclose(one[k], many[k], rtol=1e-4, atol=1e-6), k
END
}

setup() {
  PATH=$MPI_BUILD/bin:$PATH
  cd "$BATS_FILE_TMPDIR"
}

# ranks N COMMAND...
ranks() {
  local n=$1
  shift
  timeout -k 5 60 mpirun --quiet --allow-run-as-root --oversubscribe -n "$n" "$@"
}

alone() { "$BUILD/bin/$1" "${@:2}"; }

# same_moments A B: to 1e-12 (Frobenius norm), and the same metadata.
same_moments() { py models.py moments "$1" "$2"; }

# ends_with CODE COMMAND...: one line of ours (mpirun adds its own to any failure), nothing on standard output.
ends_with() {
  local expected=$1 status=0
  shift
  "$@" >out 2>err || status=$?
  [ "$status" -eq "$expected" ] || { echo "exit $status, expected $expected: $*" && cat err && return 1; }
  grep -E '^(train-linear|metric): ' err >ours
  one_line ours
  [ ! -s out ]
}

@test "MPI: linked with two programs if it was asked for, else with none" {
  for program in "$BUILD"/bin/*; do
    run ldd "$program"
    [[ $output != *libmpi* ]]
  done
  for program in train-linear metric; do
    run ldd "$MPI_BUILD/bin/$program"
    [[ $output == *libmpi* ]]
  done
  run ldd "$MPI_BUILD/bin/noise"
  [[ $output != *libmpi* ]]
  alone train-linear --version --json >version
  [ "$(value mpi version)" = none ]
  train-linear --version --json >version
  [ "$(value mpi version)" != none ]
}

@test "MPI: make finds it by the compiler mpicxx where there is no pkg-config, and refuses other values" {
  unset MAKEFLAGS MAKELEVEL
  make -n -C "$BATS_TEST_DIRNAME/../.." MPI=1 PKG_CONFIG=false BUILD="$PWD/none" "$PWD/none/bin/metric" >commands
  [ "$(grep -c -- -DNOISEUTILS_MPI commands)" -ge 1 ]
  grep -- '-DNOISEUTILS_MPI .*-c lib/base/rank_session.cpp' commands | grep -q -- '-isystem [^ ]*mpi'
  [ "$(grep -c -- '-DNOISEUTILS_MPI .*-c lib/base/ranks.cpp' commands)" -eq 0 ]
  grep -E '^g\+\+ .* -o [^ ]*none/bin/metric$' commands | grep -q -- '-lmpi'
  run make -s -C "$BATS_TEST_DIRNAME/../.." MPI=yes help
  [ "$status" -eq 2 ]
  [[ $output == *"MPI=yes is not 1 or 0"* ]]
}

@test "MPI: train-linear on 1, 2, 3 and 4 ranks equals the usual build to 1e-12, from several files" {
  needs numpy
  alone train-linear gaussian --shrink none first.npy second.safetensors -o whole.safetensors
  for n in 1 2 3 4; do
    ranks $n train-linear gaussian --shrink none first.npy second.safetensors -o "ranks-$n.safetensors"
    same_moments whole.safetensors "ranks-$n.safetensors"
  done
  # Blocks that do not begin with the first sample; and fewer images than ranks.
  alone train-linear gaussian --shrink none --first-index 100 first.npy -o offset.safetensors
  ranks 4 train-linear gaussian --shrink none --first-index 100 first.npy -o offset-4.safetensors
  same_moments offset.safetensors offset-4.safetensors
  tensor slice --to 3 double.safetensors -o three.safetensors
  alone train-linear gaussian --patch 8 --shrink none three.safetensors -o patches.safetensors
  ranks 4 train-linear gaussian --patch 8 --shrink none three.safetensors -o patches-4.safetensors
  same_moments patches.safetensors patches-4.safetensors
}

@test "MPI: the state that ranks write merges with those of others" {
  needs numpy
  alone train-linear gaussian --shrink none first.npy second.safetensors --no-history -o whole.safetensors
  ranks 2 train-linear gaussian --shrink none --state one.safetensors first.npy
  ranks 3 train-linear gaussian --shrink none --first-index 700 --state two.safetensors second.safetensors
  alone train-linear merge two.safetensors one.safetensors --no-history -o merged.safetensors
  same_moments whole.safetensors merged.safetensors
}

@test "MPI: samples that are there twice, and ranks whose samples are all left out, are as of one process" {
  needs numpy
  py - <<'END'
import numpy as np
a = np.random.default_rng(1).normal(size=(1024, 4))
a[256:512] = a[:256]
np.save("twice.npy", a)
a[512:] = np.nan
np.save("half.npy", a)
END
  alone train-linear gaussian --shrink none twice.npy --axes NC -o twice.safetensors
  ranks 4 train-linear gaussian --shrink none twice.npy --axes NC -o twice-4.safetensors
  same_moments twice.safetensors twice-4.safetensors
  alone train-linear gaussian --shrink none --skip-bad half.npy --axes NC -o half.safetensors 2>said
  ranks 4 train-linear gaussian --shrink none --skip-bad half.npy --axes NC -o half-4.safetensors 2>said-4
  same_moments half.safetensors half-4.safetensors
  grep -q 'left out 512 samples' said
  cmp said said-4
}

@test "MPI: every kind of model that ranks learn is that of one process" {
  needs numpy
  for kind in stationary kronecker 'regression --loss supervised' 'regression --loss sure' \
    'mixture --components 3 --size-sample 500 --iterations 5' 'empirical --use clean' features 'gaussian --sketch 8' 'sgd --use clean --level 0.1 --steps 20'; do
    # shellcheck disable=SC2086
    alone train-linear $kind noisy.nst -o one.safetensors
    # shellcheck disable=SC2086
    ranks 3 train-linear $kind noisy.nst -o three.safetensors
    py models.py floats one.safetensors three.safetensors || { echo "$kind" && return 1; }
  done
}

@test "MPI: metric's rows are those of one process byte for byte, its summary to rounding" {
  alone metric mse psnr ssim noisy.nst -o whole.json
  alone metric mse psnr ssim noisy.nst --summary --format json >summary
  for n in 1 2 4; do
    ranks $n metric mse psnr ssim noisy.nst --state "state-$n" -o "rows-$n.json"
    cmp whole.json "rows-$n.json"
    ranks $n metric mse psnr ssim noisy.nst --summary --format json >"summary-$n"
    alone metric merge "state-$n" --format json >"merged-$n"
    for key in samples mse psnr ssim psnr_mean_stderr; do
      close_to "$(value $key summary)" "$(value $key "summary-$n")" 1e-11
      close_to "$(value $key summary)" "$(value $key "merged-$n")" 1e-11
    done
  done
  # References of their own are dealt out alike.
  alone metric mse noisy.nst --reference all.nst --format csv -o whole.csv
  ranks 3 metric mse noisy.nst --reference all.nst --format csv -o ranks.csv
  cmp whole.csv ranks.csv
}

@test "MPI: figures below a threshold are counted over all ranks, and told once" {
  run alone metric psnr noisy.nst --min-psnr 20 -o below
  [ "$status" -eq 1 ]
  alone_said=$output
  run ranks 3 metric psnr noisy.nst --min-psnr 20 -o below
  [ "$status" -eq 1 ]
  [ "$(grep -c 'below the threshold' <<<"$output")" -eq 1 ]
  [[ $output == *"$alone_said"* ]]
}

@test "MPI: what is wrong for all ranks, or met by one, is one line, the exit code, and no file" {
  needs numpy
  ends_with 64 ranks 3 train-linear gaussian --patch 0 all.nst -o none.safetensors
  ends_with 66 ranks 3 train-linear gaussian all.nst nothing.nst -o none.safetensors
  ends_with 73 ranks 2 train-linear gaussian all.nst -o nowhere/none.safetensors
  ends_with 64 ranks 2 train-linear gaussian -o none.safetensors <all.nst
  grep -q 'standard input has one reader only' ours
  ends_with 64 ranks 2 train-linear merge one.safetensors two.safetensors -o none.safetensors
  ends_with 64 ranks 2 metric psnr --per-record noisy.nst
  ends_with 65 ranks 2 metric psnr noisy.nst --reference first.npy
  # One bad sample of 1500, in the share of the last rank: it is named by its number among all.
  py - <<'END'
import numpy as np
a = np.random.default_rng(0).normal(size=(1500, 12, 12)).astype("f4")
a[1499, 3, 4] = np.nan
np.save("bad.npy", a)
END
  ends_with 65 ranks 3 train-linear gaussian bad.npy -o none.safetensors
  grep -q 'sample 1499' ours
  [ -z "$(ls none.* 2>/dev/null)" ] || { ls -l none.* && return 1; }
}

@test "MPI: stopped by SIGUSR1 each rank leaves its checkpoint, and --resume ends in the bytes of the run that was not" {
  noise dead-leaves -n 24 --height 192 --width 192 -o photos.nst
  learn() { ranks 2 train-linear gaussian --patch 16 photos.nst "$@"; }
  learn -o whole.safetensors
  status=0
  # mpirun hands the signal on. At every batch of one image there is time to notice it.
  learn --checkpoint stopped.ckpt --every 1h -o stopped.safetensors 2>err &
  for _ in {1..100}; do ! pgrep -f 'stopped[.]ckpt' >/dev/null || break; sleep 0.05; done
  sleep 0.7
  pkill -USR1 -x -f 'mpirun --quiet .*stopped[.]ckpt.*' || true
  wait $! || status=$?
  if [ "$status" -eq 75 ]; then
    [ -s stopped.ckpt.0 ] && [ -s stopped.ckpt.1 ] && [ ! -e stopped.safetensors ]
    grep -E '^train-linear: ' err >ours
    one_line ours
    ends_with 65 ranks 3 train-linear gaussian --patch 16 photos.nst --checkpoint stopped.ckpt --resume -o stopped.safetensors
    grep -q 'mpirun -n' ours
    rm -f stopped.ckpt.2* # that of the third rank, which had begun
  fi
  [ "$status" -eq 75 ] || [ "$status" -eq 0 ]
  learn --checkpoint stopped.ckpt --resume -o stopped.safetensors
  cmp whole.safetensors stopped.safetensors
  [ -z "$(ls stopped.ckpt* 2>/dev/null)" ]
}

@test "MPI: a rank that is killed ends all, and leaves no file" {
  noise dead-leaves -n 24 --height 256 --width 256 -o large.nst
  cat >rank <<'END'
#!/usr/bin/env bash
[ "${OMPI_COMM_WORLD_RANK-${PMI_RANK-}}" != 1 ] || { sleep 1 && kill -9 $$; } &
exec "$@"
END
  chmod +x rank
  status=0
  SECONDS=0 # a minute of work, if it were not for the killer
  ranks 2 ./rank train-linear gaussian --patch 32 large.nst -o killed.safetensors 2>err || status=$?
  [ "$status" -ne 0 ] && [ "$status" -ne 124 ]
  [ "$SECONDS" -lt 20 ]
  [ -z "$(ls killed* 2>/dev/null)" ]
}
