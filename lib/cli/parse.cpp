// The only file that includes CLI11: it splits the command line. Numbers are parsed by base/number.hpp, since
// CLI11 2.1.2 accepts nan, wraps negative seeds and saturates overflow.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "cli/parse.hpp"

namespace noiseutils {

RawCommandLine split_command_line(const std::vector<OptionSpec>& specs, const std::vector<std::string>& arguments) {
  CLI::App app;
  app.set_help_flag();
  std::map<std::string, CLI::Option*> options;
  for (const OptionSpec& spec : specs) {
    if (options.contains(spec.name)) continue;  // several words may share an option
    std::string spelling = "--" + spec.name;
    if (spec.letter != 0) spelling = std::string("-") + spec.letter + "," + spelling;
    CLI::Option* option = nullptr;
    if (spec.type == OptionType::flag) {
      option = app.add_flag(spelling)->disable_flag_override();
    } else {
      option = app.add_option(spelling, [](const CLI::results_t&) { return true; });
      option->type_size(1)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    options.emplace(spec.name, option);
  }
  app.allow_extras();

  // After "--" everything is a FILE, also what looks like an option or a word.
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> before(arguments.begin(), dashes);
  std::reverse(before.begin(), before.end());
  try {
    app.parse(before);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string message = error.what();
    throw UsageError(message.substr(0, message.find(':')) + " needs a value");
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }

  RawCommandLine raw;
  for (const std::string& extra : app.remaining()) {
    if (extra.size() > 1 && extra.front() == '-') throw UsageError("unknown option " + extra);
    raw.operands.push_back(extra);
  }
  if (dashes != arguments.end()) raw.files_after_dashes.assign(dashes + 1, arguments.end());
  for (const auto& [name, option] : options) {
    if (option->count() == 0) continue;
    raw.values[name] = option->results();
  }
  return raw;
}

}  // namespace noiseutils
