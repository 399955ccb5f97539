#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/registry.hpp"
#include "base/threads.hpp"
#include "metric/interval.hpp"
#include "metric/metric.hpp"
#include "metric/pool.hpp"
#include "metric/training_samples.hpp"
#include "tensor/content_hash.hpp"

using namespace noiseutils;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor vector_of(const std::vector<double>& values) {
  return Tensor::of<double>({static_cast<std::int64_t>(values.size())}, values);
}

template <class Real>
Tensor uniform_image(const Shape& shape, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<Real> values(static_cast<std::size_t>(element_count(shape)));
  for (Real& value : values) value = static_cast<Real>(generator()) / static_cast<Real>(4294967296.0);
  return Tensor::of<Real>(shape, values);
}

OptionValues default_options(const MetricEntry& entry) {
  OptionValues options;
  for (const OptionSpec& option : entry.options) options.set(option, {});
  return options;
}

std::unique_ptr<Metric> make(const std::string& name) {
  const MetricEntry& entry = *find_entry(metrics(), name);
  return entry.make(default_options(entry));
}

std::vector<NamedValue> figures_of(const std::string& name, const MetricSample& sample) {
  const auto metric = make(name);
  metric->add(sample);
  return metric->finish();
}

double figure(const std::string& name, const MetricSample& sample) { return figures_of(name, sample).front().value; }

MetricSample pair_sample(Tensor data, Tensor clean, double range = 1, const std::string& axes = "D") {
  return MetricSample({axes, std::move(data), std::move(clean), {}, range});
}

/// The index of Wang 2004 written out: for each window two means, two variances and a covariance about the means.
double plain_ssim(const Tensor& data, const Tensor& clean, double range) {
  const Tensor x = data.converted(DType::F64), y = clean.converted(DType::F64);
  const std::int64_t height = x.axis(0), width = x.axis(1);
  double window[11][11], weight = 0, total = 0;
  for (int i = 0; i < 11; ++i)
    for (int k = 0; k < 11; ++k) {
      window[i][k] = std::exp(-((i - 5) * (i - 5) + (k - 5) * (k - 5)) / (2 * 1.5 * 1.5));
      weight += window[i][k];
    }
  for (std::int64_t row = 0; row + 11 <= height; ++row)
    for (std::int64_t column = 0; column + 11 <= width; ++column) {
      const auto moment = [&](auto&& term) {
        double sum = 0;
        for (int i = 0; i < 11; ++i)
          for (int k = 0; k < 11; ++k) {
            const auto at = static_cast<std::size_t>((row + i) * width + column + k);
            sum += window[i][k] / weight * term(x.values<double>()[at], y.values<double>()[at]);
          }
        return sum;
      };
      const double mx = moment([](double a, double) { return a; }), my = moment([](double, double b) { return b; });
      const double vx = moment([=](double a, double) { return (a - mx) * (a - mx); });
      const double vy = moment([=](double, double b) { return (b - my) * (b - my); });
      const double covariance = moment([=](double a, double b) { return (a - mx) * (b - my); });
      const double c1 = std::pow(0.01 * range, 2), c2 = std::pow(0.03 * range, 2);
      total += (2 * mx * my + c1) * (2 * covariance + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2));
    }
  return total / static_cast<double>((height - 10) * (width - 10));
}

}  // namespace

TEST_CASE("metric: errors of a pair worked out by hand") {
  const MetricSample sample = pair_sample(vector_of({1, 2, 3, 4}), vector_of({1, 4, 3, 0}), 10);
  CHECK(figure("mse", sample) == 5);
  CHECK(figure("rmse", sample) == doctest::Approx(std::sqrt(5.0)).epsilon(1e-15));
  CHECK(figure("mae", sample) == 1.5);
  CHECK(figure("psnr", sample) == doctest::Approx(10 * std::log10(20.0)).epsilon(1e-15));
}

TEST_CASE("metric: a sample equal to its reference has psnr inf, ssim 1") {
  const Tensor image = uniform_image<float>({40, 33}, 1);
  const MetricSample sample = pair_sample(image, image, 1, "HW");
  CHECK(figure("mse", sample) == 0);
  CHECK(figure("psnr", sample) == kInf);
  CHECK(figure("ssim", sample) == doctest::Approx(1).epsilon(1e-14));
}

