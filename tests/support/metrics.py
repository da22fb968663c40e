"""Reads GET /metrics."""

import re

_SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")


def read_metrics(sidecar):
    """Samples by name and labels, as they stand there without the common prefix: journal_bytes, x_total{a="b"}."""
    response = sidecar.get("/metrics")
    assert response.status == 200, f"{response.status} {response.body[:1000]}"
    samples = {}
    for line in response.body.decode().splitlines():
        if not line.startswith("#"):
            name, labels, value = _SAMPLE.fullmatch(line).groups()
            key = name.removeprefix("mosquitto_dedup_") + (f"{{{labels}}}" if labels else "")
            assert key not in samples, f"{key} is there twice"
            samples[key] = float(value)
    return samples
