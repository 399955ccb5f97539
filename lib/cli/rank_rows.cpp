#include "cli/rank_rows.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/number.hpp"
#include "base/ranks.hpp"

namespace noiseutils {
namespace {

/// [["key", value], ...]; a number that JSON has none for is ["nan"].
std::string wire_text(const Row& row) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [key, value] : row) {
    nlohmann::json json;
    if (const auto* text = std::get_if<std::string>(&value))
      json = *text;
    else if (const auto* whole = std::get_if<std::int64_t>(&value))
      json = *whole;
    else if (const double number = std::get<double>(value); std::isfinite(number))
      json = number;
    else
      json = nlohmann::json::array({format_number(number)});
    list.push_back({key, json});
  }
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Row row_from_wire(const std::string& line) {
  Row row;
  for (const auto& pair : nlohmann::json::parse(line)) {
    const auto& json = pair.at(1);
    RowValue value;
    if (json.is_string())
      value = json.get<std::string>();
    else if (json.is_number_integer())
      value = json.get<std::int64_t>();
    else
      value = json.is_array() ? std::strtod(json.at(0).get<std::string>().c_str(), nullptr) : json.get<double>();
    row.emplace_back(pair.at(0).get<std::string>(), value);
  }
  return row;
}

}  // namespace

RankRows::RankRows(const std::string& format, const std::string& path) {
  if (ranks().is_first()) output_.emplace(format, path);
}

void RankRows::add(const Row& row) {
  if (output_)
    output_->add(row);
  else
    held_ += wire_text(row);
}

void RankRows::flush() {
  if (output_) output_->flush();
}

void RankRows::gather() {
  if (!output_) {
    ranks().send(0, std::as_bytes(std::span(held_)));
    held_.clear();
    return;
  }
  for (int rank = 1; rank < ranks().size(); ++rank) {
    const auto bytes = ranks().receive(rank);
    std::istringstream lines(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    for (std::string line; std::getline(lines, line);) output_->add(row_from_wire(line));
    output_->flush();
  }
}

void RankRows::finish() {
  if (output_) output_->finish();
}

}  // namespace noiseutils
