// The rates of the last minutes, or of the last hour, as the sidecar remembers them.

import {byId, setText} from './dom.js';
import {countOf, formatClock, formatCount, formatRate, formatShare, shortFormat} from './format.js';

const TICKS_S = {300: 60, 900: 180, 3600: 600}; // by how much the chart spans
const SVG = 'http://www.w3.org/2000/svg';

const chart = byId('chart');
let history = null; // an answer of GET /history
let endTime = null; // of the last step; null while that is of now
let pointed = null; // the number of the step that the reader points at

function draw(parent, tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

/** The least of 1, 2, 3, 4, 5, 6, 8, 10, 20, 30 … that is not below. */
function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return power * [1, 2, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= value);
}

/** Runs of steps that are known, or of those that are not: [first, last] of each. */
function runsOf(rates, isKnown) {
  const runs = [];
  rates.forEach((rate, i) => {
    if ((rate !== null) !== isKnown) return;
    if (runs.at(-1)?.[1] === i - 1) runs.at(-1)[1] = i;
    else runs.push([i, i]);
  });
  return runs;
}

/** Where things are: x of a step's middle, y of a rate. */
function placeOf({events_per_s: events}) {
  const {width, height} = chart.getBoundingClientRect();
  const left = 44, right = width - 4, top = 10, bottom = height - 20;
  const ceiling = niceAbove(Math.max(0, ...events));
  const stepWidth = (right - left) / events.length;
  return {left, right, top, bottom, height, ceiling, stepWidth,
    x: (i) => left + (i + 0.5) * stepWidth, y: (rate) => bottom - ((bottom - top) * rate) / ceiling};
}

function drawAxes(place, span_s) {
  const {left, right, height, ceiling, y} = place;
  for (const rate of ceiling === 1 ? [0, 1] : [0, ceiling / 2, ceiling]) {
    draw(chart, 'line', {x1: left, x2: right, y1: y(rate), y2: y(rate)});
    draw(chart, 'text', {x: left - 6, y: y(rate) + 4, 'text-anchor': 'end'}, shortFormat.format(rate));
  }
  for (let ago_s = TICKS_S[span_s]; ago_s < span_s; ago_s += TICKS_S[span_s]) {
    const x = right - ((right - left) * ago_s) / span_s;
    draw(chart, 'text', {x, y: height - 4, 'text-anchor': 'middle'}, `−${ago_s / 60} min`);
  }
  draw(chart, 'text', {x: right, y: height - 4, 'text-anchor': 'end'}, endTime ? formatClock(endTime) : 'now');
}

function drawRates({left, top, bottom, stepWidth, x, y}, {events_per_s: events, duplicates_per_s: duplicates}) {
  for (const [first, last] of runsOf(events, false)) {
    if (first >= events.length - 2) continue; // it is only just being counted
    draw(chart, 'rect', {class: 'unknown', x: left + first * stepWidth, y: top, width: (last - first + 1) * stepWidth, height: bottom - top});
  }
  const path = (rates) => runsOf(rates, true).map(([first, last]) => `M${rates.slice(first, last + 1)
      .map((rate, i) => `${x(first + i).toFixed(1)},${y(rate).toFixed(1)}`).join('L')}`).join('');
  const area = runsOf(events, true).map(([first, last]) => `${path(events.map((rate, i) => (i < first || i > last ? null : rate)))}` +
      `L${x(last).toFixed(1)},${bottom}L${x(first).toFixed(1)},${bottom}Z`).join('');
  draw(chart, 'path', {class: 'area', d: area});
  draw(chart, 'path', {class: 'events', d: path(events)});
  draw(chart, 'path', {class: 'duplicates', d: path(duplicates)});
}

/** The values of a step, in words. */
function valuesText(i) {
  const {events_per_s: events, duplicates_per_s: duplicates, step_s, until} = history;
  const time = formatClock(new Date(Date.parse(until) - (events.length - 1 - i) * step_s * 1000));
  if (events[i] === null) return `${time}: nothing is known`;
  return `${time}: ${formatRate(events[i])} events/s, ${formatRate(duplicates[i])} duplicates/s (${formatShare(duplicates[i], events[i])})`;
}

function drawPointed({top, bottom, x, y}) {
  chart.querySelectorAll('.pointed').forEach((element) => element.remove());
  setText('chart-values', pointed === null ? '' : valuesText(pointed));
  if (pointed === null) return;
  draw(chart, 'line', {class: 'pointed', x1: x(pointed), x2: x(pointed), y1: top, y2: bottom});
  for (const [name, rates] of [['events', history.events_per_s], ['duplicates', history.duplicates_per_s]]) {
    if (rates[pointed] !== null) draw(chart, 'circle', {class: `pointed ${name}`, cx: x(pointed), cy: y(rates[pointed]), r: 4});
  }
}

function drawChart() {
  if (history === null) return;
  const span_s = history.events_per_s.length * history.step_s;
  const place = placeOf(history);
  chart.replaceChildren();
  drawAxes(place, span_s);
  drawRates(place, history);
  drawPointed(place);
  chart.setAttribute('aria-label', `In the last ${span_s / 60} minutes, as far as known: ${countOf(history.known.events, 'event')}, ` +
      `${formatCount(history.known.duplicates)} of them duplicates; at most ${formatRate(Math.max(0, ...history.events_per_s))} events per second`);
}

/** Shows a history that ends now. */
export function showHistory(answer) {
  if (history && history.step_s !== answer.step_s) pointed = null;
  history = answer;
  endTime = null;
  drawChart();
}

/** What is shown ended at that time, null: at the time that the answer tells. */
export function endChartAt(time) {
  if (history) endTime = time ?? new Date(history.until);
  drawChart();
}

function point(i) {
  if (history === null) return;
  pointed = i === null ? null : Math.min(Math.max(i, 0), history.events_per_s.length - 1);
  drawPointed(placeOf(history));
}

chart.addEventListener('pointermove', ({clientX}) => {
  if (history === null) return;
  const {left, stepWidth} = placeOf(history);
  point(Math.floor((clientX - chart.getBoundingClientRect().left - left) / stepWidth));
});
chart.addEventListener('pointerleave', () => point(null));
chart.addEventListener('blur', () => point(null));
chart.addEventListener('keydown', (key) => {
  const last = (history?.events_per_s.length ?? 0) - 1;
  const next = {ArrowLeft: (pointed ?? last + 1) - 1, ArrowRight: (pointed ?? last) + 1, Home: 0, End: last, Escape: null}[key.key];
  if (next === undefined) return;
  key.preventDefault();
  point(next);
});
new ResizeObserver(drawChart).observe(chart);
