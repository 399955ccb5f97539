#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>

#include "base/registry.hpp"
#include "base/threads.hpp"
#include "metric/metric.hpp"

using namespace noiseutils;

namespace {

using Values = std::vector<double>;

constexpr const char* kNames[] = {"nrmse", "snr", "ms-ssim", "correlation", "sobolev", "gradient", "histogram"};

OptionValues options_of(const std::string& name, const std::map<std::string, std::string>& typed = {}) {
  OptionValues options;
  for (const OptionSpec& spec : find_entry(metrics(), name)->options) {
    const auto found = typed.find(spec.name);
    options.set(spec, found == typed.end() ? std::vector<std::string>{} : std::vector{found->second});
  }
  return options;
}

std::unique_ptr<Metric> make(const std::string& name, const std::map<std::string, std::string>& typed = {}) {
  return find_entry(metrics(), name)->make(options_of(name, typed));
}

Values figures(const std::string& name, const MetricSample& sample,
               const std::map<std::string, std::string>& typed = {}) {
  const auto metric = make(name, typed);
  metric->add(sample);
  Values values;
  for (const NamedValue& figure : metric->finish()) values.push_back(figure.value);
  return values;
}

double figure(const std::string& name, const MetricSample& sample,
              const std::map<std::string, std::string>& typed = {}) {
  return figures(name, sample, typed).front();
}

Values uniform(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  Values values(static_cast<std::size_t>(count));
  for (double& value : values) value = static_cast<double>(generator()) / 4294967296.0;
  return values;
}

/// data and clean of a shape whose axes end in HW, or D.
MetricSample pair(const Shape& shape, const Values& data, const Values& clean) {
  const std::string axes = shape.size() == 1 ? "D" : shape.size() == 2 ? "HW" : "CHW";
  return MetricSample({axes, Tensor::of<double>(shape, data), Tensor::of<double>(shape, clean), {}, 1.0});
}

Values scaled(Values values, double factor, double shift = 0) {
  for (double& value : values) value = factor * value + shift;
  return values;
}

doctest::Approx about(double value, double relative = 1e-12) { return doctest::Approx(value).epsilon(relative); }

}  // namespace

TEST_CASE("nrmse and snr: worked out by hand, and blind to units") {
  const MetricSample sample = pair({4}, {1, 2, 3, 4}, {1, 4, 3, 0});
  CHECK(figure("nrmse", sample) == about(std::sqrt(20.0 / 26)));
  CHECK(figure("snr", sample) == about(10 * std::log10(26.0 / 20)));
  const Values x = uniform(100, 1), y = uniform(100, 2);
  for (const char* name : {"nrmse", "snr", "correlation"})
    CHECK(figure(name, pair({100}, scaled(y, 255), scaled(x, 255))) == about(figure(name, pair({100}, y, x))));
  CHECK_THROWS_WITH_AS(figure("nrmse", pair({2}, {1, 2}, {0, 0})), doctest::Contains("zero everywhere"), DataError);
  CHECK_THROWS_WITH_AS(figure("snr", pair({2}, {1, 2}, {0, 0})), doctest::Contains("zero everywhere"), DataError);
  CHECK(figure("snr", pair({2}, {1, 2}, {1, 2})) == std::numeric_limits<double>::infinity());
}

TEST_CASE("correlation: by hand, of affine images, and with a mean large against the spread") {
  // Deviations (-1.5, -.5, .5, 1.5) and (-1, 2, 1, -2): products -0.5 - ... = 1.5 - 1 + .5 - 3 = -2; 5 and 10.
  CHECK(figure("correlation", pair({4}, {1, 2, 3, 4}, {1, 4, 3, 0})) == about(-2 / std::sqrt(50.0)));
  const Values x = uniform(1000, 3);
  CHECK(figure("correlation", pair({1000}, scaled(x, 3, 7), x)) == about(1));
  CHECK(figure("correlation", pair({1000}, scaled(x, -0.1, 1), x)) == about(-1));
  CHECK(figure("correlation", pair({1000}, scaled(uniform(1000, 4), 1, 1e6), scaled(x, 1, 1e6))) ==
        about(figure("correlation", pair({1000}, uniform(1000, 4), x)), 1e-7));
  CHECK_THROWS_WITH_AS(figure("correlation", pair({2}, {1, 2}, {3, 3})), doctest::Contains("clean sample is constant"),
                       DataError);
  CHECK_THROWS_WITH_AS(figure("correlation", pair({2}, {1, 1}, {3, 2})), doctest::Contains("data is constant"),
                       DataError);
}

