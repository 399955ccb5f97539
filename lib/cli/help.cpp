#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.hpp"
#include "base/ranks.hpp"
#include "base/registry.hpp"
#include "cli/program.hpp"
#include "cli/standard_options.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kHelpWidth = 100;
constexpr std::size_t kHelpColumn = 26;
constexpr std::size_t kLongestChoices = 50;  // longer lists stand, wrapped, beside the option instead of in it

/// Wraps `text` to kHelpWidth, each line but the first indented to kHelpColumn. A newline stays one.
std::string wrapped(const std::string& text) {
  if (const std::size_t newline = text.find('\n'); newline != std::string::npos)
    return wrapped(text.substr(0, newline)) + "\n" + std::string(kHelpColumn, ' ') + wrapped(text.substr(newline + 1));
  std::istringstream words(text);
  std::string word, result;
  std::size_t column = kHelpColumn;
  while (words >> word) {
    if (column + word.size() + 1 > kHelpWidth && column > kHelpColumn) {
      result += "\n" + std::string(kHelpColumn, ' ');
      column = kHelpColumn;
    } else if (!result.empty()) {
      result += " ";
      ++column;
    }
    result += word;
    column += word.size();
  }
  return result;
}

std::string row(const std::string& left, const std::string& right) {
  std::string line = "  " + left;
  if (line.size() + 2 > kHelpColumn)
    line += "\n" + std::string(kHelpColumn, ' ');
  else
    line.resize(kHelpColumn, ' ');
  return line + wrapped(right) + "\n";
}

std::string option_row(const OptionSpec& spec) {
  std::string left = spec.letter != 0 ? std::string("-") + spec.letter + ", --" + spec.name : "    --" + spec.name;
  // What belongs to the option stands behind the first line of its help; further lines list what its value may be.
  const std::size_t first_line = std::min(spec.help.find('\n'), spec.help.size());
  std::string right = spec.help.substr(0, first_line);
  if (spec.type == OptionType::choice && spec.metavar.size() > kLongestChoices) {
    left += " NAME";
    right += ";";
    for (const std::string& name : spec.choices) right += (&name == &spec.choices.front() ? " one of " : ", ") + name;
  } else if (!spec.metavar.empty()) {
    left += " " + spec.metavar;
  }
  if (const std::string range = range_text(spec); !range.empty()) right += "; " + range;
  if (spec.repeatable) right += "; may be repeated";
  if (!spec.fallback.empty()) right += " [default: " + spec.fallback + "]";
  right += spec.help.substr(first_line);
  return row(left, right);
}

std::string option_rows(const std::string& title, const std::vector<OptionSpec>& options) {
  if (options.empty()) return "";
  std::string rows = "\n" + title + "\n";
  for (const OptionSpec& spec : options) rows += option_row(spec);
  return rows;
}

std::string synopsis(const Program& program, const std::string& words) {
  return "Usage: " + program.name + (words.empty() ? "" : " " + words) + " [options] [--] " + program.operands + "\n";
}

std::string word_placeholder(const Program& program) {
  std::string upper = program.word_kind;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  switch (program.word_use) {
    case Program::Words::none:
      return "";
    case Program::Words::at_most_one:
      return "[" + upper + "]";
    case Program::Words::exactly_one:
      return upper;
    case Program::Words::any_number:
      return upper + "...";
  }
  return "";
}

std::string option_words(const std::vector<OptionSpec>& options) {
  std::string words;
  for (const OptionSpec& spec : options) {
    words += " --" + spec.name;
    if (spec.letter != 0) words += std::string(" -") + spec.letter;
  }
  return words;
}

}  // namespace

std::string help_text(const Program& program, const std::vector<std::string>& words) {
  std::string help;
  if (words.empty()) {
    help = synopsis(program, word_placeholder(program)) + program.name + ": " + program.summary + "\n";
    if (!program.words.empty()) {
      help += "\nEach " + program.word_kind + " (" + program.name + " NAME --help shows its options):\n";
      for (const Word& word : program.words) {
        if (const auto title = program.headings.find(word.name); title != program.headings.end())
          help += title->second + ":\n";
        help += row(word.name, word.summary + (word.name == program.default_word ? " [default]" : ""));
      }
    }
  } else {
    std::string all;
    for (const std::string& name : words) all += (all.empty() ? "" : " ") + name;
    help = synopsis(program, all);
    for (const std::string& name : words) {
      const Word& word = *find_entry(program.words, name);
      help += word.name + ": " + word.summary + "\n" + option_rows("Options of " + name + ":", word.options);
    }
  }
  help += option_rows("Options:", options_beside(program, words)) +
          option_rows("Options of every program:", universal_options());
  help += "\nA number may be a fraction, such as 25/255. No FILE, or -, is standard input.\n";
  help += "See man " + program.name + ", man noiseutils.\n";
  return help;
}

std::string completion_text(const Program& program) {
  std::string name = program.name;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  std::string words, cases;
  for (const Word& word : program.words) words += " " + word.name;
  std::vector<OptionSpec> all = joined(program.options, universal_options());
  for (const Word& word : program.words) all.insert(all.end(), word.options.begin(), word.options.end());
  std::string choices, seen = " ";
  for (const OptionSpec& spec : all) {
    if (spec.choices.empty() || seen.find(" " + spec.name + " ") != std::string::npos) continue;
    seen += spec.name + " ";
    std::string list;
    for (const auto& value : spec.choices) list += (list.empty() ? "" : " ") + value;
    choices +=
        "    --" + spec.name + ") mapfile -t COMPREPLY < <(compgen -W '" + list + "' -- \"$current\"); return ;;\n";
  }
  for (const Word& word : program.words)
    cases += "      " + word.name + ") options+='" + option_words(word.options) + "' ;;\n";
  return "# bash completion of " + program.name + "\n_" + name +
         "() {\n  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} word\n"
         "  case $previous in\n" +
         choices + "    *) ;;\n  esac\n  local options='" + option_words(joined(program.options, universal_options())) +
         "'\n  for word in \"${COMP_WORDS[@]:1}\"; do\n    case $word in\n" + cases +
         "      *) ;;\n    esac\n  done\n"
         "  if [[ $current == -* ]]; then\n    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
         "  else\n    mapfile -t COMPREPLY < <(compgen -W '" +
         words + "' -- \"$current\"; compgen -f -- \"$current\")\n  fi\n}\ncomplete -o filenames -F _" + name + " " +
         program.name + "\n";
}

std::string version_text(const Program& program, bool json) {
  if (!json) return program.name + " (noiseutils) " NOISEUTILS_VERSION "\n";
  nlohmann::json version{{"program", program.name}, {"version", NOISEUTILS_VERSION},
                         {"wire", "noiseutils/1"},  {"isa", active_isa()},
#ifdef NOISEUTILS_OPENBLAS
                         {"blas", "openblas"},
#else
                         {"blas", "none"},
#endif
#ifdef NOISEUTILS_FFTW
                         {"fft", "fftw"},           {"licence", "GPL-2.0-or-later (BSD-3-Clause, linked with FFTW)"}};
#else
                         {"fft", "none"},           {"licence", "BSD-3-Clause"}};
#endif
  version["mpi"] = ranks().library();
  return version.dump() + "\n";
}

}  // namespace noiseutils
