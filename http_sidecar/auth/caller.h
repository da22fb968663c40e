// Who asks, and on which topics they may do what.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http_sidecar/auth/token_file.h"
#include "plugin/core/store/event_filter.h"

namespace dedup::sidecar {

/// Threading: any thread; a value, cheap to copy.
class Caller {
 public:
  /// Where no tokens are asked for: they may do everything.
  static Caller Anybody() { return Caller(Kind::kAnybody, nullptr); }
  /// Without a token where one is asked for: they may do nothing.
  static Caller Stranger() { return Caller(Kind::kStranger, nullptr); }
  explicit Caller(std::shared_ptr<const Token> token) : Caller(Kind::kBearer, std::move(token)) {}

  bool is_stranger() const { return kind_ == Kind::kStranger; }
  /// Null without one.
  const Token* token() const { return token_.get(); }
  /// The token's; empty without one.
  std::string name() const { return token_ == nullptr ? "" : token_->name; }

  bool MayPublish(std::string_view topic) const;
  bool MayRead(std::string_view topic) const;
  bool may_publish_something() const;
  bool may_read_something() const;
  bool may_read_everything() const;

  /// Leaves of what the filter matches only what they may read.
  void Narrow(EventFilter* filter) const;

  /// `the token "gateway-7" lacks the scope read for "fleet/8/temp"`, or `… the scope read` where it has none at all.
  std::string LackOf(std::string_view scope, std::string_view topic = {}) const;

 private:
  enum class Kind : std::uint8_t { kAnybody, kStranger, kBearer };
  Caller(Kind kind, std::shared_ptr<const Token> token) : kind_(kind), token_(std::move(token)) {}

  Kind kind_;
  std::shared_ptr<const Token> token_;  // of a bearer
};

}  // namespace dedup::sidecar
