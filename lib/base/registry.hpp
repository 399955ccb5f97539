#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace noiseutils {

/// "a, b, c": the names of a list of entries, for messages and help.
template <class Entries>
std::string names_of(const Entries& entries) {
  std::string all;
  for (const auto& entry : entries) {
    if (!all.empty()) all += ", ";
    all += entry.name;
  }
  return all;
}

/// The entry called `name`, or nullptr. Registries are plain vectors of entries, each with a member `name`,
/// listed by hand in one file a folder: a linker may drop self-registering objects of a static library, a list it
/// cannot.
template <class Entry>
const Entry* find_entry(const std::vector<Entry>& entries, std::string_view name) {
  for (const auto& entry : entries)
    if (entry.name == name) return &entry;
  return nullptr;
}

/// The entry called `name`; else throws ErrorType "unknown KIND "name" (known: a, b, c)".
template <class ErrorType, class Entry>
const Entry& require_entry(const std::vector<Entry>& entries, std::string_view name, std::string_view kind) {
  if (const Entry* entry = find_entry(entries, name)) return *entry;
  throw ErrorType("unknown " + std::string(kind) + " \"" + std::string(name) + "\" (known: " + names_of(entries) + ")");
}

}  // namespace noiseutils
