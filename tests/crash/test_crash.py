"""Twenty short rounds of crash_check.py, which see; it runs thousands by hand."""

import os
import random
import subprocess
import sys

from tests.crash import crash_check
from tests.crash.harness import ROOT


def test_nothing_is_lost_and_nothing_is_seen_twice_over_many_deaths_of_the_broker():
    seed = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(1_000_000))
    totals = crash_check.run(20, seed)
    print(crash_check.table(totals))
    assert totals["lost"] == 0
    assert totals["rounds"] == 20
    # A check that watched nothing would pass, too.
    assert totals["events"] > 200 and totals["deliveries"] > 600 and totals["connections cut"] > 5


def test_the_program_prints_its_seed_and_a_summary():
    program = [sys.executable, "-m", "tests.crash.crash_check", "--rounds", "1", "--seed", "5"]
    output = subprocess.run(program, capture_output=True, text=True, timeout=120, check=True, cwd=ROOT).stdout
    assert output.startswith("seed 5: 1 rounds")
    assert "lost                                  0" in output
