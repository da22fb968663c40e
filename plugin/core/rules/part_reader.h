// The parts of keys, as a publish has them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "plugin/core/event/key.h"
#include "plugin/core/event/publish.h"
#include "plugin/core/event/sip_hash.h"
#include "plugin/core/rules/candidates.h"
#include "plugin/core/rules/field_scan.h"
#include "plugin/core/rules/key_part.h"
#include "plugin/core/rules/payload_digest.h"
#include "plugin/core/rules/pointer_scan.h"

namespace dedup {

/// What counts as a value: strings, numbers, true and false of JSON, user properties, client id and user name, integers
/// and bytes of protobuf, a payload; each only if it is not empty. Objects, arrays and null do not.
///
/// The payload is read when the first part is asked for that needs it, for the parts of all rules that it is shown to.
/// Take neither allocates nor calls the system. Threading: none of its own.
class PartReader {
 public:
  enum class State : std::uint8_t {
    kThere,
    kMissing,
    kInDoubt,  ///< a member that stands there twice; the rule makes no key, be the part optional or not
  };

  /// The set must outlive this.
  PartReader(const RuleSet& set, const HashSecret& secret);

  /// The publish whose parts are to be read, and the rules that it is shown to; both must outlive their use. Allocates
  /// only where no publish before had so many pointers or properties to look for.
  void Begin(const Publish& publish, const Candidates& candidates);

  /// Reads a part of one of the rules: the first of its sources that is there, which `source` is set to; an optional
  /// part without any is there as a missing one, and `source` nullptr.
  State Take(const Candidates::Rule& rule, const Candidates::Part& part, KeyPart* value,
             const Candidates::Source** source);

  /// What was read of the payload as JSON, or protobuf; nullptr if nothing was, so far.
  const PointerScan* json() const { return json_read_ ? &json_ : nullptr; }
  const FieldScan* fields() const { return fields_read_ ? &fields_ : nullptr; }

 private:
  State TakeSource(const Candidates::Rule& rule, const Candidates::Source& source, KeyPart* value);
  State TakePointer(PointerTree::Node node, KeyPart* value);
  State TakeField(PointerTree::Node node, KeyPart* value);
  State TakeProperty(std::uint32_t number, KeyPart* value);
  State TakePayload(const Candidates::Rule& rule, KeyPart* value);
  void ReadProperties();

  std::vector<std::optional<PointerTree>> ignored_;  // by rule
  const SipHash128 digest_seed_;
  std::optional<PayloadDigest> digest_;

  const Publish* publish_ = nullptr;
  const Candidates* candidates_ = nullptr;
  bool json_read_ = false;
  bool fields_read_ = false;
  bool properties_read_ = false;
  PointerScan json_;
  FieldScan fields_;
  std::vector<std::optional<std::string_view>> properties_;  // by number
};

}  // namespace dedup
