#include "noise/clean_units.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

using nlohmann::json;

double alpha_of(const json& law) {
  if (!law.is_object() || !law.contains("alpha")) return 1;
  const json& alpha = law["alpha"];
  if (!alpha.is_number() || !(alpha.get<double>() >= 0) || !std::isfinite(alpha.get<double>()))
    throw DataError("metadata \"noise\": alpha is no number >= 0");
  return alpha.get<double>();
}

template <class Real>
Tensor divided(const Tensor& data, const std::vector<double>& alphas) {
  Tensor result = data.converted(DTypeOf<Real>::value);
  const auto values = result.mutable_values<Real>();
  const std::size_t per_sample = values.size() / alphas.size();
  for (std::size_t e = 0; e < values.size(); ++e) values[e] /= static_cast<Real>(alphas[e / per_sample]);
  return result;
}

}  // namespace

CleanUnits clean_units(const std::string& noise) {
  CleanUnits result{1, noise};
  if (noise.find("\"alpha\"") == std::string::npos) return result;
  json parsed = parse_json(noise);
  if (parsed.is_discarded()) throw DataError("metadata \"noise\" is not JSON: " + noise.substr(0, 60));
  const bool is_list = parsed.is_array();
  if (!is_list) parsed = json::array({parsed});
  for (json& law : parsed) {
    result.alpha *= alpha_of(law);
    if (result.alpha == 1) continue;
    if (!std::isfinite(result.alpha)) throw DataError("metadata \"noise\": the product of all alpha is not finite");
    const auto sigma = law.find("sigma");
    if (!law.is_object() || law.value("family", json()) != "gaussian" || sigma == law.end() || !sigma->is_number())
      throw DataError("metadata \"noise\": of scaled data only gaussian noise is understood");
    law["alpha"] = 1;
    if (result.alpha > 0) *sigma = sigma->get<double>() / result.alpha;
  }
  result.noise = (is_list ? parsed : parsed.front()).dump();
  return result;
}

void require_clean_units(const std::string& noise) {
  if (const double alpha = clean_units(noise).alpha; alpha != 1)
    throw DataError("data is alpha x + noise with alpha " + format_number(alpha) +
                    ": make it with noise diffuse --rescale, which divides by alpha");
}

void to_clean_units(Record& record) {
  const std::string text = record.meta("noise");
  if (text.find("alpha") == std::string::npos) return;
  const auto samples = metadata_of_samples(text, sample_count(record));
  std::vector<double> alphas;
  std::vector<std::string> noises;
  for (const std::string& noise : samples) {
    const CleanUnits units = clean_units(noise);
    if (units.alpha == 0) throw DataError("alpha is 0: nothing of the clean sample is left in data");
    alphas.push_back(units.alpha);
    noises.push_back(units.noise);
  }
  if (std::all_of(alphas.begin(), alphas.end(), [](double alpha) { return alpha == 1; })) return;
  const Tensor& data = record.require("data");
  Tensor result = data.dtype() == DType::F64 ? divided<double>(data, alphas) : divided<float>(data, alphas);
  record.tensors["data"] = std::move(result);
  const bool common =
      std::all_of(noises.begin(), noises.end(), [&](const std::string& noise) { return noise == noises.front(); });
  record.metadata["noise"] = common ? noises.front() : json_text(noises);
}

}  // namespace noiseutils
