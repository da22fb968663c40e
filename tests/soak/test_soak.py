"""Twenty seconds of tests/soak/run, in which broker and sidecar end in each way at least once."""

import os
import random

from tests.soak import soak


def test_nothing_is_lost_or_doubled_under_all_kinds_of_load_while_broker_and_sidecar_come_and_go():
    seed = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1_000_000))
    counts = soak.run(20, seed, life_s=4)
    assert counts["lost"] == counts["stored twice"] == 0
    # A soak in which nothing happens would pass, too.
    assert all(counts[end] >= 1 for end in soak.ENDS)
    assert counts["events"] > 100 and counts["duplicates"] > 20 and counts["deliveries"] > 100
    assert min(counts[name] for name in ("lines", "pages", "scrapes", "reloads")) >= 1
