#include "http_sidecar/server/bare_answer.h"

#include "http_sidecar/base/time.h"

namespace dedup::sidecar {

std::string BareAnswer(const Answer& answer) {
  std::string text =
      "HTTP/1.1 " + std::to_string(answer.status) + (answer.status == 429 ? " Too Many Requests" : " Bad Request");
  text.append("\r\nDate: ").append(HttpDate(NowUs()));
  for (const auto& [name, value] : answer.headers) text.append("\r\n").append(name).append(": ").append(value);
  return text.append("\r\nContent-Type: ")
      .append(answer.content_type)
      .append("\r\nContent-Length: ")
      .append(std::to_string(answer.body.size()))
      .append("\r\nConnection: close\r\nX-Content-Type-Options: nosniff\r\n\r\n")
      .append(answer.body);
}

}  // namespace dedup::sidecar
