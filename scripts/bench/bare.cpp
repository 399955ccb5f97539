// What the machine itself can do, as whole programs: the limits that the pipes and readers are measured against.
//   bare write N | bare read       pipe, write() of N MiB from one warm buffer
//   bare splice FILE | bare read   pipe, vmsplice of a mapped file
//   bare copy FROM TO              read() and write() through one buffer
//   bare sum FILE FILE             sums two mapped files of floats
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

struct Mapping {
  const char* data;
  size_t size;
};

Mapping map(const char* path) {
  const int file = open(path, O_RDONLY);
  struct stat status {};
  if (file < 0 || fstat(file, &status) != 0) std::exit(66);
  const auto size = static_cast<size_t>(status.st_size);
  return {static_cast<const char*>(mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0)), size};
}

void write_all(int file, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t done = write(file, data, size);
    if (done <= 0) std::exit(74);
    data += done;
    size -= static_cast<size_t>(done);
  }
}

double sum(const Mapping& file) {
  const auto* values = reinterpret_cast<const float*>(file.data);
  float lanes[32] = {};
  for (size_t i = 0; i + 32 <= file.size / 4; i += 32)
    for (size_t lane = 0; lane < 32; ++lane) lanes[lane] += values[i + lane];
  double total = 0;
  for (const float lane : lanes) total += lane;
  return total;
}

}  // namespace

int main(int argc, char** argv) {
  const char* verb = argc > 1 ? argv[1] : "";
  std::vector<char> buffer(size_t{1} << 20);
  if (std::strcmp(verb, "write") == 0 && argc > 2) {
    fcntl(1, F_SETPIPE_SZ, 1 << 20);
    std::memset(buffer.data(), 1, buffer.size());
    for (long i = 0; i < std::atol(argv[2]); ++i) write_all(1, buffer.data(), buffer.size());
  } else if (std::strcmp(verb, "splice") == 0 && argc > 2) {
    fcntl(1, F_SETPIPE_SZ, 1 << 20);
    const Mapping file = map(argv[2]);
    for (size_t at = 0; at < file.size;) {
      const iovec piece{const_cast<char*>(file.data) + at, file.size - at < 262144 ? file.size - at : 262144};
      const ssize_t moved = vmsplice(1, &piece, 1, 0);
      if (moved <= 0) return 74;
      at += static_cast<size_t>(moved);
    }
  } else if (std::strcmp(verb, "read") == 0) {
    while (read(0, buffer.data(), 262144) > 0) {
    }
  } else if (std::strcmp(verb, "copy") == 0 && argc > 3) {
    const int from = open(argv[2], O_RDONLY), to = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0666);
    for (ssize_t got = 0; (got = read(from, buffer.data(), buffer.size())) > 0;)
      write_all(to, buffer.data(), static_cast<size_t>(got));
  } else if (std::strcmp(verb, "sum") == 0 && argc > 3) {
    std::printf("%g\n", sum(map(argv[2])) + sum(map(argv[3])));
  } else {
    return 64;
  }
}
