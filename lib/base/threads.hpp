#pragma once

#include <cstdint>
#include <functional>

namespace noiseutils {

/// The number of threads to use when nothing was asked for: OMP_NUM_THREADS if set, else the processors this process
/// may run on (affinity mask), at most the cgroup's CPU quota rounded up. At least 1.
int default_thread_count();

/// Sets the number of threads of parallel_blocks; n >= 1.
void set_thread_count(int n);
int thread_count();

/// Calls work(block) for block = 0 ... blocks-1, each once, over the threads; returns when all are done.
/// Blocks are the unit of determinism: a caller cuts its work into the same blocks whatever the thread count, writes
/// only what belongs to its block, and reduces over blocks in index order afterwards. The first exception is rethrown.
void parallel_blocks(std::int64_t blocks, const std::function<void(std::int64_t)>& work);

}  // namespace noiseutils
