// A JSON payload as a value: a digest that does not depend on blanks, on the order of members, or on what is ignored.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "plugin/core/event/sip_hash.h"
#include "plugin/core/rules/pointer_tree.h"
#include "plugin/core/text/json.h"

namespace dedup {

/// Digests are made in one pass, without an allocation or a system call.
///
/// A value is taken apart into its leaves: scalars and empty containers, each with its way from the root. Numbers count
/// by their text, strings and names by their characters. Each leaf's way and value go through the keyed hash, and the
/// digest is the sum of the hashes, in four sums of 64 bits: the order does not matter, and without the secret nobody
/// can make two sums meet. (A hash for each container, its members sorted, would need memory for them.)
///
/// What is ignored is left out as if it had never been there: an object that has nothing else is an empty one.
///
/// Limits: kNamesMax members that are not ignored in the objects around any one place, json::kDepthMax containers
/// within each other. Memory: 384 KiB. Threading: none of its own.
class PayloadDigest {
 public:
  static constexpr std::uint32_t kNamesMax = 16'384;

  using Digest = SipHash128::State;

  enum class Status : std::uint8_t {
    kMade,
    kNotJson,
    kInDoubt,  ///< beyond the limits, or an object has a member twice: readers differ on which of the two counts
  };

  PayloadDigest();

  /// Makes the digest of a payload without what the tree's pointers lead to. `seed` is a hash of the secret and of what
  /// keeps digests apart from all else that is hashed with it.
  Status Make(std::string_view payload, const PointerTree& ignored, const SipHash128& seed);
  /// The digest that Make has made.
  const Digest& digest() const { return sum_; }

 private:
  // A container that was entered.
  struct Frame {
    SipHash128 way;  // to it
    PointerTree::Node node;
    std::uint32_t index;       // of the next element
    std::uint32_t first_name;  // of its members
    bool is_object;
    bool is_empty;
  };
  // The name of a member of an object that was entered and not left.
  struct Name {
    std::uint32_t begin;  // in the payload
    std::uint32_t size;
    std::uint32_t hash;
    std::uint16_t depth;  // of the object
    std::uint16_t slot;   // in the table
  };

  void ReadContainers(json::Reader& reader, const PointerTree& ignored);
  PointerTree::Node NodeOf(const Frame& frame, const PointerTree& ignored, std::string_view name,
                           bool has_escapes) const;
  bool AddName(std::uint32_t depth, std::string_view name, std::uint32_t hash, bool has_escapes);
  void GrowTable();
  void ForgetNames(std::uint32_t first);
  void AddLeaf(SipHash128 way, const json::Value& value, bool has_escapes);
  void AddLeaf(SipHash128 way, std::uint64_t word);
  void AddSettled(SipHash128& leaf);

  std::vector<Frame> frames_;
  std::vector<Name> names_;  // of all open objects, in the order in which they came
  std::uint32_t name_count_ = 0;
  // A hash table of them: 0, or a name's number and 1. As much of it is used as the names need, and when they go, from
  // the last to the first, all slots are 0 again.
  std::vector<std::uint16_t> table_;
  std::uint32_t table_mask_ = 0;
  bool in_doubt_ = false;
  const char* payload_ = nullptr;
  Digest sum_{};
};

}  // namespace dedup
