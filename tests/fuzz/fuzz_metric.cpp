// What metric --state writes and metric merge reads: any text is either a state, and then can be merged with itself,
// summarised and written again, or is refused as data.
#include <nlohmann/json.hpp>

#include "metric/pool_state.hpp"
#include "record_input.hpp"

using namespace noiseutils;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  MergedPools once;
  if (refuses([&] { once.add(text); })) return 0;
  once.add(text);
  for (const MetricPool& pool : once.pools()) pool.summary();
  const std::string written = state_text(once.pools());
  MergedPools again;
  again.add(written);
  if (state_text(again.pools()) != written) std::abort();
  return 0;
}
