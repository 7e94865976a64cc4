#pragma once
/// Folders: what stands at a path, and a new place for files that belong together.

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "bipft/core/error.hpp"
#include "bipft/io/file.hpp"

namespace bipft {

[[nodiscard]] inline bool path_exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}
[[nodiscard]] inline bool is_folder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// Makes the folder `path`, or takes one that is there and empty: files of somebody else are never
/// among those that will be written. Throws Error{Fault::system} if it holds anything, is no
/// folder, or cannot be made; the folder around it must exist.
inline void make_empty_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return;
  const int reason = errno;
  if (reason != EEXIST) {
    fail(Fault::system, path, ": cannot make the folder: ", detail::system_reason(reason));
  }
  DIR* const folder = ::opendir(path.c_str());
  if (folder == nullptr) {
    fail(Fault::system, path,
         ": is there and no folder that can be read: ", detail::system_reason(errno));
  }
  std::string first;
  while (const dirent* const entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") first = name;
  }
  ::closedir(folder);
  if (first.empty()) return;
  fail(Fault::system, path, ": is not empty (", first,
       " is in it); name a new folder, or remove this one first");
}

}  // namespace bipft
