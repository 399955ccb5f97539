#pragma once

#include <vector>

#include "base/option.hpp"

namespace noiseutils {

/// --help --version --json --completion --threads: of every program.
std::vector<OptionSpec> universal_options();
/// How input is read: --axes --bits --raw --scale --drop-alpha --stack --max-header --allow-nonfinite.
std::vector<OptionSpec> input_options();
/// Where records go: -o --depth --no-history --progress.
std::vector<OptionSpec> output_options();
/// --resume: of programs whose loop is run_filter() or run_source().
OptionSpec resume_option();
/// --first-index: the number of the first sample, for array jobs.
OptionSpec first_index_option();
/// --seed.
OptionSpec seed_option();

/// --copies, --keep-clean and --immiscible: of what adds noise.
OptionSpec copies_option();
OptionSpec keep_clean_option();
OptionSpec immiscible_option();

/// The lists one after the other.
template <class List, class... Lists>
List joined(List all, const Lists&... lists) {
  (all.insert(all.end(), lists.begin(), lists.end()), ...);
  return all;
}

}  // namespace noiseutils
