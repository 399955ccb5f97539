#!/usr/bin/env bats
# From memorising to generalising: the demonstration, and theory beside real images.
load ../helpers

@test "demo-generalization: from nothing in under two minutes; what is seen is what is predicted" {
  needs jq pngtopnm
  root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
  mkdir "$BATS_TEST_TMPDIR/build"
  ln -s "$BUILD/bin" "$BATS_TEST_TMPDIR/build/bin"
  SECONDS=0
  BUILD=$BATS_TEST_TMPDIR/build "$root/scripts/demo-generalization" >"$BATS_TEST_TMPDIR/printed" </dev/null
  cat "$BATS_TEST_TMPDIR/printed"
  [ "$SECONDS" -lt 120 ]
  cd "$BATS_TEST_TMPDIR/build/demo-generalization"
  pngtopnm samples.png >samples.pnm
  # From 100 samples on: theory is of many.
  jq -s -e 'map(select(.n >= 100) | (.similarity / .similarity_theory - 1 | fabs < 0.03) and
    (.test_over_oracle / .test_over_oracle_theory - 1 | fabs < 0.03)) | all' report.json
  # It memorises, then generalises.
  jq -s -e '(map(select(.sigma == 0.1)) | .[0].similarity < 0.4 and .[0].memorization_ratio > 1.5 and .[0].test_over_oracle > 3 and
    .[-1].similarity > 0.97 and .[-1].memorization_ratio < 1.05 and .[-1].test_over_oracle < 1.05)' report.json
}

@test "orl_faces: 400 samples of 10304 elements, without a matrix of dimension x dimension" {
  needs_shared orl_faces
  without_sanitizers
  (ulimit -v 900000; train-linear --split-report --levels 0.5 --threads 2 "$SHARED"/orl_faces/s*/*.pgm >"$BATS_TEST_TMPDIR/rows")
  jq -s -e 'map(.n) == [10, 100, 133]' "$BATS_TEST_TMPDIR/rows"
  # Faces are no Gaussian law, and ten are of one person: theory holds to 10 %, and the error is above it.
  jq -s -e '.[1:] | map((.similarity / .similarity_theory - 1 | fabs < 0.1) and (.cosine / .cosine_theory - 1 | fabs < 0.1) and
    .test_mse > .test_mse_theory) | all' "$BATS_TEST_TMPDIR/rows"
}
