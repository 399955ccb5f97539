// Every operator by its adjoint, its norm and its pseudo-inverse.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "image_file.hpp"
#include "operator_helpers.hpp"

namespace noiseutils {
namespace {

using namespace test;

/// Each registered kind, in its forms, for the layouts that it acts on.
struct Case {
  std::string text;
  SampleLayout sample;
};
std::vector<Case> cases() {
  static const ImageFile kernel(2, 3, {1, 2, 0, -0.5F, 4, 1});
  static const ImageFile mask(9, 15, [] {
    std::vector<float> values(9 * 15);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 4 == 0 ? 1.0F : 0.0F;
    return values;
  }());
  std::vector<Case> all;
  for (const std::string text :
       {"mask:0.4", "mask:1/3", "box:1,2,3,4", "blur:0.8", "blur:7", "motion:5.5,30", "downsample:3", "bicubic:3",
        "radon:7", "radon:1", "fourier:0.4", "fourier:0.3,points", "fourier:1,lines", "random:40"})
    for (const SampleLayout& sample : {SampleLayout{"HW", {9, 15}}, SampleLayout{"CHW", {3, 15, 9}},
                                       SampleLayout{"HW", {6, 12}}, SampleLayout{"TCHW", {2, 3, 6, 9}}})
      all.push_back({text, sample});
  for (const SampleLayout& sample : {SampleLayout{"HW", {9, 15}}, SampleLayout{"CHW", {2, 9, 15}}}) {
    all.push_back({"blur:" + kernel.path(), sample});
    all.push_back({"mask:" + mask.path(), sample});
  }
  for (const SampleLayout& sample : {SampleLayout{"D", {23}}, SampleLayout{"HWC", {4, 5, 3}}}) {
    all.push_back({"mask:0.5", sample});
    all.push_back({"random:9", sample});
  }
  return all;
}

TEST_CASE("operator: the cases of this file reach every registered kind") {
  std::set<std::string> seen;
  for (const Case& one : cases()) seen.insert(one.text.substr(0, one.text.find(':')));
  for (const OperatorKind& kind : operator_kinds()) CHECK(seen.count(kind.name) == 1);
}

TEST_CASE("operator: <A x, y> = <x, A^T y> to 1e-12") {
  for (const Case& one : cases()) {
    CAPTURE(one.text);
    CAPTURE(one.sample.axes);
    const auto map = make(one.text, one.sample);
    CHECK(map->input() == one.sample);
    const Vector x = random_vector(map->input().size(), 1), y = random_vector(map->output().size(), 2);
    const Vector ax = forward(*map, x), aty = adjoint(*map, y);
    CHECK(std::abs(dot(ax, y) - dot(x, aty)) <= 1e-12 * std::max(length(ax) * length(y), length(x) * length(aty)));
  }
}

TEST_CASE("operator: it is linear") {
  for (const Case& one : cases()) {
    CAPTURE(one.text);
    const auto map = make(one.text, one.sample);
    const Vector x = random_vector(map->input().size(), 1), z = random_vector(map->input().size(), 2);
    Vector mixed = x;
    for (std::size_t i = 0; i < mixed.size(); ++i) mixed[i] = 2 * x[i] - 3 * z[i];
    const Vector ax = forward(*map, x), az = forward(*map, z);
    Vector expected = ax;
    for (std::size_t i = 0; i < ax.size(); ++i) expected[i] = 2 * ax[i] - 3 * az[i];
    CHECK(distance(forward(*map, mixed), expected) <= 1e-12 * (2 * length(ax) + 3 * length(az)));
  }
}

TEST_CASE("operator: the norm is that of the matrix") {
  for (const Case& one : cases()) {
    if (one.sample.axes != "HW") continue;
    CAPTURE(one.text);
    const auto map = make(one.text, one.sample);
    const auto n = static_cast<std::size_t>(map->input().size());
    std::vector<Vector> power(n);
    for (std::size_t i = 0; i < n; ++i) {
      Vector unit(n, 0);
      unit[i] = 1;
      power[i] = adjoint(*map, forward(*map, unit));
    }
    // With P = A^T A and m = 2^8: ||A||^(2m) <= trace(P^m) <= n ||A||^(2m).
    double logarithm = 0;
    constexpr int kSquarings = 8;
    for (int k = 0; k < kSquarings; ++k) {
      double size = 0;
      for (const Vector& row : power) size = std::max(size, length(row));
      logarithm = 2 * (logarithm + std::log(size));
      std::vector<Vector> squared(n, Vector(n));
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) squared[i][j] = squared[j][i] = dot(power[i], power[j]) / (size * size);
      power = std::move(squared);
    }
    double trace = 0;
    for (std::size_t i = 0; i < n; ++i) trace += power[i][i];
    const double above = std::exp((logarithm + std::log(trace)) / (2 << kSquarings));
    CHECK(map->norm() <= above * (1 + 1e-12));
    CHECK(map->norm() >= above * std::pow(static_cast<double>(n), -1.0 / (2 << kSquarings)) * (1 - 1e-6));
  }
}

TEST_CASE("operator: the norms that are known") {
  const SampleLayout sample{"HW", {12, 18}};
  CHECK(make("downsample:3", sample)->norm() == doctest::Approx(1.0 / 3));
  CHECK(make("mask:0.5", sample)->norm() == 1);
  CHECK(make("box:0,0,12,18", sample)->norm() == 0);
  CHECK(make("blur:2", sample)->norm() == doctest::Approx(1).epsilon(1e-14));
  CHECK(make("motion:4,20", sample)->norm() == doctest::Approx(1).epsilon(1e-14));
  CHECK(make("fourier:0.2", sample)->norm() == 1);
  CHECK(power_iteration(*make("fourier:0.2", sample)) == doctest::Approx(1).epsilon(1e-10));
  CHECK(power_iteration(*make("downsample:3", sample)) == doctest::Approx(1.0 / 3).epsilon(1e-12));
}

TEST_CASE("operator: the pseudo-inverse satisfies Penrose's four equations") {
  std::set<std::string> with;
  for (const Case& one : cases()) {
    const auto map = make(one.text, one.sample);
    if (!map->has_pseudo_inverse()) {
      Vector x(static_cast<std::size_t>(map->input().size())), y(static_cast<std::size_t>(map->output().size()));
      CHECK_THROWS_AS(map->pseudo_inverse(y, x), InternalError);
      continue;
    }
    CAPTURE(one.text);
    with.insert(one.text.substr(0, one.text.find(':')));
    const Vector x = random_vector(map->input().size(), 1), y = random_vector(map->output().size(), 2);
    const Vector u = random_vector(map->input().size(), 3), v = random_vector(map->output().size(), 4);
    const auto a = [&](const Vector& z) { return forward(*map, z); };
    const auto p = [&](const Vector& z) { return pseudo_inverse(*map, z); };
    // What is fainter than 1e-6 counts as lost: so far, and no farther, may A A^+ A be from A.
    CHECK(distance(a(p(a(x))), a(x)) <= 1e-6 * length(x));
    const Vector py = p(y);
    CHECK(distance(p(a(py)), py) <= 1e-9 * length(py));
    CHECK(std::abs(dot(a(py), v) - dot(y, a(p(v)))) <= 1e-9 * length(y) * length(v));
    CHECK(std::abs(dot(p(a(x)), u) - dot(x, p(a(u)))) <= 1e-9 * length(x) * length(u));
  }
  CHECK(with == std::set<std::string>{"mask", "box", "blur", "motion", "downsample", "fourier"});
}

TEST_CASE("operator: one and several threads give the same bits") {
  const int before = thread_count();
  for (const std::string text : {"blur:2", "downsample:3", "bicubic:3", "radon:20", "fourier:0.4", "random:40"})
    for (const SampleLayout& sample : {SampleLayout{"HW", {300, 402}}, SampleLayout{"CHW", {3, 153, 210}}}) {
      CAPTURE(text);
      const auto map = make(text, sample);
      const Vector x = random_vector(map->input().size(), 1), y = random_vector(map->output().size(), 2);
      set_thread_count(1);
      const Vector ax = forward(*map, x), aty = adjoint(*map, y);
      set_thread_count(3);
      CHECK(forward(*map, x) == ax);
      CHECK(adjoint(*map, y) == aty);
    }
  set_thread_count(before);
}

TEST_CASE("operator: a composition applies in order, and its adjoint in the opposite one") {
  const auto blur = make("blur:1", {"HW", {12, 12}});
  const auto down = make("downsample:3", blur->output());
  const auto random = make("random:10", down->output());
  const Composition all({blur, down, random});
  CHECK(all.output() == SampleLayout{"D", {10}});
  const Vector x = random_vector(144, 1), y = random_vector(10, 2);
  CHECK(forward(all, x) == forward(*random, forward(*down, forward(*blur, x))));
  CHECK(std::abs(dot(forward(all, x), y) - dot(x, adjoint(all, y))) <= 1e-12 * length(x) * length(y));
  CHECK(all.norm() <= blur->norm() * down->norm() * random->norm());
  CHECK_FALSE(all.has_pseudo_inverse());
  const Composition single({down});
  CHECK(single.has_pseudo_inverse());
  CHECK(single.norm() == down->norm());
  CHECK(pseudo_inverse(single, Vector(16, 2.0)) == Vector(144, 2.0));
  CHECK_THROWS_AS(Composition({down, blur}), InternalError);
}

TEST_CASE("operator: bad arguments are usage errors, samples that do not fit data errors") {
  for (const std::string text : {"banana:1",
                                 "mask",
                                 "mask:",
                                 "mask:0",
                                 "mask:1.5",
                                 "mask:-1",
                                 "box:1,2,3",
                                 "box:1,2,3,0",
                                 "box:-1,0,1,1",
                                 "box:1,2,3,4,5",
                                 "box:1,2,3,x",
                                 "blur:0",
                                 "blur:-2",
                                 "blur:1e9",
                                 "motion:5",
                                 "motion:0,3",
                                 "motion:3,400",
                                 "motion:3,nan",
                                 "downsample:0",
                                 "downsample:1.5",
                                 "downsample:x",
                                 "bicubic:-2",
                                 "radon:0",
                                 "radon:1e3",
                                 "fourier:0",
                                 "fourier:2",
                                 "fourier:0.5,rows",
                                 "fourier:0.5,lines,points",
                                 "random:0",
                                 "random:-3",
                                 "blur:-"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_operator(text), UsageError);
  }
  CHECK_THROWS_AS(parse_operator("mask:/nowhere/mask.png"), InputError);
  const ImageFile zero_sum(1, 2, {1, -1});
  CHECK_THROWS_AS(parse_operator("blur:" + zero_sum.path()), DataError);
  for (const Case& misfit :
       {Case{"downsample:2", {"HW", {5, 6}}}, Case{"bicubic:4", {"HW", {8, 6}}}, Case{"box:0,0,4,4", {"HW", {3, 9}}},
        Case{"blur:1", {"D", {9}}}, Case{"radon:3", {"HWC", {3, 4, 5}}}, Case{"downsample:1", {"D", {4}}},
        Case{"fourier:0.5", {"CTHW", {2, 2, 3, 3}}}}) {
    CAPTURE(misfit.text);
    CHECK_THROWS_AS(make(misfit.text, misfit.sample), DataError);
  }
}

}  // namespace
}  // namespace noiseutils
