#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/option.hpp"

namespace noiseutils {

/// A command line after all checks.
struct Invocation {
  std::string program;
  std::vector<std::string> words;
  OptionValues options;
  std::vector<std::string> files;

  /// "noise gaussian": what messages call this run.
  std::string title() const;
};

/// One of the programs, declared as data: parsing, --help, completion and the check of its man page all come from here.
struct Program {
  enum class Words {
    none,  ///< the program has no words
    at_most_one,
    exactly_one,
    any_number,  ///< at least one
  };

  std::string name;
  std::string summary;    ///< one line
  std::string word_kind;  ///< "family", "metric", "verb": what a word is called in messages
  Words word_use = Words::none;
  std::vector<Word> words;
  /// Titles in the list of words, each above the word it is filed under; none: one list.
  std::map<std::string, std::string, std::less<>> headings = {};
  std::string default_word;  ///< with at_most_one: taken where none is typed
  /// Options that choose a word, one that has them, where none is typed: instead of the default.
  std::map<std::string, std::string, std::less<>> word_of_option = {};
  std::vector<OptionSpec> options;  ///< of the program, whatever the word but those of `without`
  /// Options of the program that mean nothing to a word, by that word: refused with it, and absent from its help.
  std::map<std::string, std::vector<std::string>, std::less<>> without = {};
  std::string operands = "[FILE...]";
  int (*run)(const Invocation& call) = nullptr;  ///< returns 0, or 1 for a threshold missed; throws Error
};

/// The options of the program that stand beside `words`: all but those of `without`.
std::vector<OptionSpec> options_beside(const Program& program, const std::vector<std::string>& words);

/// Parses `arguments` (without argv[0]) by the grammar PROGRAM [WORD...] [options] [--] [FILE...]. Throws UsageError.
Invocation parse_invocation(const Program& program, const std::vector<std::string>& arguments);

/// The text of --help; with a word, of that word alone.
std::string help_text(const Program& program, const std::vector<std::string>& words);

/// A bash completion script for the program.
std::string completion_text(const Program& program);

/// The text of --version: name and version; as JSON also wire version, libraries, instruction set, licence of this
/// binary.
std::string version_text(const Program& program, bool json);

/// main() of every program: parses, runs, and turns every exception into one line on stderr and an exit code.
int tool_main(int argc, char** argv, const Program& program);

}  // namespace noiseutils
