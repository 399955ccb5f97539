# mpi_build FOLDER PROGRAM...: these programs built with MPI=1 into FOLDER. Objects are shared with those of BUILD, but for
# what MPI changes: that must not be written through a link.
mpi_build() {
  local folder=$1 root
  root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
  shift
  cp -al "$BUILD" "$folder" 2>/dev/null || cp -a "$BUILD" "$folder"
  rm -f "$folder"/bin/* "$folder"/libnoiseutils.a "$folder"/obj/mpi "$folder"/obj/lib/base/rank_session.*
  cp --remove-destination -p "$BUILD/obj/flags" "$folder/obj/flags"
  (
    unset MAKEFLAGS MAKELEVEL CI
    ! grep -q -e -Werror "$folder/obj/flags" || export CI=true # as it was built: else all would be built anew
    make -s -C "$root" -j2 BUILD="$folder" MPI=1 "${@/#/$folder/bin/}"
  )
}
