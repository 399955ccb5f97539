#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <new>

#include "base/error.hpp"
#include "base/ranks.hpp"
#include "base/signals.hpp"
#include "base/threads.hpp"
#include "cli/program.hpp"
#include "cli/text_output.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// Whether this rank is to say why it ends. A wrong command line fails on all ranks: what the first says ends the
/// others before they say it too, by a signal that may be deferred. That a signal stopped them all is said by the first
/// alone.
bool speaks(ExitCode code) {
  constexpr unsigned kMicroseconds = 200'000, kMost = 9;
  const auto rank = static_cast<unsigned>(ranks().rank());
  if (rank == 0) return true;
  return code != ExitCode::interrupted && usleep(kMicroseconds * std::min(4 + rank, kMost)) == 0;
}

int report(const std::string& program, const std::string& message, ExitCode code) {
  if (!speaks(code)) return static_cast<int>(code);
  std::string line = program + ": " + message;
  for (char& c : line)  // names of strangers must not move the cursor, nor make two lines of one
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  line += "\n";
  std::fputs(line.c_str(), stderr);
  return static_cast<int>(code);
}

void print(const std::string& text) {
  if (!ranks().is_first()) return;
  TextOutput output("");
  output.write(text);
  output.finish();
}

/// `called` is `program` under the name it was called by.
int run(const Program& program, const Program& called, const std::vector<std::string>& arguments) {
  const Invocation call = parse_invocation(program, arguments);
  if (call.options.flag("help")) return print(help_text(called, call.words)), 0;
  if (call.options.flag("completion")) return print(completion_text(called)), 0;
  if (call.options.flag("version")) return print(version_text(called, call.options.flag("json"))), 0;
  if (call.options.has("threads")) set_thread_count(static_cast<int>(call.options.integer("threads")));
  active_isa();  // refuses a wrong NOISEUTILS_ISA before anything is written
  return program.run(call);
}

}  // namespace

int tool_main(int argc, char** argv, const Program& program) {
  install_signal_handlers();
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  // An installation may rename the programs (nu-noise): then help, completion and messages say so; a history does not.
  Program called = program;
  if (argc > 0 && *argv[0] != 0) called.name = std::filesystem::path(argv[0]).filename();
  try {
    return run(program, called, arguments);
  } catch (const UsageError& error) {
    return report(called.name, std::string(error.what()) + " (try " + called.name + " --help)", error.code());
  } catch (const Error& error) {
    return report(called.name, error.what(), error.code());
  } catch (const std::bad_alloc&) {
    return report(called.name, "out of memory", ExitCode::out_of_memory);
  } catch (const std::exception& error) {
    return report(called.name, std::string("internal error: ") + error.what(), ExitCode::internal);
  }
}

}  // namespace noiseutils