TEST_CASE("sobolev: a plane wave has one frequency; order 0 is mse") {
  for (const auto& [height, width] : std::vector<std::pair<int, int>>{{12, 20}, {15, 9}, {16, 16}})
    for (const auto& [ky, kx] : std::vector<std::pair<int, int>>{{0, 0}, {0, 3}, {2, 0}, {3, 4}, {-2, 1}}) {
      const double fy = static_cast<double>(ky) / height, fx = static_cast<double>(kx) / width;
      Values wave, zero(static_cast<std::size_t>(height * width));
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) wave.push_back(3 * std::cos(2 * std::numbers::pi * (fy * y + fx * x)));
      const double power = ky == 0 && kx == 0 ? 9 : 4.5;
      for (const char* order : {"-1", "-0.5", "0", "1", "2.5"}) {
        const double weight =
            std::pow(1 + 4 * std::numbers::pi * std::numbers::pi * (fy * fy + fx * fx), std::stod(order));
        CHECK(figure("sobolev", pair({height, width}, wave, zero), {{"order", order}}) == about(power * weight, 1e-11));
      }
    }
  const MetricSample colour = pair({3, 13, 10}, uniform(390, 5), uniform(390, 6));
  CHECK(figure("sobolev", colour, {{"order", "0"}}) == about(figure("mse", colour)));
}

TEST_CASE("sobolev: of a row of 200 pixels it is 4.5 (1 + w^2)^s for the wave 3 sin w i") {
  Values wave;
  for (int i = 0; i < 200; ++i) wave.push_back(3 * std::sin(2 * std::numbers::pi * 5 * i / 200));
  const double w = 2 * std::numbers::pi * 5 / 200;
  CHECK(figure("sobolev", pair({200}, wave, Values(200)), {{"order", "-1"}}) == about(4.5 / (1 + w * w)));
  CHECK(figure("sobolev", pair({200}, wave, Values(200))) == about(4.5 * (1 + w * w)));
}

TEST_CASE("sobolev: white errors do not care where they stand; a shift of the image changes nothing") {
  const Values e = uniform(63, 7);
  Values turned;
  for (std::size_t y = 0; y < 7; ++y)
    for (std::size_t x = 0; x < 9; ++x) turned.push_back(e[(y + 3) % 7 * 9 + (x + 5) % 9]);
  const Values zero(63);
  CHECK(figure("sobolev", pair({7, 9}, turned, zero)) == about(figure("sobolev", pair({7, 9}, e, zero))));
}

TEST_CASE("gradient: by hand, of a ramp, of a constant error") {
  // Errors 0 1 / 2 4: along the rows 1 and 2, down the columns 2 and 3.
  CHECK(figure("gradient", pair({2, 2}, {0, 1, 2, 4}, Values(4))) == about((1 + 4 + 4 + 9) / 4.0));
  CHECK(figure("gradient", pair({4}, {0, 1, 3, 3}, Values(4))) == about((1 + 4 + 0) / 3.0));
  const Values x = uniform(60, 8);
  CHECK(figure("gradient", pair({5, 12}, scaled(x, 1, 3), x)) == doctest::Approx(0).epsilon(1e-25));
  Values ramp;
  for (int y = 0; y < 40; ++y)
    for (int i = 0; i < 30; ++i) ramp.push_back(2 * y + 3 * i);
  const double pairs = 40 * 29 + 39 * 30;
  CHECK(figure("gradient", pair({40, 30}, ramp, Values(1200))) == about((40 * 29 * 9 + 39 * 30 * 4) / pairs));
  // The last row of one channel is no neighbour of the first of the next.
  CHECK(figure("gradient", pair({2, 1, 2}, {0, 1, 9, 9}, Values(4))) == about(0.5));
  CHECK_THROWS_WITH_AS(figure("gradient", pair({1}, {1}, {2})), doctest::Contains("needs neighbours"), DataError);
}

TEST_CASE("histogram: shares worked out by hand, whatever the order of the values") {
  // Bins [0, .25) ... of four: data has shares (2, 1, 0, 1) / 4, clean (1, 1, 1, 1) / 4.
  const std::map<std::string, std::string> four{{"bins", "4"}};
  const Values both = figures("histogram", pair({4}, {0.1, -3, 0.3, 7}, {0.8, 0.6, 0.1, 0.4}), four);
  CHECK(both[0] == about((0.25 + 0.25 + 0 + 0) / 4));
  CHECK(both[1] == about(0.25));
  // Everything moved by 5 of 100 bins.
  const Values x = scaled(uniform(500, 9), 0.5);
  Values binned;
  for (const double value : x) binned.push_back((std::floor(value * 100) + 0.5) / 100);
  CHECK(figure("histogram", pair({500}, scaled(binned, 1, 0.05), binned), {{"bins", "100"}}) == about(0.05));
  const Values equal = figures("histogram", pair({500}, Values(x.rbegin(), x.rend()), x));
  CHECK(equal[0] == 0);
  CHECK(equal[1] == 0);
  const Values apart = figures("histogram", pair({2}, {0, 0}, {1, 1}), four);
  CHECK(apart[0] == about(0.75));
  CHECK(apart[1] == about(1));
  CHECK(std::isnan(figure("histogram", pair({2}, {0, std::nan("")}, {1, 1}))));
}