TEST_CASE_TEMPLATE("metric: sums agree with long double, whatever the size", Real, float, double) {
  for (const std::int64_t size : {1, 7, 8, 9, 65535, 65536, 65537, 200003}) {
    const Tensor a = uniform_image<Real>({size}, 2), b = uniform_image<Real>({size}, 3);
    long double squares = 0, absolute = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i) {
      const long double difference =
          static_cast<long double>(a.values<Real>()[i]) - static_cast<long double>(b.values<Real>()[i]);
      squares += difference * difference;
      absolute += std::abs(difference);
    }
    CHECK(sum_of_squared_differences(a, b) == doctest::Approx(static_cast<double>(squares)).epsilon(1e-13));
    CHECK(sum_of_absolute_differences(a, b) == doctest::Approx(static_cast<double>(absolute)).epsilon(1e-13));
  }
}

TEST_CASE("metric: integers are compared as the numbers they are") {
  const MetricSample sample =
      pair_sample(Tensor::of<std::uint8_t>({2}, {0, 255}), Tensor::of<std::uint8_t>({2}, {255, 0}));
  CHECK(figure("mse", sample) == 65025);
  const MetricSample mixed = pair_sample(Tensor::of<float>({2}, {1.5f, 2}), Tensor::of<double>({2}, {1, 2}));
  CHECK(figure("mse", mixed) == 0.125);
}

TEST_CASE("metric: the same bits for one thread and four") {
  const Tensor a = uniform_image<float>({700, 900}, 4), b = uniform_image<float>({700, 900}, 5);
  const int before = thread_count();
  std::vector<double> values[2];
  for (const int threads : {1, 4}) {
    set_thread_count(threads);
    for (const char* name : {"mse", "mae", "ssim"})
      values[threads / 4].push_back(figure(name, pair_sample(a, b, 1, "HW")));
  }
  set_thread_count(before);
  CHECK(values[0] == values[1]);
}

TEST_CASE_TEMPLATE("ssim: agrees with the definition, window by window, across tiles", Real, float, double) {
  for (const Shape& shape : {Shape{11, 11}, Shape{12, 30}, Shape{90, 17}, Shape{11, 530}}) {
    const Tensor x = uniform_image<Real>(shape, 6), y = uniform_image<Real>(shape, 7);
    CHECK(figure("ssim", pair_sample(x, y, 2, "HW")) == doctest::Approx(plain_ssim(x, y, 2)).epsilon(1e-12));
  }
}

TEST_CASE("ssim: of two constant images only the luminance term is left") {
  const double a = 0.3, b = 0.7, c1 = 1e-4;
  const Tensor x = Tensor::of<double>({13, 15}, std::vector<double>(195, a));
  const Tensor y = Tensor::of<double>({13, 15}, std::vector<double>(195, b));
  CHECK(figure("ssim", pair_sample(x, y, 1, "HW")) ==
        doctest::Approx((2 * a * b + c1) / (a * a + b * b + c1)).epsilon(1e-12));
}

TEST_CASE("ssim: of colour is the mean of its channels") {
  const Tensor x = uniform_image<float>({3, 20, 21}, 8), y = uniform_image<float>({3, 20, 21}, 9);
  double mean = 0;
  for (std::int64_t c = 0; c < 3; ++c) mean += figure("ssim", pair_sample(x.at(c), y.at(c), 1, "HW")) / 3;
  CHECK(figure("ssim", pair_sample(x, y, 1, "CHW")) == doctest::Approx(mean).epsilon(1e-14));
  CHECK_THROWS_WITH_AS(figure("ssim", pair_sample(x, y, 1, "HWC")), doctest::Contains("expected to end in HW"),
                       DataError);
  CHECK_THROWS_WITH_AS(
      figure("ssim", pair_sample(uniform_image<float>({10, 40}, 1), uniform_image<float>({10, 40}, 2), 1, "HW")),
      doctest::Contains("at least 11 x 11"), DataError);
}

TEST_CASE("metric: what a sample lacks is named") {
  const MetricSample bare({"D", vector_of({1})});
  CHECK_THROWS_WITH_AS(figure("mse", bare), doctest::Contains("--keep-clean"), DataError);
  const MetricSample no_range({"D", vector_of({1}), vector_of({2})});
  CHECK_THROWS_WITH_AS(figure("psnr", no_range), doctest::Contains("--range"), DataError);
  CHECK_THROWS_WITH_AS(pair_sample(vector_of({1}), vector_of({1, 2})),
                       doctest::Contains("data has shape [1], clean [2]"), DataError);
  CHECK_THROWS_AS(make("mse")->merge(*make("umse")), InternalError);
}

