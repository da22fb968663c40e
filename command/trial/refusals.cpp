#include "command/trial/refusals.h"

#include "command/trial/against.h"

namespace dedup::command {
namespace {

constexpr struct {
  Refusal refusal;
  Against (*look)(const Hearing&);
} kReasons[] = {
    {Refusal::kFewRepeats, FewRepeats},   {Refusal::kManyInOne, ManyInOne},     {Refusal::kOneKey, OneKey},
    {Refusal::kStages, Stages},           {Refusal::kMostlyEqual, MostlyEqual}, {Refusal::kContent, Content},
    {Refusal::kMeasured, Measured},       {Refusal::kOtherKind, OtherKind},     {Refusal::kTooMuch, TooMuch},
    {Refusal::kNothingElse, NothingElse}, {Refusal::kByChance, ByChance},       {Refusal::kTimeIgnored, TimeIgnored},
    {Refusal::kNotTheSame, NotTheSame},   {Refusal::kStateAgain, StateAgain},   {Refusal::kNoGap, NoGap},
    {Refusal::kFanOut, FanOut},
};

}  // namespace

Reason ReasonAgainst(const Hearing& hearing) {
  for (const auto& reason : kReasons) {
    if (Against column = reason.look(hearing)) return {reason.refusal, *std::move(column)};
  }
  return {};
}

}  // namespace dedup::command
