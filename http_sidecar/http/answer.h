// What an endpoint is asked and what it answers, without a word of the HTTP library.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http_sidecar/auth/caller.h"
#include "http_sidecar/base/fair_budget.h"
#include "http_sidecar/base/problem.h"
#include "http_sidecar/net/connection.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {

struct Request {
  Caller caller;
  std::string client;         ///< tells clients apart where something is shared between them
  FairBudget::Share* memory;  ///< for what the answer takes, until it has been sent
  std::string target;         ///< as it stands in the request line, with the query
  std::string path;           ///< decoded, without the query
  std::string body;
  std::string content_type;
  /// Set instead of `body` for application/x-ndjson: appends what comes next of it; false at its end. Throws when it is
  /// cut or malformed. To be called while the answer is sent.
  std::function<bool(std::string* out)> read_body = {};
  /// The value of a header, empty without one; repeated ones are joined by commas.
  std::function<std::string(const char* name)> header;
  /// Those whose names begin so (in small letters), without that beginning, with their values.
  std::function<std::vector<std::pair<std::string, std::string>>(std::string_view prefix)> headers_after;
};

struct Answer {
  int status;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// Where it is set the body goes on: appends the next piece, returns false when that was the last one. What it throws
  /// cuts the connection, so that half a body never looks like a whole one.
  std::function<bool(std::string* out)> append_next = {};
  /// Where it is set the body is written by somebody else, on and on: this gets the connection once the head has been
  /// sent.
  std::function<void(std::unique_ptr<Connection>)> take_over = {};
};

/// The problem as members of a JSON object: type, title, status, detail.
void AddProblem(const Problem& problem, ObjectText* text);

/// What is said to a client for whose request there is no memory left at the moment.
Problem NoMemory();

/// The form of every error: application/problem+json (RFC 9457), with members of its own first, if it has `more`. Where
/// it passes by itself the answer says when to try again.
Answer ProblemAnswer(const Problem& problem, ObjectText more = {});

}  // namespace dedup::sidecar
