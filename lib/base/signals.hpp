#pragma once

#include <string>

namespace noiseutils {

/// What every program does first. SIGPIPE keeps its default (die silently); SIGXFSZ is ignored, so that a file limit is
/// an error of write(); a mapped input that shrinks while it is read (SIGBUS) ends the program with one line and exit
/// code 74.
void install_signal_handlers();

/// From now on SIGTERM, SIGINT, SIGHUP and SIGUSR1 only set a flag, because the program leaves something to resume
/// from.
void defer_stop_signals();

/// A file to remove if SIGTERM, SIGINT or SIGHUP ends the process: half of an output that cannot be resumed. One at a
/// time; "": none.
void remove_on_signal(const std::string& path);

/// A process group to kill if SIGTERM, SIGINT or SIGHUP ends the process: a helper program that would go on without it.
/// Up to eight at a time.
void kill_group_on_signal(int group);
void forget_group(int group);

/// True once a deferred signal came.
bool stop_requested();
/// Throws Interrupted once a deferred signal came: for long work behind which there is something to resume from.
void stop_if_requested();

/// Dies by SIGPIPE, as a program does whose reader is gone, also where the parent had the signal ignored.
[[noreturn]] void die_of_closed_pipe();

}  // namespace noiseutils
