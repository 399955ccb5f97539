# mpi_build FOLDER PROGRAM...: these programs built with MPI=1 into FOLDER, from copies of the objects of BUILD.
mpi_build() {
  local folder=$1 root
  root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
  shift
  mkdir -p "$folder/obj"
  cp -a "$BUILD"/obj/{lib,tools,flags} "$folder/obj/"
  rm -f "$folder"/obj/lib/base/rank_session.*
  (
    unset MAKEFLAGS MAKELEVEL CI
    ! grep -q -e -Werror "$folder/obj/flags" || export CI=true # as it was built: else all would be built anew
    make -s -C "$root" -j2 BUILD="$folder" MPI=1 "${@/#/$folder/bin/}"
  )
}
