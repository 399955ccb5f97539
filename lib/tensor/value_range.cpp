#include "tensor/value_range.hpp"

#include "base/error.hpp"
#include "base/number.hpp"
#include "tensor/image_values.hpp"

namespace noiseutils {

std::optional<double> value_range(const Record& record) {
  if (const std::string range = record.meta("range"); !range.empty()) {
    double value = 0;
    try {
      value = parse_number(range);
    } catch (const UsageError&) {  // reported below, as a matter of data
    }
    if (value <= 0) throw DataError("metadata \"range\" is \"" + range + "\", expected a positive number");
    return value;
  }
  const auto source = source_of(record);
  if (!source || source->is_float) return std::nullopt;
  return source->full_scale() / source->scale;
}

}  // namespace noiseutils
