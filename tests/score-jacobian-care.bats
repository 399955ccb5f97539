#!/usr/bin/env bats
# score: what is not finite, vectors of array jobs, searches that do not settle, which sample failed.
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 200 --seed 4 --height 6 --width 5 | tensor convert --dtype F64 -o leaves.nst
  train-linear gaussian --shrink none leaves.nst -o model.safetensors
  train-linear mixture --components 2 leaves.nst -o mixture.safetensors
  tensor head -n 4 leaves.nst | noise gaussian --sigma 0.2 -o noisy.nst
  tensor tail -n 4 leaves.nst -o vectors.nst
  printf 'P2 5 6 1\n%s\n' '1 1 1 0 0  1 1 1 0 0  1 1 1 0 0  0 0 0 0 0  0 0 0 0 0  0 0 0 0 0' >mask.pgm
  # npy NAME SHAPE VALUE...: little-endian F64
  npy() {
    perl -e 'my ($name, $shape, @v) = @ARGV; my $h = "{\"descr\": \"<f8\", \"fortran_order\": False, \"shape\": ($shape), }";
      $h =~ tr/"/\x27/; $h .= " " x ((64 - (11 + length $h) % 64) % 64) . "\n"; open(F, ">:raw", $name);
      print F "\x93NUMPY\1\0", pack("v", length $h), $h, pack("d<*", map { $_ eq "nan" ? "nan" + 0 : $_ } @v)' "$@"
  }
  mapfile -t ones < <(yes 0.5 | head -n 29)
  npy broken.npy 1,6,5 nan "${ones[@]}"
  npy broken-mask.npy 6,5 nan "${ones[@]}"
  npy batch.npy 3,6,5 "${ones[@]}" 0.5 "${ones[@]}" 0.5 nan "${ones[@]}"
  npy path.npy 3,2 0 0 nan 1 2 2
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

# said TEXT: by the last command that fails_with ran
said() { grep -qF "$1" "$BATS_TEST_TMPDIR/fails.err" || { cat "$BATS_TEST_TMPDIR/fails.err" && return 1; }; }

# is_nan ROWS KEY...: of every row
is_nan() {
  local rows=$1 key
  for key in "${@:2}"; do [ "$(jq -r --arg k "$key" '.[$k]' "$rows" | sort -u)" = nan ] || { echo "$key" && cat "$rows" && return 1; }; done
}

@test "score --allow-nonfinite: what is not finite makes every figure nan, of linear models and mixtures" {
  for model in model mixture; do
    on() { score "$@" --sigma 0.2 --allow-nonfinite --axes NHW --model $model.safetensors broken.npy >rows.json; }
    on spectrum --rows --top 2
    is_nan rows.json gain residual change
    on directions --mask mask.pgm --rows --top 2 --null 1
    is_nan rows.json gain inside outside
    on covariance --rows --top 2
    is_nan rows.json variance third fourth asymmetry
    on divergence
    is_nan rows.json divergence score_divergence
    on divergence --probes 3
    is_nan rows.json divergence divergence_error
    on check --probes 2
    is_nan rows.json asymmetry gain least_gain homogeneity stein_lack sure_lack score_error covariance_error
    on log-density --log-likelihood flow
    is_nan rows.json log_density log_density_flow
  done
}

@test "score straightness --allow-nonfinite: a path that is not finite has a row of nan" {
  score straightness --axes TD --allow-nonfinite path.npy >rows.json
  is_nan rows.json length chord stretch turning largest_angle curvature deviation explained_1
}

@test "score and denoise: vectors of a FILE are counted as --first-index counts: parts of an array job are those of one run" {
  parts() {
    "$@" noisy.nst | tensor split -o whole.npy
    { tensor head -n 3 noisy.nst | "$@" && tensor tail -n 1 noisy.nst | "$@" --first-index 3; } | tensor split -o parts.npy
    cmp whole.npy parts.npy
  }
  tensor head -n 1 vectors.nst -o first.nst
  score spectrum --top 2 --model mixture.safetensors noisy.nst -o basis.nst
  parts score jvp --no-history --vector vectors.nst --model model.safetensors
  parts score jvp --no-history --vector first.nst --model model.safetensors
  parts denoise --no-history --move vectors.nst --model model.safetensors
  parts score covariance --no-history --vectors basis.nst --model model.safetensors
  score covariance --rows --vectors basis.nst --model mixture.safetensors noisy.nst >rows.json
  tensor tail -n 1 noisy.nst | score covariance --rows --vectors basis.nst --first-index 3 --model mixture.safetensors >last.json
  cmp <(tail -n 2 rows.json | jq -c 'del(.id)') <(jq -c 'del(.id)' last.json)
  fails_with 65 score jvp --first-index 3 --vector vectors.nst --model model.safetensors noisy.nst
  said 'none for sample 4'
}

@test "score spectrum, directions, covariance: iterations and change beside every figure, and a line where --iterations ended it" {
  given=(--epsilon 0.01 --denoiser 'denoise --model mixture.safetensors')
  tensor head -n 2 noisy.nst -o two.nst
  for verb in spectrum "directions --mask mask.pgm" covariance; do
    # shellcheck disable=SC2086
    score $verb --rows --iterations 2 "${given[@]}" two.nst >rows.json 2>notes
    [ "$(jq -s 'map(.iterations == 2 and .change > 1e-3) | all' rows.json)" = true ]
    [ "$(wc -l <notes)" -eq 1 ]
    grep -q '^score: warning: .*--iterations 2.* 2 samples, first sample 0: ' notes
    # shellcheck disable=SC2086
    score $verb --top 2 --iterations 2 "${given[@]}" two.nst 2>notes | tensor info >info.json
    [ "$(wc -l <notes)" -eq 1 ]
    [ "$(jq -s 'map(.iterations_max == 2 and .change_min > 1e-3) | all' info.json)" = true ]
    # shellcheck disable=SC2086
    score $verb --rows --iterations 1000 "${given[@]}" two.nst 2>notes >rows.json
    [ "$(jq -s 'map(.iterations < 1000 and .change < 1e-3) | all' rows.json)" = true ]
    [ ! -s notes ]
  done
  score covariance --rows --vectors vectors.nst --model mixture.safetensors two.nst 2>notes >rows.json
  [ "$(jq -s 'map(.iterations == 0 and .change == 0) | all' rows.json)" = true ]
  [ ! -s notes ]
}

@test "score directions: a mask that is not finite is refused" {
  fails_with 65 score directions --allow-nonfinite --mask broken-mask.npy --model model.safetensors noisy.nst
  said 'broken-mask.npy: is not finite'
}

@test "score: of a batch the sample is named that failed" {
  for verb in "divergence --probes 2" spectrum; do
    # shellcheck disable=SC2086
    fails_with 69 score $verb --sigma 0.2 --axes NHW --allow-nonfinite --denoiser 'denoise --model model.safetensors 2>/dev/null' batch.npy
    said 'score: sample 0: no. 3 of its batch: helper'
  done
  tensor head -n 2 noisy.nst | tensor stack -o pair.nst
  flow=(score log-density --log-likelihood flow --tolerance 1e-2)
  calls=$("${flow[@]}" --denoiser 'denoise --model model.safetensors' pair.nst | jq -s '.[0].nfe')
  fails_with 69 "${flow[@]}" --denoiser "tensor head -n $((calls + 1)) | denoise --model model.safetensors" pair.nst
  said 'score: sample 0: no. 2 of its batch: helper'
}
