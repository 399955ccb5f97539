#!/usr/bin/env bats
# train-linear over shards: what is missing, there twice, or of another run is said by name.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 600 --height 5 --width 4 --rmin 1 --rmax 8 -o all.npy
  for i in 0 1 2 3 4 5; do
    tensor slice --from $((100 * i)) --to $((100 * i + 100)) all.npy -o "shard-$i.npy"
    train-linear gaussian --no-history --first-index $((100 * i)) --state "part-$i.safetensors" "shard-$i.npy"
    train-linear gaussian --no-history --unnumbered --state "loose-$i.safetensors" "shard-$i.npy"
  done
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

@test "--expect: as many shards as there should be, or what is missing" {
  train-linear merge --expect 6 part-*.safetensors -o all.safetensors
  fails_with 65 train-linear merge --expect 6 part-5.safetensors part-[023].safetensors -o out.safetensors
  grep -q '4 of 6 shards are there: samples 100 to 199, 400 to 499 are missing' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 65 train-linear merge --expect 6 part-[01234].safetensors -o out.safetensors
  grep -q '5 of 6 shards are there: a shard after sample 499 is missing' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 65 train-linear merge --expect 6 loose-[01234].safetensors -o out.safetensors
  fails_with 65 train-linear merge --expect 4 part-*.safetensors -o out.safetensors
  grep -q '6 shards are there, 4 expected' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 64 train-linear merge --expect 0 part-*.safetensors -o out.safetensors
  [ ! -e out.safetensors ]
}

@test "a shard that is there twice is refused: by its numbers, or by its content" {
  fails_with 65 train-linear merge part-*.safetensors part-2.safetensors -o out.safetensors
  grep -q 'part-2.safetensors: samples 200 to 299 are there already' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 65 train-linear merge loose-*.safetensors loose-2.safetensors -o out.safetensors
  grep -q 'loose-2.safetensors: is of the same samples as loose-2.safetensors' "$BATS_TEST_TMPDIR/fails.err"
  # The same samples under other numbers: the array job that read the wrong share.
  train-linear gaussian --first-index 600 --state wrong.safetensors shard-4.npy
  fails_with 65 train-linear merge part-*.safetensors wrong.safetensors -o out.safetensors
  grep -q 'wrong.safetensors: is of the same samples as part-4.safetensors' "$BATS_TEST_TMPDIR/fails.err"
  # Beyond the 4096 hashes that a state keeps.
  noise dead-leaves -n 9000 --seed 3 --height 2 --width 2 --rmin 1 -o many.npy
  tensor cat many.npy | train-linear gaussian --unnumbered --state many-0.safetensors
  train-linear gaussian --unnumbered --state many-1.safetensors many.npy
  fails_with 65 train-linear merge many-0.safetensors many-1.safetensors -o out.safetensors
  [ ! -e out.safetensors ]
  # Some samples in common are not an error where numbers are unknown, but are said.
  tensor slice --from 50 --to 150 all.npy | train-linear gaussian --unnumbered --state across.safetensors
  train-linear merge loose-0.safetensors across.safetensors -o out.safetensors 2>err
  one_line err
  grep -q 'across.safetensors: 50 of its samples are there already' err
  rm out.safetensors
}

