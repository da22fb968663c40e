// Why a publish has the key that it has: what each rule found of it, for people.
#pragma once

#include <string>
#include <vector>

#include "plugin/core/rules/key_finder.h"

namespace dedup {

struct Explanation {
  struct Part {
    std::string part;    ///< in the rules file's words: "?/a|property:a"
    std::string source;  ///< which alternative has it: "/a"; empty where none has
    std::string found;   ///< string, number, boolean, payload; missing; in doubt
    std::string text;    ///< what was found, as in the key's text
  };
  struct Asked {
    std::string rule;
    bool observes = false;
    bool makes_key = false;
    std::string scope;  ///< the topic as far as it counts
    std::vector<Part> parts;
    std::string key_text;  ///< with makes_key
    std::string why_not;   ///< without it: a sentence
  };
  Finding finding;           ///< just what Find returns
  std::vector<Asked> asked;  ///< in their order; the last one decides if finding has a key
  std::string payload_note;  ///< why the payload is no JSON, or no protobuf, if a rule wanted it to be
};

/// What `finder` finds for a publish, by the same code. Counts nothing and changes nothing. Errors: std::bad_alloc.
Explanation Explain(KeyFinder& finder, const Publish& publish);

}  // namespace dedup
