// What training cannot be faster than: reads rows of floats from an .npy file once, and multiplies each block of 256
// once by OpenBLAS's float kernels, each thread its own blocks.
//   train-limits ssyrk FILE D THREADS           X^T X, summed over the blocks of a thread
//   train-limits sgemm FILE D THREADS L TIMES   X Omega, Omega D x L; the file read TIMES times
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "linalg/blas.hpp"

namespace {

using namespace noiseutils;

constexpr std::int64_t kBlock = 256, kHeader = 128;  // of numpy's format 1.0, for names as short as ours

struct Rows {
  const float* values;
  std::int64_t count, dim;
};

Rows mapped(const char* path, std::int64_t dim) {
  const int file = open(path, O_RDONLY);
  struct stat info;
  if (file < 0 || fstat(file, &info) != 0) std::exit(66);
  const void* bytes = mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (bytes == MAP_FAILED) std::exit(66);
  return {reinterpret_cast<const float*>(static_cast<const char*>(bytes) + kHeader), (info.st_size - kHeader) / 4 / dim,
          dim};
}

void unmap(const Rows& x) {
  const char* const begin = reinterpret_cast<const char*>(x.values) - kHeader;
  munmap(const_cast<char*>(begin), static_cast<std::size_t>(kHeader + 4 * x.count * x.dim));
}

void ssyrk(const Rows& x, std::int64_t thread, std::int64_t threads) {
  std::vector<float> sums(static_cast<std::size_t>(x.dim * x.dim));
  const std::int64_t first = x.count * thread / threads, last = x.count * (thread + 1) / threads;
  syrk<float>(Op::plain, x.dim, last - first, 1.f, x.values + first * x.dim, x.dim, 0.f, sums.data(), x.dim);
}

/// Maps the file anew each time, as a program that is given it so many times does.
void sgemm(const char* path, const Rows& x, const std::vector<float>& omega, std::int64_t columns, std::int64_t times,
           std::int64_t thread, std::int64_t threads) {
  std::vector<float> product(static_cast<std::size_t>(kBlock * columns));
  for (std::int64_t time = 0; time < times; ++time) {
    const Rows own = mapped(path, x.dim);
    for (std::int64_t i = thread * kBlock; i + kBlock <= own.count; i += threads * kBlock)
      gemm<float>(Op::plain, Op::plain, columns, kBlock, x.dim, 1.f, omega.data(), columns, own.values + i * x.dim,
                  x.dim, 0.f, product.data(), columns);
    unmap(own);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (!(what == "ssyrk" && argc == 5) && !(what == "sgemm" && argc == 7)) return 64;
  const Rows x = mapped(argv[2], std::atoll(argv[3]));
  const std::int64_t threads = std::atoll(argv[4]), columns = what == "sgemm" ? std::atoll(argv[5]) : 0;
  const std::vector<float> omega(static_cast<std::size_t>(x.dim * columns), 0.5f);
  const auto work = [&](std::int64_t thread) {
    if (what == "ssyrk") return ssyrk(x, thread, threads);
    sgemm(argv[2], x, omega, columns, std::atoll(argv[6]), thread, threads);
  };
  std::vector<std::thread> others;
  for (std::int64_t thread = 1; thread < threads; ++thread) others.emplace_back(work, thread);
  work(0);
  for (std::thread& other : others) other.join();
}