TEST_CASE("metric: samples pool before the logarithm, whatever their order") {
  // Errors of 1 over three elements and of 4 over one: mean squared error (3 + 4) / 4.
  const MetricSample first = pair_sample(vector_of({1, 1, 1}), vector_of({0, 0, 0}));
  const MetricSample second = pair_sample(vector_of({2}), vector_of({0}));
  const MetricEntry& psnr = *find_entry(metrics(), "psnr");
  const OptionValues options = default_options(psnr);
  MetricPool pool(psnr, options);
  pool.add(first);
  pool.add(second);
  const auto summary = pool.summary();
  CHECK(summary[0].name == "psnr");
  CHECK(summary[0].value == doctest::Approx(-10 * std::log10(7.0 / 4)).epsilon(1e-14));
  CHECK(summary[1].name == "psnr_mean");
  CHECK(summary[1].value == doctest::Approx((0 - 10 * std::log10(4.0)) / 2).epsilon(1e-14));
  // Of two figures a, b: sd / sqrt(2) = |a - b| / 2.
  CHECK(summary[2].name == "psnr_mean_stderr");
  CHECK(summary[2].value == doctest::Approx(10 * std::log10(4.0) / 2).epsilon(1e-14));

  const auto one = make("rmse"), other = make("rmse");
  one->add(second);
  other->add(first);
  one->merge(*other);
  CHECK(one->finish()[0].value == doctest::Approx(std::sqrt(7.0 / 4)).epsilon(1e-15));
}

TEST_CASE("metric: an accumulator restored from its state goes on as if it had never stopped") {
  const MetricSample first = pair_sample(vector_of({1, 1, 1}), vector_of({0, 0, 0}));
  const MetricSample second = pair_sample(vector_of({2}), vector_of({0}));
  const auto stopped = make("rmse"), resumed = make("rmse");
  stopped->add(first);
  resumed->restore(stopped->state());
  resumed->add(second);
  CHECK(resumed->finish()[0].value == doctest::Approx(std::sqrt(7.0 / 4)).epsilon(1e-15));
  CHECK_THROWS_AS(resumed->restore({}), DataError);
  CHECK_THROWS_AS(resumed->restore({{"sums", {1}}}), DataError);
}

TEST_CASE("metric: values that are not finite are found") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(pair_sample(vector_of({1, nan}), vector_of({1, 2})).nonfinite() == "data is not finite at element 1");
  CHECK(pair_sample(vector_of({1, 2}), vector_of({kInf, 2})).nonfinite() == "clean is not finite at element 0");
  CHECK(pair_sample(vector_of({1, 2}), vector_of({1, 2})).nonfinite().empty());
}

TEST_CASE("training samples: a reference that the model was trained on is refused") {
  const Tensor a = vector_of({1, 2}), b = vector_of({3, 4});
  TrainingSamples samples;
  samples.refuse("", {a, b});
  samples.refuse("{\"samples\":[]}", {a, b});
  samples.refuse("variable", {a, b});
  const std::string model = "{\"kind\":\"gaussian\",\"samples\":[\"" + content_hash_text(b) + "\"]}";
  CHECK_THROWS_WITH_AS(samples.refuse(model, {a, b}), doctest::Contains("reference.2 is among"), DataError);
  samples.refuse(model, {a});
  samples.refuse("", {a, b});
}

TEST_CASE("interval: half-widths of the normal law, from tables") {
  CHECK(normal_half_width(0.95) == doctest::Approx(1.959963984540054).epsilon(1e-14));
  CHECK(normal_half_width(0.99) == doctest::Approx(2.5758293035489004).epsilon(1e-14));
  CHECK(normal_half_width(0.5) == doctest::Approx(0.6744897501960817).epsilon(1e-14));
  CHECK(normal_half_width(std::erf(std::sqrt(0.5))) == doctest::Approx(1).epsilon(1e-14));
  CHECK(normal_half_width(std::erf(4.5 / std::sqrt(2.0))) == doctest::Approx(4.5).epsilon(1e-9));
}
