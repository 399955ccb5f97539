#include "tensor/safetensors.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"

namespace noiseutils {
namespace {

/// Walks the header's JSON event by event. A tree would not do: it keeps the last of duplicate keys and turns large
/// integers into doubles.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  RecordHeader header;

  bool key(string_t& text) override {
    if (place_ == Place::top) {
      if (!names_.insert(text).second) throw DataError("\"" + text + "\" stands twice");
      name_ = text;
    } else if (place_ == Place::metadata) {
      if (header.metadata.contains(text)) throw DataError("metadata \"" + text + "\" stands twice");
      name_ = text;
    } else {
      if (text != "dtype" && text != "shape" && text != "data_offsets")
        throw DataError("tensor \"" + name_ + "\" has an unknown field \"" + text + "\"");
      if (!fields_.insert(text).second) throw DataError("tensor \"" + name_ + "\" has \"" + text + "\" twice");
      field_ = text;
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::start) {
      place_ = Place::top;
    } else if (place_ == Place::top && name_ == "__metadata__") {
      place_ = Place::metadata;
    } else if (place_ == Place::top) {
      place_ = Place::tensor;
      fields_.clear();
      offsets_.clear();
      entry_ = TensorEntry{};
      entry_.name = name_;
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      if (fields_.size() != 3) throw DataError("tensor \"" + name_ + "\" lacks dtype, shape or data_offsets");
      if (offsets_.size() != 2) throw DataError("tensor \"" + name_ + "\" has not two data_offsets");
      entry_.begin = offsets_[0];
      entry_.end = offsets_[1];
      header.tensors.push_back(std::move(entry_));
      place_ = Place::top;
    } else if (place_ == Place::metadata) {
      place_ = Place::top;
    } else {
      place_ = Place::done;
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || field_ == "dtype") unexpected("an array");
    place_ = Place::array;
    return true;
  }

  bool end_array() override {
    place_ = Place::tensor;
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == Place::metadata) {
      header.metadata.emplace(name_, text);
    } else if (place_ == Place::tensor && field_ == "dtype") {
      const auto dtype = dtype_from_name(text);
      if (!dtype) throw DataError("tensor \"" + name_ + "\" has the unknown dtype \"" + text + "\"");
      entry_.dtype = *dtype;
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::array) unexpected("a number");
    if (field_ == "shape") {
      if (value > std::uint64_t{1} << 62) throw DataError("tensor \"" + name_ + "\" has an axis that is too large");
      entry_.shape.push_back(static_cast<std::int64_t>(value));
    } else {
      offsets_.push_back(value);
    }
    return true;
  }

  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return unexpected("a number that is not whole"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool null() override { return unexpected("null"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    throw DataError("is not valid JSON at byte " + std::to_string(position));
  }

 private:
  enum class Place { start, top, metadata, tensor, array, done };

  bool unexpected(const std::string& what) const {
    switch (place_) {
      case Place::start:
        throw DataError("is " + what + ", expected an object");
      case Place::metadata:
        throw DataError("metadata \"" + name_ + "\" is " + what + ", expected a string");
      case Place::array:
      case Place::tensor:
        throw DataError("tensor \"" + name_ + "\" has " + what + " in \"" + field_ + "\"");
      default:
        throw DataError("\"" + name_ + "\" is " + what + ", expected an object");
    }
  }

  Place place_ = Place::start;
  std::string name_, field_;
  std::set<std::string> names_, fields_;
  std::vector<std::uint64_t> offsets_;
  TensorEntry entry_;
};

void check_tiling(RecordHeader& header) {
  std::sort(header.tensors.begin(), header.tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t position = 0;
  for (const TensorEntry& entry : header.tensors) {
    const std::string who = "tensor \"" + entry.name + "\"";
    const auto elements = with_context(who, [&] { return static_cast<std::uint64_t>(element_count(entry.shape)); });
    if (entry.end < entry.begin || entry.end - entry.begin != elements * dtype_size(entry.dtype))
      throw DataError(who + " has shape " + shape_text(entry.shape) + " and dtype " +
                      std::string(dtype_name(entry.dtype)) + ", but data_offsets [" + std::to_string(entry.begin) +
                      "," + std::to_string(entry.end) + "]");
    if (entry.begin != position)
      throw DataError(who + " begins at byte " + std::to_string(entry.begin) + ", expected " +
                      std::to_string(position) + (entry.begin > position ? " (a hole)" : " (an overlap)"));
    position = entry.end;
  }
  header.data_bytes = position;
}

}  // namespace

RecordHeader parse_record_header(std::string_view json) {
  return with_context("record header", [&] {
    if (json.empty() || json.front() != '{') throw DataError("does not begin with {");
    // The JSON lexer takes a NUL for the end of its input: bytes after it would go unread.
    if (json.find('\0') != std::string_view::npos) throw DataError("has a NUL byte");
    HeaderHandler handler;
    nlohmann::json::sax_parse(json.begin(), json.end(), &handler);
    check_tiling(handler.header);
    return std::move(handler.header);
  });
}

void lay_out(RecordHeader& header) {
  std::sort(header.tensors.begin(), header.tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
    const auto size_a = dtype_size(a.dtype), size_b = dtype_size(b.dtype);
    return size_a != size_b ? size_a > size_b : a.name < b.name;
  });
  std::uint64_t position = 0;
  for (TensorEntry& entry : header.tensors) {
    entry.begin = position;
    position += static_cast<std::uint64_t>(element_count(entry.shape)) * dtype_size(entry.dtype);
    entry.end = position;
  }
  header.data_bytes = position;
}

std::string format_record_header(const RecordHeader& header) {
  const auto quoted = [](const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  std::string json = "{";
  const char* comma = "";
  if (!header.metadata.empty()) {
    json += "\"__metadata__\":{";
    for (const auto& [key, value] : header.metadata) {
      json += comma + quoted(key) + ":" + quoted(value);
      comma = ",";
    }
    json += "}";
    comma = ",";
  }
  for (const TensorEntry& entry : header.tensors) {
    json += comma + quoted(entry.name) + ":{\"dtype\":\"" + std::string(dtype_name(entry.dtype)) +
            "\",\"shape\":" + shape_text(entry.shape) + ",\"data_offsets\":[" + std::to_string(entry.begin) + "," +
            std::to_string(entry.end) + "]}";
    comma = ",";
  }
  json += "}";
  const std::size_t total = (8 + json.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment;
  if (total - 8 > kMaxHeader) throw DataError("the record's header would exceed 100,000,000 bytes");
  json.resize(total - 8, ' ');
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(json.size() >> (8 * i));
  return bytes + json;
}

}  // namespace noiseutils
