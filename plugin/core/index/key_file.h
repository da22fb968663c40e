// The hashes of the remembered keys beside the store, so that a start need not read every row.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "plugin/core/base/file.h"
#include "plugin/core/base/log.h"
#include "plugin/core/event/key.h"

namespace dedup {

/// A copy of what the store's rows say: a start reads 16 bytes a key in place of the row. Whatever it lacks, or has
/// damaged, is read from the rows, so it may be deleted at any time while no broker runs.
///
/// On disk, little-endian, blocks of 4 KiB. The first is the header; a key stands where its seq says:
/// block 1 + seq / 254, entry seq mod 254. An entry of zeros is a seq without a key. A block says how far it is filled,
/// and which block comes next: those between, of seqs that were skipped, are never written.
///
/// Threading: one thread at a time. Errors: none. When the file cannot be used it says so in the log, and leaves it
/// alone until the next start, which reads from the rows what it lacks.
class KeyFile {
 public:
  static constexpr char kFileName[] = "events.keys";
  static constexpr std::uint64_t kKeysPerBlock = 254;
  static bool IsNone(const KeyHash& key) { return key == KeyHash{}; }

  /// Opens the file of a data directory, or makes an empty one when there is none, or one of another secret, hash
  /// function or version. Ownership: refers to the log.
  KeyFile(const std::filesystem::path& data_dir, const HashSecret& secret, LogQueue& log);
  ~KeyFile();

  /// Keys of consecutive seqs from `first_seq`; a key of zeros is none.
  using OnKeys = std::function<void(std::uint64_t first_seq, std::span<const KeyHash> keys)>;
  /// Calls on_keys for the seqs behind `after_seq` and up to `last_seq`, a block at a time, as far as the file is
  /// whole. Returns the seq up to which it was; what the file holds beyond is dropped. Once, before Append. What
  /// on_keys throws goes on to the caller.
  std::uint64_t Load(std::uint64_t after_seq, std::uint64_t last_seq, const OnKeys& on_keys);

  /// Adds the key of a seq behind all before; one that was added already is ignored.
  void Append(std::uint64_t seq, const KeyHash& key);
  /// Brings what was appended to the disk. Called by Append too, so that the memory for it is bounded. Returns whether
  /// every key up to appended_seq() is there.
  bool Sync();
  std::uint64_t appended_seq() const { return appended_seq_; }

  /// No more keys than this can be in it, by its size.
  std::uint64_t CountMax();

  /// Gives back the room of keys up to `seq`, roughly; where the file system cannot, it is kept.
  void Forget(std::uint64_t seq);

 private:
  struct Block;
  static std::uint64_t NumberOf(std::uint64_t seq) { return seq / kKeysPerBlock; }
  void Open(const std::filesystem::path& path, const HashSecret& secret);
  std::size_t Read(std::uint64_t number, std::vector<Block>* blocks);
  void Write();
  template <class Action>
  void Try(Action action);

  LogQueue& log_;
  File file_;
  bool is_usable_ = true;
  std::uint64_t fingerprint_ = 0;
  std::uint64_t appended_seq_ = 0;
  std::uint64_t forgotten_block_ = 0;
  std::vector<Block> unsynced_;  // in order; the last one is the one being filled
};

}  // namespace dedup
