#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "tensor/tensor.hpp"

namespace noiseutils {
namespace {

const std::vector<DType> kAll = {DType::F64, DType::F32, DType::F16, DType::BF16, DType::I64, DType::U64, DType::I32,
                                 DType::U32, DType::I16, DType::U16, DType::I8,   DType::U8,  DType::BOOL};

std::vector<double> as_doubles(const Tensor& tensor) {
  const Tensor wide = tensor.converted(DType::F64);
  const auto values = wide.values<double>();
  return {values.begin(), values.end()};
}

template <class To>
To one(double value) {
  const Tensor tensor = Tensor::of<double>({1}, {value}).converted(DTypeOf<To>::value);
  return tensor.values<To>()[0];
}

TEST_CASE("dtype: names and sizes are those of safetensors") {
  for (const DType dtype : kAll) CHECK(dtype_from_name(dtype_name(dtype)) == dtype);
  CHECK(dtype_size(DType::F64) == 8);
  CHECK(dtype_size(DType::BF16) == 2);
  CHECK(dtype_size(DType::BOOL) == 1);
  CHECK(dtype_name(DType::BOOL) == "BOOL");
  CHECK_FALSE(dtype_from_name("f32").has_value());
  CHECK_FALSE(dtype_from_name("").has_value());
  CHECK(is_float(DType::F16));
  CHECK_FALSE(is_float(DType::I64));
}

TEST_CASE("tensor: element_count never overflows") {
  CHECK(element_count({}) == 1);
  CHECK(element_count({3, 0, 5}) == 0);
  CHECK(element_count({3, 4, 5}) == 60);
  const std::int64_t big = std::int64_t{1} << 62;
  CHECK(element_count({big}) == big);
  CHECK_THROWS_AS(element_count({big + 1}), DataError);
  CHECK_THROWS_AS(element_count({1 << 30, 1 << 30, 8}), DataError);
  CHECK_THROWS_AS(element_count({big, big, 0}), DataError);
  CHECK_THROWS_AS(element_count({-1}), DataError);
  CHECK_THROWS_AS(element_count({std::numeric_limits<std::int64_t>::min(), 0}), DataError);
  CHECK_THROWS_AS(Tensor(DType::F64, {big}), DataError);
  CHECK(shape_text({3, 512, 512}) == "[3,512,512]");
  CHECK(shape_text({}) == "[]");
}

TEST_CASE("tensor: owned bytes are aligned to 64") {
  for (const std::int64_t size : {0, 1, 3, 100, 1 << 20}) {
    Tensor tensor(DType::U8, {size});
    CHECK(reinterpret_cast<std::uintptr_t>(tensor.raw()) % 64 == 0);
    tensor.mutable_raw();
  }
  Tensor large(DType::F32, {1 << 20});
  CHECK(reinterpret_cast<std::uintptr_t>(large.raw()) % (2 << 20) == 0);
  std::memset(large.mutable_raw(), 1, large.bytes());
  CHECK(Tensor().size() == 0);
}

TEST_CASE("tensor: copies share until one is written") {
  Tensor a = Tensor::of<float>({2, 2}, {1, 2, 3, 4});
  Tensor b = a;
  CHECK(a.raw() == b.raw());
  b.mutable_values<float>()[0] = 9;
  CHECK(a.values<float>()[0] == 1);
  CHECK(b.values<float>()[0] == 9);
  const std::byte* before = a.raw();
  a.mutable_values<float>()[1] = 5;
  CHECK(a.raw() == before);
  Tensor row = a.at(1);
  CHECK(row.raw() == before + 8);
  row.mutable_values<float>()[0] = 7;
  CHECK(a.values<float>()[2] == 3);
}

TEST_CASE("tensor: a view is never written") {
  const auto memory = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3});
  const auto* bytes = reinterpret_cast<const std::byte*>(memory->data());
  Tensor view = Tensor::view(DType::F32, {3}, memory, bytes, true);
  CHECK(view.never_written());
  CHECK(view.raw() == bytes);
  CHECK(view.slice(1, 2).never_written());
  view.mutable_values<float>()[0] = 5;
  CHECK_FALSE(view.never_written());
  CHECK((*memory)[0] == 1);
  CHECK(memory.use_count() == 1);
}

TEST_CASE("tensor: a view of bytes that are not aligned is a copy") {
  const auto memory = std::make_shared<std::vector<char>>(13);
  const float value = 2.5F;
  std::memcpy(memory->data() + 1, &value, 4);
  const Tensor view =
      Tensor::view(DType::F32, {1}, memory, reinterpret_cast<const std::byte*>(memory->data() + 1), true);
  CHECK(view.values<float>()[0] == 2.5F);
  CHECK_FALSE(view.never_written());
}

