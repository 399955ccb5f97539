// One step of expectation-maximisation of a mixture of patches, over all patches of images, against its float products
// alone, by the BLAS on two threads: of the E-step all eigenvectors with all patches, in blocks of 1,024; of the M-step
// the scatters of as many vectors as have a weight above 1e-8, in chunks of 512.
// usage: mixture MODEL.safetensors IMAGES.nst
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "model/mixture.hpp"
#include "model/model_kinds.hpp"
#include "model/patch_geometry.hpp"
#include "random/random.hpp"
#include "tensor/reader.hpp"
#include "timing.hpp"
#include "train/mixture_expectation.hpp"
#include "train/mixture_passes.hpp"
#include "train/mixture_units.hpp"

namespace {

using namespace noiseutils;

constexpr std::int64_t kBlock = 1024;

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

/// Scatters of `members` vectors in all.
void scatters(std::int64_t members, std::int64_t d, const std::vector<float>& patches) {
  constexpr std::int64_t kChunk = 512;
  parallel_blocks(members / kChunk, [&](std::int64_t) {
    thread_local std::vector<float> out;
    out.resize(static_cast<std::size_t>(d * d));
    syrk<float>(Op::plain, d, kChunk, 1, patches.data(), d, 0, out.data(), d);
  });
}

/// Vectors with a weight above 1e-8, over all components, a patch, of the first patches of the first image.
double members_a_patch(const MixtureModel& start, const Record& image) {
  const ModelInfo& info = start.info();
  const PatchGeometry geometry = patch_geometry(sample_axes(image), sample_shape(image), info.patch);
  const std::int64_t d = start.dim(), n = std::min<std::int64_t>(16384, geometry.count());
  const Tensor pixels = sample_of(image, "data", 0).converted(DType::F32);
  std::vector<float> rows(static_cast<std::size_t>(n * d));
  gather_patches<float>(geometry, pixels.values<float>(), geometry.count() / 2 - n / 2, std::span<float>(rows));
  const MixtureUnits units = units_of(start.law(), d, 0);
  for (std::int64_t i = 0; i < n; ++i) {
    double level = 0;
    take_levels(rows.data() + i * d, d, 1, &level);
    for (std::int64_t j = 0; j < d; ++j) rows[static_cast<std::size_t>(i * d + j)] /= static_cast<float>(units.scale);
  }
  const Density<float> density(scaled_law(start.law(), d, units), d, 0, nullptr);
  std::size_t members = 0;
  for (const Members& list : mixture_expectation(density, MixtureRows<float>{rows.data(), n, d}).members)
    members += list.size();
  return static_cast<double>(members) / static_cast<double>(n);
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
  const double members = members_a_patch(start, images.front());
  std::vector<double> sums, step, at_once, in_groups, scatter;
  for (int run = 0; run <= runs; ++run) {
    const Seconds e = measure([&] { pass = e_step(); });
    const Seconds m = measure([&] {
      ModelInfo next = info;
      next.count = n;
      pass->finish(next, 0);
    });
    const Seconds a = measure([&] { products(n, d, rows, rows, patches, directions); });
    const Seconds b = measure([&] { products(n, d, rows, 128, patches, directions); });
    const Seconds c =
        measure([&] { scatters(static_cast<std::int64_t>(members * static_cast<double>(n)), d, patches); });
    if (run == 0) continue;  // warms up
    scatter.push_back(c.cpu);
    sums.push_back(e.cpu);
    step.push_back(m.cpu);
    at_once.push_back(a.cpu);
    in_groups.push_back(b.cpu);
  }
  const double e = median(sums), m = median(step), e_products = std::min(median(at_once), median(in_groups));
  const double all = e_products + median(scatter), many = 1e6 / static_cast<double>(n);
  std::printf("\none step of EM, %lld components of rank %lld, %lld patches of %lld   (%d runs in turn, medians)\n",
              static_cast<long long>(start.components()), static_cast<long long>(rows / start.components()),
              static_cast<long long>(n), static_cast<long long>(d), runs);
  std::printf("  sums of all patches           cpu %7.3f s\n  M-step                        cpu %7.3f s\n", e, m);
  std::printf("  products of the E-step alone  cpu %7.3f s\n", e_products);
  std::printf("  scatters alone                cpu %7.3f s   (%.1f components a patch)\n", median(scatter), members);
  std::printf("  the step                      x%5.2f of its products, x%5.2f of those of the E-step\n", (e + m) / all,
              (e + m) / e_products);
  std::printf("  of 1,000,000 patches          x%5.2f                  x%5.2f\n", (e * many + m) / (all * many),
              (e * many + m) / (e_products * many));
}
