#pragma once

namespace noiseutils {

/// The life of a program among the ranks of MPI; in a build without MPI it does nothing. In main(), around tool_main():
/// only programs that have one are linked with MPI.
class RankSession {
 public:
  /// Joins the others: ranks() knows them from now on. Where the ranks of a machine are not bound to processors of
  /// their own, and OMP_NUM_THREADS is not set, they share out the machine's.
  RankSession(int& argc, char**& argv);
  ~RankSession();
  RankSession(const RankSession&) = delete;
  RankSession& operator=(const RankSession&) = delete;

  /// The last act, with the exit code of this rank; returns it. A failure ends all ranks at once with that code; what
  /// is no failure (success, a threshold missed, stopped with a checkpoint) waits for the others.
  int end(int exit_code);
};

}  // namespace noiseutils