TEST_CASE("tensor: slices, elements and shapes share the bytes") {
  const Tensor a = Tensor::of<std::int32_t>({3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK(as_doubles(a.slice(1, 2)) == std::vector<double>{3, 4, 5, 6});
  CHECK(a.slice(3, 0).size() == 0);
  CHECK(a.slice(1, 2).raw() == a.raw() + 8);
  CHECK(a.at(2).shape() == Shape{2});
  CHECK(a.reshaped({6}).at(5).shape().empty());
  CHECK(a.reshaped({6}).at(5).values<std::int32_t>()[0] == 6);
  CHECK_THROWS_AS(a.slice(2, 2), InternalError);
  CHECK_THROWS_AS(a.slice(-1, 1), InternalError);
  CHECK_THROWS_AS(a.slice(1, std::numeric_limits<std::int64_t>::max()), InternalError);
  CHECK_THROWS_AS(a.at(3), InternalError);
  CHECK_THROWS_AS(a.reshaped({4}), InternalError);
  CHECK_THROWS_AS(a.values<float>(), InternalError);
}

TEST_CASE("tensor: small integers survive every pair of types") {
  const Tensor bits = Tensor::of<double>({2}, {0, 1});
  const Tensor small = Tensor::of<double>({5}, {0, 1, 2, 100, 127});
  for (const DType from : kAll) {
    for (const DType to : kAll) {
      const bool boolean = from == DType::BOOL || to == DType::BOOL;
      const Tensor& values = boolean ? bits : small;
      CHECK(as_doubles(values.converted(from).converted(to)) == as_doubles(values));
    }
  }
}

TEST_CASE("tensor: reals become integers rounded to even, saturated, NaN 0") {
  CHECK(one<std::uint8_t>(0.5) == 0);
  CHECK(one<std::uint8_t>(1.5) == 2);
  CHECK(one<std::uint8_t>(2.5) == 2);
  CHECK(one<std::uint8_t>(-3) == 0);
  CHECK(one<std::uint8_t>(255.6) == 255);
  CHECK(one<std::int8_t>(-1e9) == -128);
  CHECK(one<std::int16_t>(std::numeric_limits<double>::infinity()) == 32767);
  CHECK(one<std::int32_t>(-std::numeric_limits<double>::infinity()) == std::numeric_limits<std::int32_t>::min());
  CHECK(one<std::uint32_t>(4294967295.4) == 4294967295U);
  CHECK(one<std::int64_t>(9.3e18) == std::numeric_limits<std::int64_t>::max());
  CHECK(one<std::int64_t>(-9.3e18) == std::numeric_limits<std::int64_t>::min());
  CHECK(one<std::int64_t>(-4.5) == -4);
  CHECK(one<std::uint64_t>(1e30) == std::numeric_limits<std::uint64_t>::max());
  CHECK(one<std::uint64_t>(-0.6) == 0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(one<std::uint8_t>(nan) == 0);
  CHECK(one<std::int32_t>(nan) == 0);
  CHECK(one<std::uint64_t>(nan) == 0);
  for (const DType dtype : {DType::I32, DType::U32, DType::I64, DType::U64}) {
    const Tensor tensor = Tensor::of<float>({2}, {3e38F, -3e38F}).converted(dtype);
    const double sign = dtype == DType::I32 || dtype == DType::I64 ? 1 : 0;
    CHECK(as_doubles(tensor)[0] >= 0x1p31 - 1);
    CHECK(as_doubles(tensor)[1] <= sign * -0x1p31);
  }
}

TEST_CASE("tensor: integers saturate into integers") {
  const Tensor values = Tensor::of<std::int64_t>({3}, {-5, 300, std::numeric_limits<std::int64_t>::max()});
  CHECK(as_doubles(values.converted(DType::U8)) == std::vector<double>{0, 255, 255});
  CHECK(as_doubles(values.converted(DType::I8)) == std::vector<double>{-5, 127, 127});
  CHECK(values.converted(DType::U64).values<std::uint64_t>()[2] == 9223372036854775807U);
  const Tensor top = Tensor::of<std::uint64_t>({1}, {std::numeric_limits<std::uint64_t>::max()});
  CHECK(top.converted(DType::I64).values<std::int64_t>()[0] == std::numeric_limits<std::int64_t>::max());
  CHECK(top.converted(DType::I32).values<std::int32_t>()[0] == std::numeric_limits<std::int32_t>::max());
}

TEST_CASE("tensor: BOOL is true where the element is not 0, NaN is false") {
  const Tensor values = Tensor::of<double>({4}, {0, 0.2, -7, std::nan("")});
  CHECK(as_doubles(values.converted(DType::BOOL)) == std::vector<double>{0, 1, 1, 0});
}

/// The nearest of all 65536 values of a 16-bit type, ties to the even pattern: the definition itself.
std::uint16_t nearest_by_search(const std::vector<double>& finite, double value) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < finite.size(); ++i) {
    const double here = std::abs(finite[i] - value);
    const double there = std::abs(finite[best] - value);
    if (here < there || (here == there && i % 2 == 0)) best = i;
  }
  return static_cast<std::uint16_t>(best);
}

TEST_CASE("tensor: F16 and BF16 keep all their own values and round others to the nearest even") {
  for (const DType dtype : {DType::F16, DType::BF16}) {
    Tensor all(DType::U16, {65536});
    for (std::size_t i = 0; i < 65536; ++i) all.mutable_values<std::uint16_t>()[i] = static_cast<std::uint16_t>(i);
    const Tensor halves = Tensor::view(dtype, {65536}, std::make_shared<Tensor>(all), all.raw(), false);
    for (const DType through : {DType::F32, DType::F64}) {
      const Tensor back = halves.converted(through).converted(dtype);
      const auto wide = as_doubles(halves);
      std::size_t differ = 0;
      for (std::size_t i = 0; i < 65536; ++i) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, back.raw() + 2 * i, 2);
        if (std::isnan(wide[i])) {
          differ += std::isnan(as_doubles(back.slice(static_cast<std::int64_t>(i), 1))[0]) ? 0 : 1;
        } else {
          differ += bits != i ? 1 : 0;
        }
      }
      CHECK(differ == 0);
    }
    // Midpoints and their neighbours, over the positive finite values and one above.
    const std::size_t finite_count = dtype == DType::F16 ? 0x7c00 : 0x7f80;
    auto finite = as_doubles(halves.slice(0, static_cast<std::int64_t>(finite_count)));
    finite.push_back(2 * finite.back() - finite[finite_count - 2]);  // infinity rounds as the next power of two
    std::vector<double> probes;
    std::vector<std::uint16_t> expected;
    for (std::size_t i = 0; i + 1 < finite.size(); ++i) {
      const double middle = (finite[i] + finite[i + 1]) / 2;
      const auto even = static_cast<std::uint16_t>(i % 2 == 0 ? i : i + 1);
      probes.insert(probes.end(), {middle, std::nextafter(middle, 0), std::nextafter(middle, 1e300)});
      expected.insert(expected.end(), {even, static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(i + 1)});
    }
    CHECK(nearest_by_search(finite, probes[301]) == expected[301]);
    const Tensor rounded = Tensor::of<double>({static_cast<std::int64_t>(probes.size())}, probes).converted(dtype);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < probes.size(); ++i) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, rounded.raw() + 2 * i, 2);
      wrong += bits != expected[i] ? 1 : 0;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("tensor: 64-bit integers round once on their way to BF16") {
  const std::int64_t tie = (std::int64_t{1} << 62) + (std::int64_t{1} << 54);
  const Tensor values = Tensor::of<std::int64_t>({4}, {tie - 1, tie, tie + 1, -tie - 1});
  const double base = 0x1p62;
  const double up = 0x1p62 + 0x1p55;
  CHECK(as_doubles(values.converted(DType::BF16)) == std::vector<double>{base, base, up, -up});
  const Tensor top = Tensor::of<std::uint64_t>({1}, {std::numeric_limits<std::uint64_t>::max()});
  CHECK(as_doubles(top.converted(DType::BF16)) == std::vector<double>{0x1p64});
}

TEST_CASE("tensor: the first non-finite element is found wherever it is") {
  for (const DType dtype : {DType::F64, DType::F32, DType::F16, DType::BF16}) {
    for (const std::int64_t size : {1, 5, 4095, 4097, 10000}) {
      Tensor zeros(DType::F64, {size});
      for (double& value : zeros.mutable_values<double>()) value = -1.5;
      CHECK(first_nonfinite(zeros.converted(dtype)) == -1);
      for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
        Tensor spoilt = zeros;
        spoilt.mutable_values<double>()[static_cast<std::size_t>(size - 1)] = bad;
        CHECK(first_nonfinite(spoilt.converted(dtype)) == size - 1);
      }
    }
  }
  CHECK(first_nonfinite(Tensor::of<std::uint8_t>({2}, {255, 255})) == -1);
}

}  // namespace
}  // namespace noiseutils
