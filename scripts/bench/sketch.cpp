// The limit of a covariance sketch: reads rows of floats from an .npy file once and multiplies each block of 256 once
// with a dense matrix of L columns (sgemm of OpenBLAS, each thread its own blocks).
//   sketch-limit FILE D L THREADS
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/threads.hpp"
#include "linalg/blas.hpp"

int main(int argc, char** argv) {
  using namespace noiseutils;
  if (argc != 5) return 64;
  const std::int64_t d = std::atoll(argv[2]), l = std::atoll(argv[3]), block = 256;
  set_thread_count(std::atoi(argv[4]));
  const int file = open(argv[1], O_RDONLY);
  struct stat info;
  if (file < 0 || fstat(file, &info) != 0) return 66;
  const void* bytes = mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) return 66;
  const std::int64_t n = (info.st_size - 128) / 4 / d;  // after a header of 128 bytes
  const float* x = reinterpret_cast<const float*>(static_cast<const char*>(bytes) + 128);
  std::vector<float> omega(static_cast<std::size_t>(d * l), 0.5f);
  std::vector<double> sums(static_cast<std::size_t>((n + block - 1) / block));
  parallel_blocks((n + block - 1) / block, [&](std::int64_t b) {
    const std::int64_t rows = std::min(block, n - b * block);
    std::vector<float> product(static_cast<std::size_t>(rows * l));
    gemm<float>(Op::plain, Op::plain, l, rows, d, 1.f, omega.data(), l, x + b * block * d, d, 0.f, product.data(), l);
    for (const float value : product) sums[static_cast<std::size_t>(b)] += static_cast<double>(value);
  });
  double sum = 0;
  for (const double value : sums) sum += value;
  std::printf("%g\n", sum);
}
