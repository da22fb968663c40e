#include "http_sidecar/http/accept.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "http_sidecar/base/ascii.h"

namespace dedup::sidecar {
namespace {

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes what stands before the next `separator` off the front.
std::string_view TakePart(std::string_view* text, char separator) {
  const std::string_view part = text->substr(0, text->find(separator));
  text->remove_prefix(std::min(part.size() + 1, text->size()));
  return Trimmed(part);
}

double QualityOf(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = TakePart(&parameters, ';');
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    double quality = 0;
    std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(), quality);
    return quality;
  }
  return 1;
}

}  // namespace

void ForEachAccepted(std::string_view accept,
                     const std::function<void(std::string_view type, double quality)>& on_type) {
  while (!accept.empty()) {
    std::string_view parameters = TakePart(&accept, ',');
    const std::string type = AsciiLower(TakePart(&parameters, ';'));
    on_type(type, QualityOf(parameters));
  }
}

}  // namespace dedup::sidecar
