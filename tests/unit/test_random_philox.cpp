#include <Random123/philox.h>
#undef philox4x32  // a macro of that header, and the name of our function
#include <doctest/doctest.h>

#include <array>
#include <cstdint>

#include "random/philox.hpp"

using namespace noiseutils;

namespace {

std::array<std::uint32_t, 4> reference(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  const philox4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
  const philox4x32_key_t k = {{key[0], key[1]}};
  const philox4x32_ctr_t r = philox4x32_R(10, c, k);
  return {r.v[0], r.v[1], r.v[2], r.v[3]};
}

}  // namespace

TEST_CASE("philox: the known answers of its authors") {
  using Words = std::array<std::uint32_t, 4>;
  const std::uint32_t ones = 0xffffffff;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({ones, ones, ones, ones}, {ones, ones}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox: equals Random123 on 10,000 counters and keys") {
  std::array<std::uint32_t, 4> counter = {1, 2, 3, 4};
  std::array<std::uint32_t, 2> key = {5, 6};
  int different = 0;
  for (int i = 0; i < 10000; ++i) {
    const auto words = philox4x32(counter, key);
    different += words != reference(counter, key);
    counter = {words[3], words[0], words[1], words[2]};
    key = {words[1], words[3]};
  }
  CHECK(different == 0);
}

TEST_CASE("philox: the key of a stream is its documented formula, and every part of it counts") {
  const StreamKey stream{0x0123456789abcdef, Purpose::sampler, 77, 0xfedcba9876543210};
  const auto words = reference({0x76543210, 0xfedcba98, 5, 0}, {0x89abcdef, 0x01234567});
  CHECK(philox_key(stream) == std::array<std::uint32_t, 2>{words[0], words[1]});
  const auto key = philox_key(stream);
  for (const StreamKey& other : {StreamKey{0x1123456789abcdef, Purpose::sampler, 77, 0xfedcba9876543210},
                                 StreamKey{0x0123456789abcdef, Purpose::train, 77, 0xfedcba9876543210},
                                 StreamKey{0x0123456789abcdef, Purpose::sampler, 77, 0x0edcba9876543210}})
    CHECK(philox_key(other) != key);
  // The sample is part of the counter, not of the key.
  CHECK(philox_key({0x0123456789abcdef, Purpose::sampler, 78, 0xfedcba9876543210}) == key);
}
