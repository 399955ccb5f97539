#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/threads.hpp"
#include "denoise/affine_map.hpp"
#include "denoise/patch_average.hpp"
#include "denoise/patch_filter.hpp"
#include "denoise/sample_denoiser.hpp"

namespace noiseutils {
namespace {

/// Plain numbers without a pattern: the fractional parts of multiples of the golden ratio.
double number_at(std::int64_t i) { return std::fmod(0.6180339887498949 * static_cast<double>(i + 1), 1.0) - 0.4; }

/// out = curve(W y + b): affine with `bend` 0.
class TestMap : public VectorMap {
 public:
  TestMap(std::int64_t dim, double bend) : dim_(dim), bend_(bend) {}
  std::int64_t dim() const override { return dim_; }
  void apply(std::span<const float> in, std::span<float> out) const override { apply_as(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { apply_as(in, out); }
  double weight(std::int64_t i, std::int64_t j) const { return number_at(7 * i + 3 * j) / static_cast<double>(dim_); }
  double offset(std::int64_t i) const { return number_at(11 * i); }

 private:
  template <class Real>
  void apply_as(std::span<const Real> in, std::span<Real> out) const {
    const auto d = static_cast<std::size_t>(dim_);
    std::vector<double> result(d);
    for (std::size_t first = 0; first < in.size(); first += d) {
      for (std::size_t i = 0; i < d; ++i) {
        double sum = offset(static_cast<std::int64_t>(i));
        for (std::size_t j = 0; j < d; ++j)
          sum +=
              weight(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)) * static_cast<double>(in[first + j]);
        result[i] = sum + bend_ * sum * sum;
      }
      for (std::size_t i = 0; i < d; ++i) out[first + i] = static_cast<Real>(result[i]);
    }
  }
  std::int64_t dim_;
  double bend_;
};

/// A patch model that is nothing but a TestMap, which the code must take as any other, not as linear.
class TestModel : public Model {
 public:
  TestModel(ModelInfo info, double bend) : Model(std::move(info)), bend_(bend) {}
  std::unique_ptr<VectorMap> denoiser(double, std::int64_t) const override {
    return std::make_unique<TestMap>(dim(), bend_);
  }
  std::unique_ptr<VectorMap> score_map(double, std::int64_t) const override { return nullptr; }
  void jacobian_product(double, std::span<const float>, std::span<const float>, std::span<float>) const override {}
  void jacobian_product(double, std::span<const double>, std::span<const double>, std::span<double>) const override {}
  std::vector<double> log_density(double, std::span<const float>) const override { return {}; }
  std::vector<double> log_density(double, std::span<const double>) const override { return {}; }
  void draw(std::span<const float>, std::span<float>) const override {}
  void draw(std::span<const double>, std::span<double>) const override {}
  std::map<std::string, Tensor, std::less<>> tensors() const override { return {}; }

