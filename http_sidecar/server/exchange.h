// One request and its answer, as far as the connection is concerned.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http_sidecar/auth/caller.h"
#include "http_sidecar/base/fair_budget.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/http/answer.h"
#include "http_sidecar/net/client_socket.h"
#include "http_sidecar/net/connection.h"
#include "http_sidecar/server/framing.h"
#include "http_sidecar/server/request_head.h"

namespace dedup::sidecar {

/// Threading: one thread at a time.
struct Exchange {
  Exchange(const Connection* the_connection, ClientSocket* the_socket, RequestHead the_head)
      : connection(the_connection),
        socket(the_socket),
        head(std::move(the_head)),
        framing(head),
        endpoint(FindEndpoint(head.path)),
        body_is_unread(framing.has_body()),
        is_last(head.HasElement("Connection", "close")) {}

  const Connection* const connection;
  ClientSocket* const socket;
  const RequestHead head;
  const Framing framing;
  const Endpoint* const endpoint;  ///< null where the path leads to none
  bool body_is_unread;
  bool is_last;  ///< no request is to follow
  Caller caller = Caller::Stranger();
  /// Tells clients apart where something is shared between them: the token's name, or a blank and the network's bytes.
  std::string client = {};
  FairBudget::Share memory = {};       ///< for its body and its answer
  std::optional<Answer> refusal = {};  ///< what the client is told in place of what it asked for
  /// Who is to have the connection once the answer's head has been sent, if anybody.
  std::function<void(std::unique_ptr<Connection>)> take_over = {};
  int status = 0;               ///< 0 before there is an answer
  std::string request_id = {};  ///< empty where there is no access log

  std::string_view route() const { return endpoint == nullptr ? "other" : endpoint->path; }
  /// Where the next request begins is unknown.
  bool is_unread() const { return head.problem || body_is_unread; }
  /// Whether it may have to wait: for its body, for the broker, for the client to take the answer.
  bool may_wait() const { return !refusal && endpoint != nullptr && !endpoint->is_prompt && head.method != "OPTIONS"; }
  /// Whether all of it has come, as far as that can be told without reading it.
  bool is_whole() const {
    return !body_is_unread || (framing.is_short() && socket->available_bytes() >= framing.length());
  }
  bool must_close() const { return is_unread() || head.is_http_1_0 || is_last || take_over; }
};

}  // namespace dedup::sidecar
