"""Made traffic of systems that people run, with the duplicates that each really produces, and traffic that has none.

`SYSTEMS`, `NEGATIVES` and `MIXES` are functions from a Traffic to nothing, by name. Everything is drawn from one seed.
"""

from tests.command.traffic import bridges, home, industry, lorawan, meters, mixes, negatives, radio, trackers  # noqa: F401
from tests.command.traffic.made import MIXES, NEGATIVES, SYSTEMS, Traffic, make, mix

__all__ = ["MIXES", "NEGATIVES", "SYSTEMS", "Traffic", "make", "mix"]
