#include "http_sidecar/endpoints/embedded_files.h"

#include <algorithm>
#include <string>

#include "http_sidecar/http/etag.h"

namespace dedup::sidecar {

Answer FileAnswer(std::string_view name, std::string_view content_type, const Request& request) {
  const auto file = std::ranges::find(kEmbeddedFiles, name, &EmbeddedFile::name);
  if (file == kEmbeddedFiles.end()) return ProblemAnswer({problems::kNotFound, "Not Found"});
  // Another version may have another file.
  Answer answer{
      .status = 200, .body = {}, .content_type = std::string(content_type), .headers = {{"Cache-Control", "no-cache"}}};
  if (!SetTag(file->tag, request, &answer)) answer.body = file->bytes;
  return answer;
}

}  // namespace dedup::sidecar
