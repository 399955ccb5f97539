#pragma once

#include <mutex>

namespace noiseutils {

/// To be held while BLAS or LAPACK runs; the first call sets the library to one thread inside, since its threads and
/// ours would multiply. It is a lock only where the library may not be called from several threads at once: a build of
/// OpenBLAS for a single thread (Debian's libopenblas0-serial) hands out its work buffers without one, so two calls at
/// once can get the same buffer and give wrong results, one in a few hundred. The lock that it lacks is put around
/// these two functions alone (blas_turn.cpp); where that is not possible, calls take turns.
std::unique_lock<std::mutex> blas_turn();

}  // namespace noiseutils
