// Files that are part of the program; CMakeLists.txt says which.
#pragma once

#include <string_view>
#include <vector>

#include "http_sidecar/http/answer.h"

namespace dedup::sidecar {

struct EmbeddedFile {
  std::string_view name;  ///< with its folder: "page/index.html"
  std::string_view tag;   ///< another one for every other content; letters and digits
  std::string_view bytes;
};

extern const std::vector<EmbeddedFile> kEmbeddedFiles;

/// The file, or a 304 where the client has it, or a 404 where there is none of that name.
Answer FileAnswer(std::string_view name, std::string_view content_type, const Request& request);

}  // namespace dedup::sidecar
