"""Rules of every kind that make of the streams' events just the ids that they have without any.

So all that is checked holds with them and without.
"""

import json

RULES = {"rules": [
    {"name": "pointer", "topics": ["crash/stream-0"], "key": ["/event_id"], "window": "forever"},
    {"name": "parts", "topics": ["crash/stream-1/#"], "key": ["/event_id", "?/absent", "?username", "?pb:1.6"], "window": "1h"},
    {"name": "payload", "topics": ["crash/stream-2"], "key": ["payload"], "ignore": ["/origin"], "window": "2h"},
    {"name": "ids", "topics": ["crash/stream-3"], "key": ["/event_id"], "store": "id", "window": "3h"},
    {"name": "alternatives", "topics": ["crash/stream-4"], "key": ["property:absent|/event_id"]},
    {"name": "observed", "topics": ["crash/#"], "key": ["/origin"], "window": "1h", "mode": "observe"},
    {"name": "property", "topics": ["crash/stream-6", "crash/+/x"], "key": ["property:event_id"], "ignore_levels": [-1],
     "window": "1d"},
]}


def write_rules(directory):
    """The file; a broker's option rules_file names it."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "rules.json"
    path.write_text(json.dumps(RULES))
    return path
