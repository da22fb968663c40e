#include "http_sidecar/net/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <stdexcept>

namespace dedup::sidecar {

Gunzip::Gunzip() : stream_(std::make_unique<z_stream_s>()) {
  constexpr int kGzipOnly = 16;
  if (inflateInit2(stream_.get(), kGzipOnly + MAX_WBITS) != Z_OK) throw std::bad_alloc();
}

Gunzip::~Gunzip() { inflateEnd(stream_.get()); }

void Gunzip::UnpackSome(std::string_view* packed, std::string* out) {
  if (is_whole_) {
    if (packed->empty()) return;
    inflateReset(stream_.get());
    is_whole_ = false;
  }
  const std::size_t begin = out->size();
  out->resize(begin + kBytesAtOnce);
  stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed->data()));
  stream_->avail_in = static_cast<uInt>(std::min<std::size_t>(packed->size(), std::numeric_limits<uInt>::max()));
  stream_->next_out = reinterpret_cast<Bytef*>(out->data() + begin);
  stream_->avail_out = kBytesAtOnce;
  const std::size_t given = stream_->avail_in;
  const int result = inflate(stream_.get(), Z_NO_FLUSH);
  packed->remove_prefix(given - stream_->avail_in);
  out->resize(out->size() - stream_->avail_out);
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  // Z_BUF_ERROR: nothing to do until more comes.
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
    throw std::runtime_error("the body is no gzip, or was damaged on its way");
  }
  is_whole_ = result == Z_STREAM_END;
}

}  // namespace dedup::sidecar
