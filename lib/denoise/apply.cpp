#include "denoise/apply.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "noise/clean_units.hpp"
#include "noise/noise_level.hpp"
#include "tensor/tensor_sink.hpp"
#include "tensor/value_range.hpp"

namespace noiseutils {
namespace {

/// Passes values on, clipped to [0, limit].
template <class Real>
class ClippingSink : public ByteSink {
 public:
  ClippingSink(ByteSink& to, double limit) : to_(to), limit_(static_cast<Real>(limit)) {}
  void write(std::span<const std::byte> bytes) override {
    const std::span values(reinterpret_cast<const Real*>(bytes.data()), bytes.size() / sizeof(Real));
    std::vector<Real> clipped(values.begin(), values.end());
    for (Real& value : clipped) value = std::clamp(value, Real(0), limit_);
    to_.write(std::as_bytes(std::span<const Real>(clipped)));
  }

 private:
  ByteSink& to_;
  Real limit_;
};

std::optional<double> clip_limit(const Record& record, bool clip) {
  if (!clip) return std::nullopt;
  const std::optional<double> limit = value_range(record);
  if (!limit) throw DataError("--clip needs to know the range of data: metadata \"range\" or \"source\"");
  return limit;
}

std::vector<KnownNoise> measured_noises(const Record& record, const DenoiseRequest& request) {
  std::vector<KnownNoise> noises;
  for (std::int64_t i = 0; i < sample_count(record); ++i)
    with_context("sample " + sample_id(record, i, i),
                 [&] { noises.push_back(request.measure(sample_axes(record), sample_of(record, "data", i))); });
  return noises;
}

/// {"family":"gaussian","sigma":S,"estimated":true}, a list of one a sample where they differ.
std::string measured_metadata(const std::vector<KnownNoise>& noises) {
  std::vector<std::string> texts;
  for (const KnownNoise& noise : noises)
    texts.push_back(json_text({{"family", "gaussian"}, {"sigma", noise.sigma}, {"estimated", true}}));
  const bool alike = std::all_of(texts.begin(), texts.end(), [&](const std::string& text) { return text == texts[0]; });
  return alike && !texts.empty() ? texts.front() : json_text(texts);
}

void produce(const Tensor& noisy, const std::vector<KnownNoise>& noises, SampleDenoiser& denoiser,
             std::optional<double> limit, ByteSink& sink) {
  if (!limit) {
    denoiser.produce_knowing(noisy, noises, sink);
  } else if (noisy.dtype() == DType::F64) {
    ClippingSink<double> clipping(sink, *limit);
    denoiser.produce_knowing(noisy, noises, clipping);
  } else {
    ClippingSink<float> clipping(sink, *limit);
    denoiser.produce_knowing(noisy, noises, clipping);
  }
}

}  // namespace

std::string model_metadata(const ModelInfo& info) {
  return nlohmann::json{{"kind", info.kind}, {"patch", info.patch}, {"samples", info.samples}}.dump();
}

std::string program_metadata() {
  return nlohmann::json{{"kind", "program"}, {"patch", 0}, {"samples", nlohmann::json::array()}}.dump();
}

void apply_denoiser(Record& record, LazyTensors& lazy, SampleDenoiser& denoiser, const DenoiseRequest& request) {
  const bool told = !request.sigma && !request.measure;
  if (told) to_clean_units(record);
  const Tensor noisy = record.require("data");
  denoiser.prepare(sample_axes(record), sample_shape(record));
  const std::vector<KnownNoise> noises =
      request.measure ? measured_noises(record, request) : known_noises(record, request.sigma);
  denoiser.check_levels(mean_levels(noises));
  const std::optional<double> limit = clip_limit(record, request.clip);
  if (request.companions) request.companions(record, noisy, noises);

  record.metadata["axes"] = axes_of(record);  // lazy data has no tensor to tell them from
  record.metadata["noise.removed"] = request.measure ? measured_metadata(noises) : known_noise(record, request.sigma);
  record.metadata.erase("noise");
  record.metadata["model"] = request.model;
  if (request.keep_noisy) record.tensors.insert_or_assign("noisy", noisy);
  const DType dtype = noisy.dtype() == DType::F64 ? DType::F64 : DType::F32;
  if (request.at_once) {
    Tensor estimates(dtype, noisy.shape());
    TensorSink sink(estimates);
    produce(noisy, noises, denoiser, limit, sink);
    record.tensors.insert_or_assign("data", estimates);
    return;
  }
  record.tensors.erase("data");
  lazy["data"] = {dtype, noisy.shape(),
                  [noisy, noises, limit, &denoiser](ByteSink& sink) { produce(noisy, noises, denoiser, limit, sink); }};
}

}  // namespace noiseutils
