// All that is asked of cpp-httplib beyond what it promises, in one place. Works with 0.11 (Debian 12), 0.18 (13) and
// 0.41 (sid), which differ in the virtual functions of Stream and in the parameters of process_request().
#pragma once

#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>

#include "http_sidecar/net/client_socket.h"

namespace dedup::sidecar {

/// A client's connection, as the library sees it: a head that says nothing, for the true one has been read already,
/// and then room for an answer. The socket must outlive it.
class LibraryStream : public httplib::Stream {
 public:
  explicit LibraryStream(ClientSocket* socket) : socket_(socket) {}

  // None is marked `override`, for which of them are virtual depends on the version.
  bool is_readable() const { return true; }
  bool is_writable() const { return true; }
  bool wait_readable() const { return true; }
  bool wait_writable() const { return true; }
  time_t duration() const { return 0; }
  void get_remote_ip_and_port(std::string&, int&) const {}
  void get_local_ip_and_port(std::string&, int&) const {}
  socket_t socket() const { return 0; }
  ssize_t write(const char* data, size_t size) {
    return socket_->Write({data, size}) ? static_cast<ssize_t>(size) : -1;
  }
  ssize_t read(char* data, size_t size) {
    if (head_.empty()) return -1;  // some versions look for what is left of a body
    size = head_.copy(data, size);
    head_.remove_prefix(size);
    return static_cast<ssize_t>(size);
  }

 private:
  ClientSocket* const socket_;
  std::string_view head_ = "GET / HTTP/1.1\r\n\r\n";
};

class LibraryServer : public httplib::Server {
 protected:
  /// Writes what the pre-routing handler answers to one request; `prepare` says which. False when the connection is of
  /// no use any more.
  bool ServeRequest(LibraryStream* stream, const std::function<void(httplib::Request&)>& prepare) {
    return ProcessRequest(*this, *stream, prepare);
  }

  /// Of the socket that connections come from; -1 after StopListening().
  int listening_fd() const { return svr_sock_; }

  /// Ends answers that are made piece by piece, too. Not the library's stop(), which does nothing while the library
  /// does not listen by itself. Threading: any thread.
  void StopListening() {
    if (const socket_t socket = svr_sock_.exchange(INVALID_SOCKET); socket != INVALID_SOCKET) {
      shutdown(socket, SHUT_RDWR);
      ::close(socket);
    }
  }

 private:
  // A template, so that only the call that this version has is compiled.
  template <class Library>
  static bool ProcessRequest(Library& library, LibraryStream& stream,
                             const std::function<void(httplib::Request&)>& prepare) {
    bool is_closed = false;  // for its own reasons; when a connection ends is not the library's to say
    if constexpr (requires { library.process_request(stream, false, is_closed, prepare); }) {
      return library.process_request(stream, false, is_closed, prepare);
    } else {
      return library.process_request(stream, "", 0, "", 0, false, is_closed, prepare);
    }
  }
};

}  // namespace dedup::sidecar
