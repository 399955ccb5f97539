# For the tests of scripts/demo: runs it in a folder of its own, and reads its table.

# run_demo FOLDER: scripts/demo with FOLDER/build for its files; what it prints is in FOLDER/printed.
run_demo() {
  local root
  root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
  mkdir -p "$1/build"
  ln -s "$BUILD/bin" "$1/build/bin"
  BUILD=$(realpath --relative-to="$root" "$1/build") "$root/scripts/demo" >"$1/printed" 2>"$1/errors" </dev/null ||
    { cat "$1/printed" "$1/errors"; return 1; }
  cat "$1/printed"
}

# table_is_whole FILE NAME...: six rows of eight columns with these names, that agree with themselves.
table_is_whole() {
  local file=$1
  shift
  grep -A 6 '^image  *noisy dB  *linear dB  *PSNR dB  *SSIM  *uPSNR dB  *95 % interval  *inside?$' "$file" | tail -n +2 >rows
  diff <(printf '%s\n' "$@") <(cut -d ' ' -f 1 rows)
  local number='[0-9]+\.[0-9]+'
  ! grep -vE "^[^ ]+ +$number +$number +$number +0\.[0-9]{4} +$number +\[$number, $number\] +(yes|no)$" rows || return 1
  tr -d '[],' <rows | awk '
    # The mean square of noise is sigma^2 (1 +- sqrt(2/n)), in dB; 0.1 is above 4 standard deviations from 64 x 64 on.
    ($2 - 20 * log(255 / 25) / log(10))^2 > 0.01 { print "noisy dB: " $0; bad = 1 }
    $4 < $2 + 2 { print "denoised by less than 2 dB: " $0; bad = 1 }
    $4 < $3 { print "worse than a linear filter: " $0; bad = 1 }
    $6 < $7 || $6 > $8 { print "uPSNR outside of its own interval: " $0; bad = 1 }
    # The columns are rounded to 0.01.
    $9 == "yes" && ($4 < $7 - 0.011 || $4 > $8 + 0.011) { print "not inside: " $0; bad = 1 }
    $9 == "no" && $4 > $7 + 0.011 && $4 < $8 - 0.011 { print "inside: " $0; bad = 1 }
    END { exit bad }'
}

# montage_is_readable FOLDER: the last line names a PNG that another program reads, three images wide, six high.
montage_is_readable() {
  local path
  path=$(sed -n '$ s/^montage: //p' "$1/printed")
  [ "${path##*/}" = montage.png ]
  pngtopnm "$1/build/demo/montage.png" >montage.pnm
  head -n 2 montage.pnm | tail -n 1 | awk '{ print; exit !($1 >= 3 * 64 && $2 >= 6 * 64) }'
}
