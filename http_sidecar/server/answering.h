// From an exchange to the answer that the HTTP library writes.
#pragma once

#include <httplib.h>

#include <string>
#include <utility>

#include "http_sidecar/endpoints/api.h"
#include "http_sidecar/http/answer.h"
#include "http_sidecar/server/exchange.h"
#include "http_sidecar/server/http_library.h"

namespace dedup::sidecar {

/// Threading: any thread, for different exchanges.
class Answering {
 public:
  /// `cors_origin`: see ClientLimits. The api must outlive it.
  Answering(Api* api, std::string cors_origin) : api_(api), cors_origin_(std::move(cors_origin)) {}

  /// False when nothing was answered, because the body is to be read whole first.
  bool AnswerHead(Exchange* exchange, httplib::Response* response) const;

  /// The rest of those: reads the body.
  void AnswerBody(Exchange* exchange, LibraryStream* stream, const httplib::ContentReader& read_content,
                  httplib::Response* response) const;

  /// Tells the library what it must know to find the handler and to read the body, and nothing else that it would obey,
  /// such as ranges and encodings of the answer, in one way or another with each version.
  static void Prepare(const Exchange& exchange, httplib::Request* request);

  /// The headers that every answer has.
  void Complete(const Exchange& exchange, httplib::Response* response) const;

 private:
  void AnswerOptions(const Exchange& exchange, httplib::Response* response) const;
  void Serve(Exchange* exchange, std::string body, httplib::Response* response) const;

  Api* const api_;
  const std::string cors_origin_;
};

void SetAnswer(Answer answer, httplib::Response* response);

}  // namespace dedup::sidecar
