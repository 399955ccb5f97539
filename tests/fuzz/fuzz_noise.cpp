// The metadata `noise` of a record, with the companions it names: either laws and operators, which then can be used, or
// refused as data.
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "noise/clean_units.hpp"
#include "noise/measure.hpp"
#include "noise/noise.hpp"
#include "noise/noise_level.hpp"
#include "record_input.hpp"

using namespace noiseutils;
using nlohmann::json;

namespace {

constexpr std::int64_t kLargest = 4096;  // what claims more takes long, as it should

/// True if a shape, or a number in an argument, says more than kLargest.
bool claims_much(const json& value) {
  double elements = 1;
  if (value.is_object() && value.contains("shape") && value["shape"].is_array())
    for (const json& axis : value["shape"]) elements *= axis.is_number() ? std::max(axis.get<double>(), 1.0) : 1;
  std::size_t digits = 0;
  if (value.is_object() && value.contains("argument") && value["argument"].is_string())
    for (const char c : value["argument"].get_ref<const std::string&>())
      if ((digits = c >= '0' && c <= '9' ? digits + 1 : 0) > 3) return true;
  if (!(elements <= static_cast<double>(kLargest))) return true;
  if (value.is_structured())
    for (const json& part : value)
      if (claims_much(part)) return true;
  return false;
}

void use(const Noise& law, const std::string& text) {
  for (const double x : {0.0, 0.5, 1.0}) {
    law.mean_at(x);
    refuses([&] { law.variance_at(x); });
    law.log_likelihood(0.5, x);
  }
  noise_from_metadata(extended_noise_metadata(text, law, 0, false));
}

void use(const Operator& map) {
  std::vector<double> x(static_cast<std::size_t>(map.input().size()), 0.5);
  std::vector<double> y(static_cast<std::size_t>(map.output().size()));
  map.apply(x, y);
  map.adjoint(y, x);
  if (map.has_pseudo_inverse()) map.pseudo_inverse(y, x);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Record record;
  if (refuses([&] { record = read_record(data, size); })) return 0;
  const std::string text = record.meta("noise");
  refuses([&] {
    for (const auto& law : noise_from_metadata(text)) use(*law, text);
  });
  refuses([&] { noise_levels(record, {}); });
  if (claims_much(parse_json(text))) return 0;
  refuses([&] {
    if (const auto map = operator_of_sample(record)) use(*map);
  });
  return 0;
}
