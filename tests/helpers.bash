# Common to all .bats files: load helpers
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)/$BUILD ;; esac
PATH=$BUILD/bin:$PATH
# Results must not depend on the caller's settings.
unset OMP_NUM_THREADS NOISEUTILS_ISA
export LC_ALL=C

# Runs a Python that has numpy; the test is skipped where there is none.
py() {
  local python known=${BATS_RUN_TMPDIR:-/nonexistent}/python-with-numpy
  if [ -s "$known" ]; then "$(cat "$known")" "$@"; return; fi # looked for once a run: numpy takes its time
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import numpy' 2>/dev/null; then
      [ ! -d "${known%/*}" ] || echo "$python" >"$known"
      "$python" "$@"
      return
    fi
  done
  echo "no numpy" >&2
  return 127
}

needs() {
  local program
  for program in "$@"; do
    case $program in
      numpy) py -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("numpy") is None)' || skip "needs python3-numpy" ;;
      *) command -v "$program" >/dev/null || skip "needs $program" ;;
    esac
  done
}

# Sets SHARED to the folder of test data beside the project, or skips.
needs_shared() {
  SHARED=$(cd "${BASH_SOURCE[0]%/*}/../../shared/data" 2>/dev/null && pwd) || skip "the data beside the project is absent"
  [ -e "$SHARED/$1" ] || skip "$1 is absent beside the project"
}

# fails_with CODE COMMAND...: the command ends with CODE and says one line on standard error, nothing on standard output.
fails_with() {
  local expected=$1 status=0
  shift
  "$@" >"$BATS_TEST_TMPDIR/fails.out" 2>"$BATS_TEST_TMPDIR/fails.err" || status=$?
  [ "$status" -eq "$expected" ] || { echo "exit $status, expected $expected: $*"; return 1; }
  one_line "$BATS_TEST_TMPDIR/fails.err"
}

# one_line FILE: it holds one line, which is printed. Starts no program: some tests ask this a thousand times.
one_line() {
  local lines
  mapfile lines <"$1"
  printf '%s' "${lines[@]}"
  [ "${#lines[@]}" -eq 1 ] && [[ ${lines[0]} == *$'\n' ]] || { echo "not one line: $1"; return 1; }
}

# Sanitizers reserve terabytes of addresses, and want to be the first library of all.
without_sanitizers() {
  ! grep -q __asan_init "$BUILD/bin/tensor" || skip "the programs hold sanitizers"
}

# value KEY FILE: of the first JSON line.
value() { head -n 1 "$2" | jq -r ".$1"; }

# close_to A B TOLERANCE
close_to() { awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { d = a - b; if (d < 0) d = -d; if (d > t) { print a " is not within " t " of " b; exit 1 } }'; }

# anonymous_peak COMMAND...: sets PEAK to the largest anonymous memory seen, in MiB.
anonymous_peak() {
  "$@" >/dev/null &
  local job=$! now
  PEAK=0
  while now=$(awk '/^RssAnon/ { print int($2 / 1024) }' /proc/$job/status 2>/dev/null) && [ -n "$now" ]; do
    if [ "$now" -gt "$PEAK" ]; then PEAK=$now; fi
    sleep 0.01
  done
  wait $job
  echo "$PEAK MiB: $*"
  [ "$PEAK" -gt 0 ]
}

# Python that reads a record: read(path) gives its tensors by name.
# shellcheck disable=SC2034
READ_RECORD='
import json, numpy as np
CODES = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}
def read(path):
    raw = open(path, "rb").read(); n = int.from_bytes(raw[:8], "little"); h = json.loads(raw[8:8+n]); h.pop("__metadata__")
    return {k: np.frombuffer(raw[8+n:][slice(*v["data_offsets"])], CODES[v["dtype"]]).reshape(v["shape"]) for k, v in h.items()}
'
