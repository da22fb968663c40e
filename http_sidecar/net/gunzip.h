// What was packed by gzip (RFC 1952), unpacked as it comes; zlib's one home.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct z_stream_s;

namespace dedup::sidecar {

/// Of any number of members one behind the other. Threading: one thread at a time.
class Gunzip {
 public:
  static constexpr std::size_t kBytesAtOnce = std::size_t{64} * 1024;

  /// Errors: std::bad_alloc.
  Gunzip();
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  /// Takes bytes off the front of `packed`, and appends what they unpack to, at most kBytesAtOnce. To be called until
  /// `packed` is empty and nothing was appended. Errors: std::runtime_error, where that is no gzip or was damaged.
  void UnpackSome(std::string_view* packed, std::string* out);

  /// Whether the last member has come to its end.
  bool is_whole() const { return is_whole_; }

 private:
  const std::unique_ptr<z_stream_s> stream_;
  bool is_whole_ = false;
};

}  // namespace dedup::sidecar