 private:
  double bend_;
};

class MemorySink : public ByteSink {
 public:
  void write(std::span<const std::byte> more) override { bytes.insert(bytes.end(), more.begin(), more.end()); }
  template <class Real>
  std::vector<Real> values() const {
    std::vector<Real> result(bytes.size() / sizeof(Real));
    std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }
  std::vector<std::byte> bytes;
};

Tensor test_image(Shape shape) {
  Tensor image(DType::F64, std::move(shape));
  std::int64_t i = 0;
  for (double& value : image.mutable_values<double>()) value = number_at(i += 1 + i % 3);
  return image;
}

/// The average over overlapping patches as it is defined, pixel by pixel.
std::vector<double> plain_average(const PatchGeometry& g, const Tensor& image, const VectorMap& map) {
  const auto y = image.values<double>();
  std::vector<double> sum(y.size(), 0.0), count(y.size(), 0.0), patch(static_cast<std::size_t>(g.dim()));
  for (std::int64_t row = 0; row + g.patch <= g.height; ++row)
    for (std::int64_t column = 0; column + g.patch <= g.width; ++column) {
      const auto at = [&](std::int64_t e) {
        const std::int64_t c = e / (g.patch * g.patch), i = e / g.patch % g.patch, k = e % g.patch;
        return static_cast<std::size_t>((c * g.height + row + i) * g.width + column + k);
      };
      for (std::int64_t e = 0; e < g.dim(); ++e) patch[static_cast<std::size_t>(e)] = y[at(e)];
      map.apply(std::span<const double>(patch), std::span<double>(patch));
      for (std::int64_t e = 0; e < g.dim(); ++e) {
        sum[at(e)] += patch[static_cast<std::size_t>(e)];
        count[at(e)] += 1;
      }
    }
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] /= count[i];
  return sum;
}

template <class Real>
double largest_difference(const std::vector<Real>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  return largest;
}

template <class Real>
std::vector<Real> filtered(const PatchGeometry& g, const Tensor& image, const VectorMap& map) {
  const PatchFilter<Real> filter(g, affine_map(map));
  const ImagePlanes<Real> planes(image, g.height, g.width);
  std::vector<Real> out(static_cast<std::size_t>(image.size()));
  for (std::int64_t c = 0; c < g.channels; ++c)
    filter.estimate(planes, c, 0, g.height, 0, g.width, out.data() + c * g.height * g.width);
  return out;
}

const std::vector<PatchGeometry> kGeometries = {{1, 23, 31, 8}, {1, 8, 8, 8},   {1, 8, 40, 8},  {1, 15, 9, 8},
                                                {1, 9, 300, 4}, {1, 5, 7, 1},   {1, 12, 14, 3}, {3, 20, 21, 4},
                                                {3, 6, 11, 5},  {2, 40, 17, 2}, {1, 50, 70, 20}};

TEST_CASE("patches: averaging by tiles is the definition, for affine maps and others") {
  for (const PatchGeometry& g : kGeometries)
    for (const double bend : {0.0, 0.5}) {
      CAPTURE(g.height);
      CAPTURE(g.width);
      const Tensor image = test_image({g.channels, g.height, g.width});
      const TestMap map(g.dim(), bend);
      std::vector<double> rows(static_cast<std::size_t>(image.size()));
      std::int64_t next = 0;
      average_patches<double>(g, ImagePlanes<double>(image, g.height, g.width), map,
                              [&](std::int64_t first, std::int64_t count, std::span<const double> some) {
                                CHECK(first == next);
                                next += count;
                                for (std::int64_t c = 0; c < g.channels; ++c)
                                  std::copy_n(some.data() + c * count * g.width, count * g.width,
                                              rows.data() + (c * g.height + first) * g.width);
                              });
      CHECK(next == g.height);
      CHECK(largest_difference(rows, plain_average(g, image, map)) < 1e-13);
    }
}

TEST_CASE("patches: an affine map as a filter is the average of its patches") {
  for (const PatchGeometry& g : kGeometries) {
    CAPTURE(g.height);
    CAPTURE(g.width);
    const Tensor image = test_image({g.channels, g.height, g.width});
    const TestMap map(g.dim(), 0.0);
    const std::vector<double> expected = plain_average(g, image, map);
    CHECK(largest_difference(filtered<double>(g, image, map), expected) < 1e-13);
    CHECK(largest_difference(filtered<float>(g, image, map), expected) < 2e-6);
    CHECK(largest_difference(filtered<float>(g, image.converted(DType::F32), map), expected) < 2e-6);
  }
}

TEST_CASE("patches: a piece of the filter's output has the bytes of the whole") {
  const PatchGeometry g{2, 30, 400, 6};
  const Tensor image = test_image({g.channels, g.height, g.width}).converted(DType::F32);
  const TestMap map(g.dim(), 0.0);
  const std::vector<float> whole = filtered<float>(g, image, map);
  const PatchFilter<float> filter(g, affine_map(map));
  const ImagePlanes<float> planes(image, g.height, g.width);
  std::vector<float> pieces(whole.size());
  for (std::int64_t c = 0; c < g.channels; ++c)
    for (std::int64_t row = 0; row < g.height; row += 7)
      for (const auto& [begin, end] : {std::pair{0, 131}, std::pair{131, 150}, std::pair{150, 400}})
        filter.estimate(planes, c, row, std::min<std::int64_t>(7, g.height - row), begin, end,
                        pieces.data() + (c * g.height + row) * g.width);
  CHECK(pieces == whole);
}

TEST_CASE("affine_map: its numbers give the map") {
  const TestMap map(6, 0.0);
  const AffineMap numbers = affine_map(map);
  double largest = 0;
  for (std::int64_t i = 0; i < 6; ++i) {
    largest = std::max(largest, std::abs(numbers.offset[static_cast<std::size_t>(i)] - map.offset(i)));
    for (std::int64_t j = 0; j < 6; ++j) largest = std::max(largest, std::abs(numbers.weight(i, j) - map.weight(i, j)));
  }
  CHECK(largest < 1e-15);
}

TEST_CASE("patches: batches, threads and the average of colour images") {
  ModelInfo info;
  info.kind = "test";
  info.axes = "CHW";
  info.shape = {3, 4, 4};
  info.patch = 4;
  const auto model = std::make_shared<TestModel>(info, 0.3);
  const auto denoiser = patch_denoiser(model);
  const Tensor images = test_image({2, 3, 50, 45});
  MemorySink batch, first, second, threads;
  denoiser->produce(images, std::vector{0.1, 0.2}, batch);
  denoiser->produce(images.slice(0, 1), std::vector{0.1}, first);
  denoiser->produce(images.slice(1, 1), std::vector{0.2}, second);
  CHECK(largest_difference(first.values<double>(), plain_average({3, 50, 45, 4}, images.at(0), TestMap(48, 0.3))) <
        1e-13);
  first.write(second.bytes);
  CHECK(first.bytes == batch.bytes);
  const int before = thread_count();
  set_thread_count(3);
  denoiser->produce(images, std::vector{0.1, 0.2}, threads);
  set_thread_count(before);
  CHECK(threads.bytes == batch.bytes);
}

}  // namespace
}  // namespace noiseutils
