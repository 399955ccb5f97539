#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cli/program.hpp"
#include "cli/rows.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// Rows of one record: equally many of each of its samples, one sample after the other. `first_sample` is the global
/// number of the first one.
using RowsOfRecord = std::function<std::vector<Row>(const Record& record, std::int64_t first_sample)>;

/// The loop of verbs that print rows of samples: each row gets the keys id and index of its sample in front. Knows
/// --first-index, --allow-nonfinite, --format and -o; refuses options of records. Returns 0.
int run_rows(const Invocation& call, const RowsOfRecord& rows_of);

}  // namespace noiseutils
