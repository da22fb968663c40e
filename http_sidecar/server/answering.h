// From an exchange to the answer that the HTTP library writes.
#pragma once

#include <functional>
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

  /// Reads the body, if there is one, and serves the request.
  void AnswerTo(Exchange* exchange, httplib::Response* response) const;

  /// The headers that every answer has.
  void Complete(const Exchange& exchange, httplib::Response* response) const;

 private:
  void AnswerOptions(const Exchange& exchange, httplib::Response* response) const;
  bool MayGoOn(const Exchange& exchange) const;
  std::function<bool(std::string*)> LinesReader(Exchange* exchange) const;
  void ServeWhole(Exchange* exchange, httplib::Response* response) const;
  void Serve(Exchange* exchange, std::string body, httplib::Response* response) const;

  Api* const api_;
  const std::string cors_origin_;
};

void SetAnswer(Answer answer, httplib::Response* response);

}  // namespace dedup::sidecar
