#include "model/external_denoiser.hpp"

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "tensor/safetensors.hpp"
#include "tensor/stream_writer.hpp"

namespace noiseutils {
namespace {

class BufferSink : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

Record request_record(const std::string& axes, const Tensor& noisy, double sigma, const std::string& label) {
  Record record;
  record.tensors.emplace("data", noisy.converted(DType::F64));
  record.metadata["axes"] = axes;
  record.metadata["noise"] = json_text({{"family", "gaussian"}, {"sigma", sigma}});
  if (!label.empty()) record.metadata["class"] = label;
  set_stream_position(record, {0, axes.starts_with('N') ? noisy.axis(0) : 1, true});
  return record;
}

/// Follows one record as its bytes arrive.
class Answer {
 public:
  std::size_t missing(std::span<const std::byte> got) {
    if (got.size() < 8) return 8 - got.size();
    if (!header_) {
      std::uint64_t length = 0;
      for (std::size_t i = 0; i < 8; ++i) length |= std::uint64_t{std::to_integer<std::uint8_t>(got[i])} << (8 * i);
      if (length > kMaxHeader) throw DataError("what came is no record");
      begin_ = 8 + static_cast<std::size_t>(length);
      if (got.size() < begin_) return begin_ - got.size();
      header_ = parse_record_header({reinterpret_cast<const char*>(got.data()) + 8, begin_ - 8});
    }
    return begin_ + static_cast<std::size_t>(header_->data_bytes) - got.size();
  }

  Tensor data(std::span<const std::byte> got) const {
    for (const TensorEntry& entry : header_->tensors) {
      if (entry.name != "data") continue;
      if (!is_float(entry.dtype)) throw DataError("data has type " + std::string(dtype_name(entry.dtype)));
      Tensor tensor(entry.dtype, entry.shape);
      if (tensor.bytes() != 0) std::memcpy(tensor.mutable_raw(), got.data() + begin_ + entry.begin, tensor.bytes());
      return tensor;
    }
    throw DataError("the record has no tensor \"data\"");
  }

 private:
  std::optional<RecordHeader> header_;
  std::size_t begin_ = 0;  ///< of the tensors' bytes
};

}  // namespace

Tensor ExternalDenoiser::estimate(const std::string& axes, const Tensor& noisy, double sigma,
                                  const std::string& label) {
  BufferSink request;
  write_record(request, request_record(axes, noisy, sigma, label), {});
  try {
    Answer answer;
    const auto bytes =
        process_.exchange(request.bytes(), [&](std::span<const std::byte> got) { return answer.missing(got); });
    const Tensor data = answer.data(bytes);
    if (data.shape() != noisy.shape())
      throw DataError("data has shape " + shape_text(data.shape()) + ", asked for " + shape_text(noisy.shape()));
    if (const std::int64_t element = first_nonfinite(data); element >= 0)
      throw DataError("data is not finite at element " + std::to_string(element));
    return data.converted(DType::F64);
  } catch (const DataError& error) {  // the helper's fault, not that of our input
    process_.fail(std::string("bad answer: ") + error.what());
  }
}

}  // namespace noiseutils
