#pragma once

#include "cli/program.hpp"
#include "metric/sample_set.hpp"

namespace noiseutils {

/// --max-size MIB of sample_rows(), whose rows are doubles whatever the samples are: the name and the default of
/// max_size_option(), another unit.
OptionSpec rows_size_option();

/// All samples of the call's FILEs (--use names the tensor), as rows of doubles in memory. DataError where they are
/// noisy, are more than --max-size (rows_size_option()), or fewer than `least`.
SampleRows sample_rows(const Invocation& call, std::int64_t least);

}  // namespace noiseutils
