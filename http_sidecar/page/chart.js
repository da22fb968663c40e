// What the counters were in the last minutes, drawn as rates.

import {byId} from './dom.js';
import {countOf, formatClock, formatCount, formatRate, shortFormat} from './format.js';

const CHART_SPANS_S = [60, 120, 300]; // it shows the first that holds all, at most the last
const CHART_TICKS_S = {60: 15, 120: 30, 300: 60};
const SAMPLES_MS = CHART_SPANS_S.at(-1) * 1000;
const SVG = 'http://www.w3.org/2000/svg';

let endTime = null; // of the last sample; null while that is of now
let samples = []; // of the counters, oldest first: {time_ms, events, duplicates}

/** Takes the counters of this moment, and draws anew. */
export function addSample(metrics) {
  const sample = {time_ms: performance.now(), events: metrics.events_received_total, duplicates: metrics.duplicates_total};
  const last = samples.at(-1);
  // They never fall, so this is another data directory.
  if (last && (sample.events < last.events || sample.duplicates < last.duplicates)) samples = [];
  samples.push(sample);
  endTime = null;
  while (samples[1]?.time_ms < sample.time_ms - SAMPLES_MS) samples.shift();
  drawChart();
}

/** What came between two samples, and at which rates. */
function difference(from, to) {
  const seconds = (to.time_ms - from.time_ms) / 1000;
  const events = to.events - from.events;
  const duplicates = to.duplicates - from.duplicates;
  return {events, duplicates, eventRate: events / seconds, duplicateRate: duplicates / seconds};
}

/** What came within the last `span_ms`, and at which rates; null before there are two samples of it. */
export function recently(span_ms) {
  const last = samples.at(-1);
  const from = samples.find((sample) => sample.time_ms >= last.time_ms - span_ms);
  return from === last ? null : difference(from, last);
}

/** The last sample is of that time, and no longer of now, until there is another one. */
export function endChartAt(time) {
  endTime = time;
  if (samples.length > 0) drawChart();
}

function draw(parent, tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
}

/** The least of 1, 2, 3, 4, 5, 6, 8, 10, 20, 30 … that is not below. */
function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return power * [1, 2, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= value);
}

function drawChart() {
  const chart = byId('chart');
  const {width, height} = chart.getBoundingClientRect();
  const left = 44, right = width - 4, top = 10, bottom = height - 20;
  const points = samples.slice(1).map((sample, i) => ({time_ms: sample.time_ms, ...difference(samples[i], sample)}));
  const highest = Math.max(0, ...points.map((point) => point.eventRate));
  const ceiling = niceAbove(highest);
  const end_ms = samples.at(-1).time_ms;
  const age_s = (end_ms - samples[0].time_ms) / 1000;
  const span_s = CHART_SPANS_S.find((span) => span >= age_s) ?? CHART_SPANS_S.at(-1);
  const x = (time_ms) => right - ((right - left) * (end_ms - time_ms)) / (span_s * 1000);
  const y = (rate) => bottom - ((bottom - top) * rate) / ceiling;

  chart.replaceChildren();
  for (const rate of ceiling === 1 ? [0, 1] : [0, ceiling / 2, ceiling]) {
    draw(chart, 'line', {x1: left, x2: right, y1: y(rate), y2: y(rate)});
    draw(chart, 'text', {x: left - 6, y: y(rate) + 4, 'text-anchor': 'end'}, shortFormat.format(rate));
  }
  for (let ago_s = CHART_TICKS_S[span_s]; ago_s < span_s; ago_s += CHART_TICKS_S[span_s]) {
    const text = span_s > 120 ? `−${ago_s / 60} min` : `−${ago_s} s`;
    draw(chart, 'text', {x: x(end_ms - ago_s * 1000), y: height - 4, 'text-anchor': 'middle'}, text);
  }
  draw(chart, 'text', {x: right, y: height - 4, 'text-anchor': 'end'}, endTime ? formatClock(endTime) : 'now');
  if (points.length === 0) return;

  const path = (rateOf) => `M${points.map((point) => `${x(point.time_ms).toFixed(1)},${y(rateOf(point)).toFixed(1)}`).join('L')}`;
  const events = path((point) => point.eventRate);
  draw(chart, 'path', {class: 'area', d: `${events}L${right},${bottom}L${x(points[0].time_ms).toFixed(1)},${bottom}Z`});
  draw(chart, 'path', {class: 'events', d: events});
  draw(chart, 'path', {class: 'duplicates', d: path((point) => point.duplicateRate)});
  const {events: sum, duplicates} = difference(samples[0], samples.at(-1));
  chart.setAttribute('aria-label', `In the last ${Math.round(age_s)} seconds ${countOf(sum, 'event')}, ${formatCount(duplicates)} of them ` +
      `duplicates; at most ${formatRate(highest)} events per second`);
}

new ResizeObserver(() => samples.length > 0 && drawChart()).observe(byId('chart'));
