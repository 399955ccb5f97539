#include "base/rank_session.hpp"

#include "base/error.hpp"
#include "base/ranks.hpp"
#include "base/threads.hpp"

#ifdef NOISEUTILS_MPI
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace noiseutils {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 30;  // MPI counts in int

class MpiRanks : public Ranks {
 public:
  MpiRanks() {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string library() const override {
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_Get_library_version(text, &length);
    const std::string whole(text, static_cast<std::size_t>(length));
    return whole.substr(0, whole.find_first_of(",\n"));
  }
  void send(int to, std::span<const std::byte> bytes) override {
    const std::uint64_t count = bytes.size();
    MPI_Send(&count, 1, MPI_UINT64_T, to, 0, MPI_COMM_WORLD);
    for (std::size_t at = 0; at < bytes.size(); at += kPiece)
      MPI_Send(bytes.data() + at, static_cast<int>(std::min(kPiece, bytes.size() - at)), MPI_BYTE, to, 1,
               MPI_COMM_WORLD);
  }
  std::vector<std::byte> receive(int from) override {
    std::uint64_t count = 0;
    MPI_Recv(&count, 1, MPI_UINT64_T, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    std::vector<std::byte> bytes(count);
    for (std::size_t at = 0; at < bytes.size(); at += kPiece)
      MPI_Recv(bytes.data() + at, static_cast<int>(std::min(kPiece, bytes.size() - at)), MPI_BYTE, from, 1,
               MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return bytes;
  }
  int largest(int value) override {
    int all = value;
    MPI_Allreduce(&value, &all, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return all;
  }

 private:
  int rank_ = 0, size_ = 1;
};

void share_processors() {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  int neighbours = 1;
  MPI_Comm_size(node, &neighbours);
  MPI_Comm_free(&node);
  const bool bound = default_thread_count() < sysconf(_SC_NPROCESSORS_ONLN);
  if (neighbours > 1 && !bound && std::getenv("OMP_NUM_THREADS") == nullptr)
    set_thread_count(std::max(1, default_thread_count() / neighbours));
}

}  // namespace

RankSession::RankSession(int& argc, char**& argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  static MpiRanks all;
  use_ranks(&all);
  share_processors();
}

RankSession::~RankSession() { use_ranks(nullptr); }

int RankSession::end(int exit_code) {
  const bool failed =
      exit_code > static_cast<int>(ExitCode::threshold_missed) && exit_code != static_cast<int>(ExitCode::interrupted);
  if (failed && ranks().size() > 1) MPI_Abort(MPI_COMM_WORLD, exit_code);
  MPI_Finalize();
  return exit_code;
}

}  // namespace noiseutils

#else

namespace noiseutils {

RankSession::RankSession(int&, char**&) {}
RankSession::~RankSession() = default;
int RankSession::end(int exit_code) { return exit_code; }

}  // namespace noiseutils

#endif