@test "any order and any tree of merges gives the single run to 1e-12, shards without numbers to 1e-6" {
  needs numpy
  train-linear gaussian --state single.safetensors all.npy
  train-linear merge part-5.safetensors part-0.safetensors part-3.safetensors --state left.safetensors
  train-linear merge part-4.safetensors part-2.safetensors part-1.safetensors --state right.safetensors
  train-linear merge --expect 6 right.safetensors left.safetensors --state tree.safetensors
  train-linear merge loose-3.safetensors loose-[01245].safetensors --state loose.safetensors
  py - <<'END_OF_PYTHON'
import json, numpy as np
def moments(path):
    raw = open(path, "rb").read(); n = int.from_bytes(raw[:8], "little"); h = json.loads(raw[8:8+n]); h.pop("__metadata__")
    t = {k: np.frombuffer(raw[8+n:][slice(*v["data_offsets"])], {"F64": "<f8", "F32": "<f4", "I64": "<i8"}[v["dtype"]]).reshape(v["shape"]) for k, v in h.items()}
    d = t["mean"].size; s = np.zeros((d, d)); i = np.triu_indices(d)
    s.T[np.tril_indices(d)] = t["scatter"]  # upper triangle, column after column
    s = np.triu(s) + np.triu(s, 1).T
    e = t["edge_rows"].astype(float); count, mean = int(t["count"]), t["mean"]
    total = count + len(e); m = (count * mean + e.sum(0)) / total
    second = s + count * np.outer(mean - m, mean - m) + (e - m).T @ (e - m)
    return total, m, second / total
x = np.load("all.npy").reshape(600, 20).astype(float)
direct = (600, x.mean(0), np.cov(x.T, bias=True))
single = moments("single.safetensors")
for path, reference, bound in (("single.safetensors", direct, 1e-6), ("tree.safetensors", single, 1e-12), ("loose.safetensors", direct, 1e-6), ("loose.safetensors", single, 1e-6)):
    found = moments(path)
    assert found[0] == 600
    for a, b in zip(found[1:], reference[1:]): assert np.linalg.norm(a - b) <= bound * np.linalg.norm(b), (path, np.linalg.norm(a - b) / np.linalg.norm(b))
END_OF_PYTHON
}

@test "states of different runs, dimensions, types or noise models are refused, naming the difference" {
  refused() { # WORD: what the line must say
    fails_with 65 train-linear merge part-0.safetensors other.safetensors -o out.safetensors
    grep -q "other.safetensors: .*$1" "$BATS_TEST_TMPDIR/fails.err"
    [ ! -e out.safetensors ]
  }
  learn() { train-linear "$@" --first-index 5000 --state other.safetensors; }
  learn stationary shard-1.npy
  refused 'kind stationary, the states before have gaussian'
  learn gaussian --rank 3 shard-1.npy
  refused '--rank 3, the states before have no --rank'
  learn gaussian --patch 2 shard-1.npy
  refused 'patch 2'
  noise dead-leaves -n 10 --height 6 --width 4 -o wide.npy
  learn gaussian wide.npy
  refused 'shape \[6,4\], the states before have \[5,4\]'
  noise dead-leaves -n 10 --height 5 --width 4 | tensor convert --dtype F64 -o double.npy
  learn gaussian double.npy
  refused 'type F64'
  noise gaussian --sigma 0.1 shard-1.npy | learn gaussian
  refused noisy
  for i in 0 1; do noise gaussian --sigma 0.$((i + 1)) shard-$i.npy -o noisy-$i.nst; done
  train-linear gaussian --state noisy-0.safetensors noisy-0.nst
  train-linear gaussian --state noisy-1.safetensors --first-index 100 noisy-1.nst
  train-linear merge noisy-?.safetensors -o levels.safetensors # of several levels: the mean variance is taken off
  noise poisson --peak 30 shard-1.npy | train-linear gaussian --first-index 200 --state noisy-2.safetensors
  fails_with 65 train-linear merge noisy-?.safetensors -o out.safetensors
  grep -q 'noisy-2.safetensors: has poisson noise, the states before have gaussian' "$BATS_TEST_TMPDIR/fails.err"
  learn gaussian --axes NCD shard-1.npy
  refused axes
  fails_with 65 train-linear merge shard-0.npy -o out.safetensors
  (tensor split shard-1.npy && sleep 2) |
    fails_with 75 timeout --preserve-status 1 train-linear gaussian --checkpoint run.ckpt --state other.safetensors --first-index 100
  fails_with 65 train-linear merge part-0.safetensors run.ckpt -o out.safetensors
  grep -q 'run.ckpt: is the checkpoint of a run that has not ended' "$BATS_TEST_TMPDIR/fails.err"
  fails_with 66 train-linear merge part-0.safetensors nowhere.safetensors -o out.safetensors
  head -c 3000 part-1.safetensors >cut.safetensors
  fails_with 65 train-linear merge part-0.safetensors cut.safetensors -o out.safetensors
  fails_with 64 train-linear gaussian --unnumbered --first-index 3 shard-0.npy -o out.safetensors
  [ ! -e out.safetensors ]
}

