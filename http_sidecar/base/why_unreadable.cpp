#include "http_sidecar/base/why_unreadable.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace dedup::sidecar {

std::string WhyUnreadable(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return std::system_category().message(errno);
  struct stat status {};
  if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    close(fd);
    return "is no regular file";
  }
  char byte;
  const int error = read(fd, &byte, 1) < 0 ? errno : 0;  // of a directory
  close(fd);
  return error == 0 ? std::string() : std::system_category().message(error);
}

}  // namespace dedup::sidecar
