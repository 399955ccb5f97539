// One step of expectation-maximisation of a mixture of patches, over all patches of images, against the float products
// of its E-step alone: all eigenvectors with all patches, in blocks of 1,024 on two threads, by the BLAS.
// usage: mixture MODEL.safetensors IMAGES.nst
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "model/mixture.hpp"
#include "model/model_kinds.hpp"
#include "random/random.hpp"
#include "tensor/reader.hpp"
#include "train/mixture_passes.hpp"

namespace {

using namespace noiseutils;

constexpr std::int64_t kBlock = 1024;

struct Seconds {
  double wall, cpu;
};

template <class Work>
Seconds measure(const Work& work) {
  const auto cpu = [] {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  };
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_begin = cpu();
  work();
  const double cpu_end = cpu();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), cpu_end - cpu_begin};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

OptionValues defaults() {
  OptionValues options;
  for (const OptionSpec& spec : mixture_options()) options.set(spec, {});
  return options;
}

/// The products of n patches with `rows` directions, `group` of them at a time.
void products(std::int64_t n, std::int64_t d, std::int64_t rows, std::int64_t group, const std::vector<float>& patches,
              const std::vector<float>& directions) {
  parallel_blocks(n / kBlock, [&](std::int64_t) {
    thread_local std::vector<float> out;
    out.resize(static_cast<std::size_t>(kBlock * group));
    for (std::int64_t first = 0; first < rows; first += group)
      gemm<float>(Op::plain, Op::plain, kBlock, std::min(group, rows - first), d, 1, patches.data(), kBlock,
                  directions.data() + first * d, d, 0, out.data(), kBlock);
  });
}

}  // namespace

int main(int, char** argv) {
  set_thread_count(2);
  const auto model = load_model(argv[1]);
  const MixtureModel& start = *model->mixture();
  const ModelInfo& info = start.info();
  std::vector<Record> images;
  const auto reader = open_records({argv[2]}, {});
  while (auto record = reader->next()) images.push_back(*record);
  std::int64_t n = 0;
  const auto e_step = [&] {
    auto pass = mixture_passes({DType::F32, info.axes, info.shape, info.patch, 1}, defaults(), start, std::nullopt);
    for (std::size_t i = 0; i < images.size(); ++i)
      pass->add({images[i], sample_axes(images[i]), sample_shape(images[i]), static_cast<std::int64_t>(i), {0.0}});
    n = pass->count();
    return pass;
  };
  std::unique_ptr<Statistics> pass = e_step();
  const std::int64_t d = start.dim(), rows = start.first_row(start.components()) - start.components();
  std::vector<float> patches(static_cast<std::size_t>(kBlock * d)), directions(static_cast<std::size_t>(rows * d));
  fill_normal({0, Purpose::train, 0, 0}, 0, std::span<float>(patches));
  fill_normal({0, Purpose::train, 1, 0}, 0, std::span<float>(directions));
  const char* asked = std::getenv("BENCH_RUNS");
  const int runs = asked != nullptr ? std::atoi(asked) : 5;
  std::vector<double> sums, step, at_once, in_groups;
  for (int run = 0; run <= runs; ++run) {
    const Seconds e = measure([&] { pass = e_step(); });
    const Seconds m = measure([&] {
      ModelInfo next = info;
      next.count = n;
      pass->finish(next, 0);
    });
    const Seconds a = measure([&] { products(n, d, rows, rows, patches, directions); });
    const Seconds b = measure([&] { products(n, d, rows, 128, patches, directions); });
    if (run == 0) continue;  // warms up
    sums.push_back(e.cpu);
    step.push_back(m.cpu);
    at_once.push_back(a.cpu);
    in_groups.push_back(b.cpu);
  }
  const double e = median(sums), m = median(step), gemm_time = std::min(median(at_once), median(in_groups));
  const double many = 1e6 / static_cast<double>(n);
  std::printf("\none step of EM, %lld components of rank %lld, %lld patches of %lld   (%d runs in turn, medians)\n",
              static_cast<long long>(start.components()), static_cast<long long>(rows / start.components()),
              static_cast<long long>(n), static_cast<long long>(d), runs);
  std::printf("  sums of all patches      cpu %7.3f s  x%5.2f of the products\n", e, e / gemm_time);
  std::printf("  M-step                   cpu %7.3f s\n", m);
  std::printf("  products, all rows       cpu %7.3f s\n", median(at_once));
  std::printf("  products, 128 rows       cpu %7.3f s\n", median(in_groups));
  std::printf("  the step                 x%5.2f of the faster products; of 1,000,000 patches x%5.2f\n",
              (e + m) / gemm_time, (e * many + m) / (gemm_time * many));
}
