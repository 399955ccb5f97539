#include "tensor/describe.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/number.hpp"
#include "tensor/byte_input.hpp"
#include "tensor/format.hpp"
#include "tensor/reader.hpp"
#include "tensor/record_stream.hpp"

namespace noiseutils {
namespace {

struct Summary {
  double low = std::numeric_limits<double>::infinity(), high = -low, mean = 0;
  std::int64_t nonfinite = 0;
};

Summary summarise(const Tensor& tensor) {
  constexpr std::int64_t kPiece = 1 << 16;
  Summary summary;
  double sum = 0;
  const Tensor flat = tensor.reshaped({tensor.size()});
  for (std::int64_t begin = 0; begin < tensor.size(); begin += kPiece) {
    const Tensor piece = flat.slice(begin, std::min(kPiece, tensor.size() - begin)).converted(DType::F64);
    for (const double value : piece.values<double>()) {
      if (!std::isfinite(value)) {
        ++summary.nonfinite;
        continue;
      }
      summary.low = std::min(summary.low, value);
      summary.high = std::max(summary.high, value);
      sum += value;
    }
  }
  const std::int64_t finite = tensor.size() - summary.nonfinite;
  summary.mean = finite > 0 ? sum / static_cast<double>(finite) : std::nan("");
  if (finite == 0) summary.low = summary.high = std::nan("");
  return summary;
}

/// JSON has no NaN and no infinity: they are strings.
nlohmann::ordered_json number_json(double value) {
  if (std::isfinite(value)) return value;
  return format_number(value);
}

}  // namespace

std::string describe_as_json(const Record& record, std::int64_t number) {
  nlohmann::ordered_json line;
  line["record"] = number;
  line["samples"] = sample_count(record);
  if (record.find("data") != nullptr) line["axes"] = axes_of(record);
  for (const auto& [key, value] : record.metadata) {
    std::string name = key;
    std::replace(name.begin(), name.end(), '.', '_');
    line[name] = value;
  }
  for (const auto& [name, tensor] : record.tensors) {
    const Summary summary = summarise(tensor);
    line[name + "_dtype"] = dtype_name(tensor.dtype());
    line[name + "_shape"] = shape_text(tensor.shape());
    line[name + "_min"] = number_json(summary.low);
    line[name + "_max"] = number_json(summary.high);
    line[name + "_mean"] = number_json(summary.mean);
    line[name + "_nonfinite"] = summary.nonfinite;
  }
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string describe_as_text(const Record& record, std::int64_t number) {
  std::string text = "record " + std::to_string(number) + ": " + std::to_string(sample_count(record)) +
                     (sample_count(record) == 1 ? " sample" : " samples") + "\n";
  for (const auto& [name, tensor] : record.tensors) {
    const Summary summary = summarise(tensor);
    text += "  " + name + "  " + std::string(dtype_name(tensor.dtype())) + " " + shape_text(tensor.shape());
    if (name == "data") text += " " + axes_of(record);
    text += "  min " + format_number(summary.low) + "  max " + format_number(summary.high) + "  mean " +
            format_number(summary.mean);
    if (summary.nonfinite > 0) text += "  not finite: " + std::to_string(summary.nonfinite);
    text += "\n";
  }
  for (const auto& [key, value] : record.metadata)
    text += "  " + key + " = " + (value.size() > 200 ? value.substr(0, 197) + "..." : value) + "\n";
  return text;
}

StreamCheck check_files(const std::vector<std::string>& files, const ReadOptions& options) {
  StreamCheck check;
  const std::vector<std::string> operands = files.empty() ? std::vector<std::string>{"-"} : files;
  for (const std::string& path : operands) {
    ByteInput input(path);
    with_context(input.name(), [&] {
      const auto head = input.peek(512);
      const FileFormat* format = RecordStream::recognises(head) ? nullptr : format_of_content(head);
      if (format != nullptr) {
        const Bytes all = input.take_rest();
        const auto pages = format->open({all.bytes, all.keeper, all.never_written}, options);
        for (std::int64_t page = 0; page < pages->pages(); ++page) {
          const Record record = pages->read(page);
          if (!options.axes.empty()) check_axes(options.axes, record.require("data").shape());
          ++check.records;
          check.samples += sample_count(record);
          check.bytes += record.require("data").bytes();
          check.nonfinite += summarise(record.require("data")).nonfinite;
        }
        return;
      }
      RecordStream stream(input, options.max_header);
      while (const auto header = stream.next_header()) {
        ++check.records;
        for (const TensorEntry& entry : header->tensors)
          if (!options.axes.empty() && entry.name == "data") check_axes(options.axes, entry.shape);
        check.samples += samples_of(*header);
        check.bytes += header->data_bytes;
        stream.visit_body(*header, [&](const TensorEntry& entry, std::span<const std::byte> piece) {
          if (!is_float(entry.dtype)) return;
          const auto elements = static_cast<std::int64_t>(piece.size() / dtype_size(entry.dtype));
          // Elements of unaligned tensors are not looked at in place: a copy is aligned.
          Tensor view = Tensor::view(entry.dtype, {elements}, nullptr, piece.data(), false);
          if (reinterpret_cast<std::uintptr_t>(piece.data()) % dtype_size(entry.dtype) != 0) {
            Tensor copy(entry.dtype, {elements});
            std::copy(piece.begin(), piece.end(), copy.mutable_raw());
            view = copy;
          }
          if (first_nonfinite(view) >= 0) check.nonfinite += summarise(view).nonfinite;
        });
      }
    });
  }
  return check;
}

}  // namespace noiseutils