@test "skipped samples of shards are counted together, and moments are those of the single run to 1e-12" {
  needs numpy
  py -c "import numpy as np
for i in 0, 1:
    x = np.load(f'shard-{i}.npy').copy(); x[3 + i] = np.nan; np.save(f'bad-{i}.npy', x)"
  for i in 0 1; do
    train-linear gaussian --skip-bad --first-index $((100 * i)) --state bad-$i.safetensors bad-$i.npy 2>/dev/null
  done
  train-linear merge --expect 2 bad-?.safetensors -o both.safetensors
  tensor info --json both.safetensors | jq -e '.samples_skipped == "2" and .model_count == "198"'
  # One in seven: were blocks to wait for them, every row would be kept.
  py -c "import numpy as np
x = np.load('all.npy').copy(); x[::7, 1] = np.nan; np.save('seventh.npy', x)
for i in range(3): np.save(f'seventh-{i}.npy', x[200 * i:200 * i + 200])"
  train-linear gaussian --skip-bad --state seventh.safetensors seventh.npy 2>/dev/null
  for i in 0 1 2; do
    train-linear gaussian --skip-bad --first-index $((200 * i)) --state seventh-$i.safetensors seventh-$i.npy 2>/dev/null
  done
  train-linear merge seventh-[201].safetensors --state merged.safetensors
  py - <<END_OF_PYTHON
$READ_RECORD
a, b = read("seventh.safetensors"), read("merged.safetensors")
assert a["count"] == b["count"] and a["edge_index"].tolist() == b["edge_index"].tolist() and len(a["edge_index"]) < 256
for k in "mean", "scatter": assert np.linalg.norm(a[k] - b[k]) <= 1e-12 * np.linalg.norm(a[k])
END_OF_PYTHON
}

@test "a hole in the numbers is told where a model is made and nobody counts" {
  train-linear merge part-[0135].safetensors -o hole.safetensors 2>err
  diff err - <<<"train-linear: warning: samples 200 to 299, 400 to 499 are missing (--expect N refuses)"
  train-linear merge part-[12].safetensors --state hole.safetensors 2>err
  [ ! -s err ]
  train-linear merge part-?.safetensors -o whole.safetensors 2>err
  [ ! -s err ]
  tensor slice --from 101 --to 200 all.npy | train-linear gaussian --first-index 101 --state late.safetensors
  fails_with 65 train-linear merge --expect 3 part-0.safetensors late.safetensors -o out.safetensors
  grep -q '2 of 3 shards are there: sample 100 is missing$' "$BATS_TEST_TMPDIR/fails.err"
}

@test "a state is not overwritten by what is made of it, whatever its name" {
  cp part-0.safetensors kept.safetensors
  ln -sf kept.safetensors alias.safetensors
  for option in -o --state; do
    fails_with 64 train-linear merge kept.safetensors part-1.safetensors $option alias.safetensors
    grep -q 'alias.safetensors is one of the states to merge' "$BATS_TEST_TMPDIR/fails.err"
  done
  cmp kept.safetensors part-0.safetensors
}

@test "merge of nothing says what it takes" {
  fails_with 65 train-linear merge -o out.safetensors </dev/null
  grep -q 'name the files that --state wrote' "$BATS_TEST_TMPDIR/fails.err"
}