TEST_CASE("ms-ssim: of an image and itself 1; the smallest image has 161 pixels a side") {
  const Values x = uniform(161 * 170, 10);
  CHECK(figure("ms-ssim", pair({161, 170}, x, x)) == about(1));
  CHECK_THROWS_WITH_AS(figure("ms-ssim", pair({160, 200}, Values(32000), Values(32000))),
                       doctest::Contains("at least 161 x 161"), DataError);
  CHECK_THROWS_WITH_AS(figure("ms-ssim", pair({200}, Values(200), Values(200))), doctest::Contains("end in HW"),
                       DataError);
}

TEST_CASE("ms-ssim: constant images leave the luminance term of the coarsest scale") {
  const Values a(170 * 161, 0.3), b(170 * 161, 0.7);
  const double luminance = (2 * 0.3 * 0.7 + 1e-4) / (0.09 + 0.49 + 1e-4);
  CHECK(figure("ms-ssim", pair({170, 161}, a, b)) == about(std::pow(luminance, 0.1333), 1e-9));
}

TEST_CASE("ms-ssim: an inverted image has a negative structure, which counts as 0") {
  const Values x = uniform(170 * 170, 11);
  CHECK(figure("ms-ssim", pair({170, 170}, scaled(x, -1, 1), x)) == 0);
}

TEST_CASE("ms-ssim: of colour is the mean of its channels; symmetric in data and clean") {
  const Values x = uniform(3 * 170 * 165, 12);
  Values y = uniform(3 * 170 * 165, 13);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i] + 0.3 * y[i];
  const MetricSample colour = pair({3, 170, 165}, y, x);
  double mean = 0;
  for (std::int64_t c = 0; c < 3; ++c)
    mean += figure("ms-ssim", MetricSample({"HW", colour.data().at(c), colour.clean().at(c), {}, 1.0})) / 3;
  CHECK(figure("ms-ssim", colour) == about(mean));
  CHECK(figure("ms-ssim", pair({3, 170, 165}, x, y)) == about(mean));
}

TEST_CASE("metric: with a reference, merged parts are the whole, states come back, threads change no bit") {
  const MetricSample first = pair({170, 180}, uniform(30600, 20), uniform(30600, 21));
  const MetricSample second = pair({2, 165, 161}, uniform(53130, 22), uniform(53130, 23));
  for (const std::string name : kNames) {
    CAPTURE(name);
    const auto whole = make(name), left = make(name), right = make(name), restored = make(name);
    whole->add(first);
    whole->add(second);
    left->add(first);
    right->add(second);
    restored->restore(left->state());
    restored->merge(*right);
    right->merge(*left);
    for (std::size_t i = 0; i < whole->finish().size(); ++i) {
      CHECK(restored->finish()[i].value == about(whole->finish()[i].value));
      CHECK(right->finish()[i].value == about(whole->finish()[i].value));
    }
    CHECK(whole->finish().front().name == name);
    CHECK_THROWS_AS(restored->restore({}), DataError);
    CHECK_THROWS_AS(restored->merge(*make("umse")), InternalError);

    const int before = thread_count();
    set_thread_count(1);
    const double one = figure(name, second);
    set_thread_count(4);
    CHECK(figure(name, second) == one);
    set_thread_count(before);
  }
}

TEST_CASE("correlation: pooled over samples of other means it is that of all elements") {
  const Values x = uniform(50, 30), y = uniform(50, 31), u = scaled(uniform(80, 32), 2, 5), v = uniform(80, 33);
  Values xu = x, yv = y;
  xu.insert(xu.end(), u.begin(), u.end());
  yv.insert(yv.end(), v.begin(), v.end());
  const auto pooled = make("correlation");
  pooled->add(pair({50}, y, x));
  pooled->add(pair({80}, v, u));
  CHECK(pooled->finish().front().value == about(figure("correlation", pair({130}, yv, xu))));
}
