"""How good the program's advice is: it watches made traffic, and its rules are judged on other traffic of the same system.

    python3 -m tests.command.survey --seeds 1-3 [--kinds systems,mixes,negatives,drawn,drawn_negatives]
                                    [--views whole,tenth,first10,none,noclients] [--only NAME,…] [-v]

Right: no unique message dropped, and 95 % of the copies. Harmless: no unique message dropped. A view is what of the traffic
the program gets to see; only with the whole of it all copies should be found.
"""

import argparse
import concurrent.futures
import dataclasses
import functools
import json

from tests.command import judge, traffic
from tests.command.traffic import anything
from tests.support import command


RECALL_LEAST = 0.95
FIRST_S = 600
COPIES = {"tenth": 0.1, "none": 0.0}  # of a view: the share of the copies that come at all
VIEWS = ("whole", "tenth", "first10", "none", "noclients")


def _drawn(make_system):
    """Systems by number, of which each is drawn."""
    return {str(number): functools.partial(_call, make_system, number) for number in range(1000)}


def _call(make_system, number, made):
    make_system(number)(made)


KINDS = {"systems": traffic.SYSTEMS, "mixes": traffic.MIXES, "negatives": traffic.NEGATIVES,
         "drawn": _drawn(anything.system_of), "drawn_negatives": _drawn(anything.stranger_of)}


@dataclasses.dataclass
class Result:
    kind: str
    name: str
    seed: int
    view: str
    message_count: int
    advice: dict
    verdict: judge.Verdict

    @property
    def is_harmless(self):
        return not self.verdict.harmed

    @property
    def is_right(self):
        return self.is_harmless and self.verdict.recall >= RECALL_LEAST

    def __str__(self):
        lines = [f"{self.kind} {self.name}, seed {self.seed}, {self.view}: {self.message_count} messages watched; of "
                 f"{self.verdict.copies} copies {self.verdict.recall:.1%} found, {len(self.verdict.harmed)} messages lost"]
        lines += [f"    rule {rule['topics']} {rule['key']} ignore {rule.get('ignore')} levels {rule.get('ignore_levels')} "
                  f"window {rule['window']}" for rule in self.advice["rules"]]
        lines += [f"    no rule for {group['topics']}, {group['messages']} messages: {group['text']}"
                  for group in self.advice["groups"][:3]]
        lines += [f"    lost by {rule}: {message.topic} {message.payload[:150]}" for message, rule in self.verdict.harmed[:3]]
        return "\n".join(lines)


def advise(messages, *, client_ids=True):
    """What the program says of them, as JSON."""
    lines = "".join(message.line(client_ids) + "\n" for message in messages)
    return json.loads(command.succeed("advise", "--file", "-", "--json", stdin=lines))


def survey(kind, name, seed, view="whole", seconds=3600.0):
    system = KINDS[kind][name]
    watched = traffic.make(system, f"{name} {seed}", copies=COPIES.get(view, 1.0), seconds=seconds)
    if view == "first10":
        watched = [message for message in watched if message.t < watched[0].t + FIRST_S]
    advice = advise(watched, client_ids=view != "noclients")
    others = traffic.make(system, f"{name} {seed} judged", seconds=seconds)
    return Result(kind, name, seed, view, len(watched), advice, judge.judge({"rules": advice["rules"]}, others))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1-1")
    parser.add_argument("--kinds", default="systems,mixes,negatives")
    parser.add_argument("--views", default="whole")
    parser.add_argument("--only")
    parser.add_argument("-v", action="store_true", help="show each, not only those that went wrong")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    jobs = []
    for view in arguments.views.split(","):
        for kind in arguments.kinds.split(","):
            # What is drawn is another system for each seed.
            pairs = [(str(seed), seed) for seed in seeds] if kind.startswith("drawn") else \
                [(name, seed) for name in KINDS[kind] for seed in seeds]
            jobs += [(kind, name, seed, view) for name, seed in pairs if not arguments.only or name in arguments.only.split(",")]
    tally = {}
    with concurrent.futures.ProcessPoolExecutor() as pool:
        for result in pool.map(survey, *zip(*jobs)):
            counts = tally.setdefault((result.view, result.kind), [0, 0, 0])
            counts[0] += 1
            counts[1] += result.is_harmless
            counts[2] += result.is_right
            is_good = result.is_right if result.view == "whole" else result.is_harmless
            if arguments.v or not is_good:
                print(result, flush=True)
    for (view, kind), (count, harmless, right) in tally.items():
        print(f"{view:10} {kind:16} {count:4} surveyed, {harmless:4} harmless, {right:4} right")


if __name__ == "__main__":
    main()
