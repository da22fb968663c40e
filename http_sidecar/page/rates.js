// What came within the last seconds, from the counters.

const SAMPLES_MS = 10_000;

let samples = []; // of the counters, oldest first: {time_ms, events, duplicates}

/** Takes the counters of this moment. */
export function addSample(metrics) {
  const sample = {time_ms: performance.now(), events: metrics.events_received_total, duplicates: metrics.duplicates_total};
  const last = samples.at(-1);
  // They never fall, so this is another data directory.
  if (last && (sample.events < last.events || sample.duplicates < last.duplicates)) samples = [];
  samples.push(sample);
  while (samples[1]?.time_ms < sample.time_ms - SAMPLES_MS) samples.shift();
}

/** What came within the last `span_ms`, and at which rates; null before there are two samples of it. */
export function recently(span_ms) {
  const last = samples.at(-1);
  const from = samples.find((sample) => sample.time_ms >= last.time_ms - span_ms);
  if (from === last) return null;
  const seconds = (last.time_ms - from.time_ms) / 1000;
  const events = last.events - from.events;
  const duplicates = last.duplicates - from.duplicates;
  return {events, duplicates, eventRate: events / seconds, duplicateRate: duplicates / seconds};
}
