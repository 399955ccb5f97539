#include "base/error.hpp"
#include "base/threads.hpp"
#include "cli/row_filter.hpp"
#include "cli/score_verbs.hpp"
#include "score/path_geometry.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kDirections = 3;

Row row_of(const PathGeometry& path) {
  Row row{{"steps", path.steps},         {"length", path.length},      {"chord", path.chord},
          {"stretch", path.stretch()},   {"turning", path.turning},    {"largest_angle", path.largest_angle},
          {"curvature", path.curvature}, {"deviation", path.deviation}};
  for (std::size_t k = 0; k < path.explained.size(); ++k)
    row.emplace_back("explained_" + std::to_string(k + 1), path.explained[k]);
  return row;
}

int run_straightness(const Invocation& call) {
  return run_rows(call, [](const Record& record, std::int64_t) {
    const std::string axes = sample_axes(record);
    const Shape shape = sample_shape(record);
    if (!axes.starts_with('T'))
      throw DataError("has axes " + axes +
                      ": a path has its states along a leading axis T, as sample --trajectory "
                      "writes them (a file such as .npy names no axes: give --axes NTHW or the like, or take .nst)");
    const std::int64_t dim = element_count(shape) / shape.front();
    std::vector<Row> rows(static_cast<std::size_t>(sample_count(record)));
    parallel_blocks(static_cast<std::int64_t>(rows.size()), [&](std::int64_t i) {
      const Tensor states = sample_of(record, "data", i).converted(DType::F64);
      rows[static_cast<std::size_t>(i)] = row_of(path_geometry(states.values<double>(), dim, kDirections));
    });
    return rows;
  });
}

}  // namespace

Verb straightness_verb() {
  return {{"straightness", "how straight the trajectories of samples are, one row a sample", {format_option()}},
          run_straightness,
          {"sigma", "alpha", "resume", "depth", "no-history", "progress"}};
}

}  // namespace noiseutils
