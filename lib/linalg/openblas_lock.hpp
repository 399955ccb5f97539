#pragma once

namespace noiseutils {

/// True if OpenBLAS may be called from several threads at once. A build of it for a single thread (Debian's
/// libopenblas0-serial) hands out its work buffers without a lock: two calls at once can get the same one, and give
/// wrong results now and then. Where we can, the missing lock is put around it (openblas_lock.cpp); elsewhere callers
/// must take turns.
bool openblas_is_thread_safe();

}  // namespace noiseutils
