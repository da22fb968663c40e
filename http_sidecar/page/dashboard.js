// The dashboard: asks the sidecar what any client may ask it, and draws what it says.
// What comes from events is only ever set as text, never as markup.
'use strict';

const COUNTERS_INTERVAL_MS = 1000;
const TOP_INTERVAL_MS = 3000;
const ANSWER_PATIENCE_MS = 10_000;
const RECONNECT_DELAY_MS = 1000;
const SILENCE_MAX_MS = 45_000; // of a stream, which sends a heartbeat every 15 s
const CHART_SPANS_S = [60, 120, 300]; // it shows the first that holds all, at most the last
const CHART_TICKS_S = {60: 15, 120: 30, 300: 60};
const SAMPLES_MS = CHART_SPANS_S.at(-1) * 1000;
const RATE_MS = 5000; // what the rates on the tiles are averages over
const DRAW_DELAY_MS = 200;
const ROWS_MAX = 100;
const TOP_ROWS = 8;
const PREVIEW_MAX = 200;
const HEX_BYTES_MAX = 4096;

const byId = (id) => document.getElementById(id);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function setText(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// --- Numbers for people ---

const wholeFormat = new Intl.NumberFormat('en');
const shortFormat = new Intl.NumberFormat('en', {notation: 'compact', maximumSignificantDigits: 3});

const formatCount = (count) => (count < 100_000 ? wholeFormat : shortFormat).format(count);
const countOf = (count, noun) => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

function formatRate(rate) {
  return rate > 0 && rate < 10 ? rate.toFixed(1) : formatCount(Math.round(rate));
}

function formatShare(part, whole) {
  if (!(whole > 0)) return '–';
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  return `${percent.toFixed(percent < 10 && percent > 0 ? 1 : 0)} %`;
}

function formatBytes(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  for (; bytes >= 1000 && unit < units.length - 1; ++unit) bytes /= 1000;
  return `${unit > 0 && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

// --- Asking the sidecar ---

/** An answer that is an error; `message` is its detail. */
class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

let token = sessionStorage.getItem('token');

function showTokenForm(text) {
  setText('token-text', text);
  byId('token-forget').hidden = token === null;
  byId('token-form').hidden = false;
}

async function refusalOf(response) {
  const text = await response.text();
  try {
    return new Refusal(response.status, JSON.parse(text).detail ?? text);
  } catch {
    return new Refusal(response.status, text || response.statusText);
  }
}

/** The response to a request, when it is a success. Errors: Refusal, or TypeError when nobody answers. */
async function ask(path, {headers = {}, ...options} = {}) {
  if (token !== null) headers = {...headers, Authorization: `Bearer ${token}`};
  const asked = token;
  const response = await fetch(path, {cache: 'no-store', credentials: 'omit', headers, ...options});
  if (response.ok) return response;
  const refusal = await refusalOf(response);
  if (asked === token && response.status === 401) {
    showTokenForm(token === null ? 'This server asks for a token.' : `The server does not take this token: ${refusal.message}`);
  } else if (asked === token && response.status === 403) {
    showTokenForm(`The token in use does not allow all of this page: ${refusal.message}`);
  }
  throw refusal;
}

const askSoon = (path, options) => ask(path, {signal: AbortSignal.timeout(ANSWER_PATIENCE_MS), ...options});

function useToken(value) {
  token = value;
  if (value === null) {
    sessionStorage.removeItem('token');
  } else {
    sessionStorage.setItem('token', value);
  }
  byId('token').value = '';
  byId('token-form').hidden = true;
  counters.restart();
  topLists.restart();
  tail.restart();
}

const isLockedOut = (error) => error instanceof Refusal && (error.status === 401 || error.status === 403);

/** Calls `step` again and again, while the page is to be seen and the sidecar lets us in. */
class Repeated {
  constructor(interval_ms, step) {
    this.interval_ms = interval_ms;
    this.step = step;
    this.turn = 0;
    document.addEventListener('visibilitychange', () => this.restart());
  }

  async restart() {
    const turn = ++this.turn;
    while (turn === this.turn && !document.hidden) {
      const begin = performance.now();
      try {
        await this.step();
      } catch (error) {
        if (isLockedOut(error)) return; // until there is another token
      }
      await wait(Math.max(0, this.interval_ms - (performance.now() - begin)));
    }
  }
}

// --- Counters ---

function setState(state, text) {
  byId('state').className = state;
  setText('state-text', text);
}

/** The samples of a text in Prometheus's format that have no labels. */
function parseMetrics(text) {
  const metrics = {};
  for (const [, name, value] of text.matchAll(/^mosquitto_dedup_(\w+) (\S+)$/gm)) metrics[name] = Number(value);
  return metrics;
}

let samples = []; // of the counters, oldest first: {time_ms, events, duplicates}

function addSample(metrics) {
  const sample = {time_ms: performance.now(), events: metrics.events_received_total, duplicates: metrics.duplicates_total};
  const last = samples.at(-1);
  // They never fall, so this is another data directory.
  if (last && (sample.events < last.events || sample.duplicates < last.duplicates)) samples = [];
  samples.push(sample);
  while (samples[1]?.time_ms < sample.time_ms - SAMPLES_MS) samples.shift();
}

/** What came between two samples, and at which rates. */
function difference(from, to) {
  const seconds = (to.time_ms - from.time_ms) / 1000;
  const events = to.events - from.events;
  const duplicates = to.duplicates - from.duplicates;
  return {events, duplicates, eventRate: events / seconds, duplicateRate: duplicates / seconds};
}

function showCounters(metrics) {
  const {events_received_total: events, duplicates_total: duplicates} = metrics;
  setText('received', `${formatCount(events)} in all`);
  setText('duplicates', `${formatCount(duplicates)} in all`);
  setText('share-of-all', `now; ${formatShare(duplicates, events)} in all`);
  setText('journal-fill', formatShare(metrics.journal_bytes, metrics.journal_size_bytes));
  setText('journal-bytes', `${formatBytes(metrics.journal_bytes)} of ${formatBytes(metrics.journal_size_bytes)}`);
  byId('journal-meter').value = metrics.journal_bytes / metrics.journal_size_bytes;
  setText('store-bytes', formatBytes(metrics.store_bytes));
  setText('store-events', `${countOf(metrics.store_events, 'event')}; ${formatBytes(metrics.disk_free_bytes)} free`);
  setText('refused', formatCount(metrics.refused_total + metrics.unstored_total));
  setText('passed', `${countOf(metrics.passed_total, 'message')} passed`);
}

function showRates() {
  const last = samples.at(-1);
  const from = samples.find((sample) => sample.time_ms >= last.time_ms - RATE_MS - COUNTERS_INTERVAL_MS / 2);
  if (from === last) return;
  const now = difference(from, last);
  setText('event-rate', formatRate(now.eventRate));
  setText('duplicate-rate', formatRate(now.duplicateRate));
  setText('share', formatShare(now.duplicates, now.events));
}

async function showHealth(metrics) {
  if (metrics.publisher_connected && metrics.store_readable && !metrics.store_failing && !metrics.journal_failing) {
    return setState('good', 'Running');
  }
  try {
    await askSoon('healthz');
    setState('good', 'Running');
  } catch (error) {
    setState('bad', `Trouble: ${error.message}`);
  }
}

const counters = new Repeated(COUNTERS_INTERVAL_MS, async () => {
  try {
    const metrics = parseMetrics(await (await askSoon('metrics')).text());
    if (metrics.store_readable) {
      addSample(metrics);
      showCounters(metrics);
      showRates();
      drawChart();
    }
    await showHealth(metrics);
  } catch (error) {
    setState('bad', error instanceof Refusal ? `No figures: ${error.message}` : 'The sidecar does not answer; trying again');
    throw error;
  }
});

// --- The chart ---

const SVG = 'http://www.w3.org/2000/svg';

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
  draw(chart, 'text', {x: right, y: height - 4, 'text-anchor': 'end'}, 'now');
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

// --- Top lists ---

function showTop(id, emptyId, rows) {
  byId(emptyId).hidden = rows.length > 0;
  byId(id).parentElement.hidden = rows.length === 0;
  byId(id).replaceChildren(...rows.map((cells) => {
    const row = make('tr');
    row.append(...cells.map((cell) => make('td', '', cell)));
    const name = make('span', '', cells[0]);
    name.title = cells[0]; // of a long one not all is shown
    row.firstElementChild.replaceChildren(name);
    return row;
  }));
}

/** A count that is surely reached, and may be exceeded by `error`. */
const formatAtLeast = (count, error) => (error > 0 ? `≥ ${formatCount(count)}` : formatCount(count));

const topLists = new Repeated(TOP_INTERVAL_MS, async () => {
  const answer = await (await askSoon('top')).json(); // what is wrong then, the counters' own request says
  showTop('top-topics', 'no-topics', answer.topics.slice(0, TOP_ROWS).map(({topic, events, duplicates, error}) => [
    topic, formatAtLeast(events, error), formatAtLeast(duplicates, error), formatShare(duplicates, events)]));
  showTop('top-sources', 'no-sources', answer.duplicate_clients.slice(0, TOP_ROWS).map(({client_id, duplicates, error}) => [
    client_id, formatAtLeast(duplicates, error)]));
  const isExact = [...answer.topics, ...answer.duplicate_clients].every(({error}) => error === 0);
  for (const note of document.querySelectorAll('.top-note')) {
    note.textContent = `Since the broker's start, ${new Date(answer.since).toLocaleString()}${isExact ? '' : '; ≥: at least'}`;
  }
});

// --- Events ---

// Numbers as they were posted, where the browser can: 1.50 stays 1.50.
const exactNumber = (key, value, context) =>
  typeof value === 'number' && context && JSON.rawJSON ? JSON.rawJSON(context.source) : value;

function parseEvents(text) {
  const events = [JSON.parse(text, exactNumber)].flat();
  for (const event of events) event.seq = event.seq.rawJSON ?? event.seq;
  return events;
}

const plain = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** The text that the bytes are, or begin with where `isCut`; null when they are none. */
function textOf(bytes, isCut = false) {
  try {
    const text = new TextDecoder('utf-8', {fatal: true}).decode(bytes, {stream: isCut});
    return /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

function hexOf(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const line = [...bytes.subarray(at, at + 16)];
    const hex = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join('\n');
}

function previewOf(event) {
  const base64 = event.payload_base64;
  if (base64 === undefined) return event.payload === null ? '' : JSON.stringify(event.payload).slice(0, PREVIEW_MAX);
  const byteCount = (base64.length / 4) * 3 - /=*$/.exec(base64)[0].length;
  return textOf(bytesOf(base64.slice(0, PREVIEW_MAX)), base64.length > PREVIEW_MAX) ?? countOf(byteCount, 'byte');
}

function showPayload(event) {
  const payload = byId('detail-payload');
  payload.className = '';
  if (event.payload_base64 === undefined) {
    setText('detail-payload-title', 'Payload');
    payload.textContent = JSON.stringify(event.payload, null, 2);
    return;
  }
  const bytes = bytesOf(event.payload_base64);
  const text = textOf(bytes);
  const shown = text === null && bytes.length > HEX_BYTES_MAX ? `, the first ${wholeFormat.format(HEX_BYTES_MAX)} of them` : '';
  setText('detail-payload-title', `The whole message, no JSON object: ${countOf(bytes.length, 'byte')}${shown}`);
  payload.className = text === null ? 'hex' : '';
  payload.textContent = text ?? hexOf(bytes.subarray(0, HEX_BYTES_MAX));
}

async function showDetail(seq) {
  let event;
  try {
    [event] = parseEvents(await (await askSoon(`events/${seq}`)).text());
  } catch (error) {
    setText('tail-state', `Event ${seq} cannot be shown: ${error.message}`);
    return;
  }
  setText('detail-title', `Event ${seq}`);
  const members = byId('detail-members');
  members.replaceChildren();
  const add = (name, value) => members.append(make('dt', '', name), make('dd', '', value));
  add('Topic', event.topic);
  add('Event id', plain(event.event_id));
  add('Received', event.received_at);
  if (event.timestamp !== null) add('Timestamp', plain(event.timestamp));
  if (event.source !== null) add('Source', plain(event.source));
  showPayload(event);
  byId('detail').showModal();
}

byId('detail-close').addEventListener('click', () => byId('detail').close());

// --- Live events ---

function makeRow(event, isNew) {
  const row = make('li', isNew ? 'new' : '');
  const button = make('button');
  button.type = 'button';
  button.tabIndex = -1;
  button.dataset.seq = event.seq;
  button.append(make('span', 'time', new Date(event.received_at).toLocaleTimeString('en-GB')), make('span', 'topic', event.topic),
      make('span', 'id', plain(event.event_id)), make('span', 'payload', previewOf(event)));
  row.append(button);
  return row;
}

const rows = byId('rows');

/** Takes the tab stop, of which the list has one. */
function setTabStop(button) {
  for (const other of rows.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
  if (button) button.tabIndex = 0;
}

function addRows(added) { // newest first
  rows.prepend(...added);
  const hadFocus = rows.contains(document.activeElement);
  while (rows.children.length > ROWS_MAX) rows.lastElementChild.remove();
  if (hadFocus && !rows.contains(document.activeElement)) rows.lastElementChild.firstElementChild.focus();
  if (!rows.querySelector('[tabindex="0"]')) setTabStop(rows.querySelector('button'));
  byId('no-rows').hidden = rows.children.length > 0;
}

rows.addEventListener('click', ({target}) => {
  const button = target.closest('button');
  if (button) showDetail(button.dataset.seq);
});
rows.addEventListener('focusin', ({target}) => setTabStop(target));
rows.addEventListener('keydown', (key) => {
  const row = key.target.closest('li');
  const next = {
    ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling,
    Home: rows.firstElementChild, End: rows.lastElementChild,
  }[key.key];
  if (!next) return;
  key.preventDefault();
  next.firstElementChild.focus();
});

/** Calls `onEvent(text, seq)` for each event of a stream of server-sent events, until it ends. */
async function readStream(response, onEvent, onChunk) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    onChunk();
    const frames = (rest + value).split('\n\n');
    rest = frames.pop();
    for (const frame of frames) {
      const id = /^id: (\d+)$/m.exec(frame);
      const data = /^data: (.*)$/m.exec(frame);
      if (id) onEvent(data && data[1], Number(id[1]));
    }
  }
}

// EventSource can send no token, so the stream is read by fetch, and the reconnecting is ours. There is a stream only while
// it is looked at: browsers have no more than six connections to a server, for all tabs together.
class Tail {
  constructor() {
    this.filter = new URLSearchParams();
    this.controller = new AbortController();
    this.waiting = []; // events that came and are not shown yet, oldest first
    this.isPaused = false;
    this.isDrawing = false;
    document.addEventListener('visibilitychange', () => this.restart());
  }

  restart() {
    this.controller.abort();
    this.controller = new AbortController();
    if (!this.isPaused && !document.hidden) this.run(this.controller.signal);
  }

  async run(signal) {
    while (!signal.aborted) {
      try {
        await this.connectOnce(signal);
        if (!signal.aborted) this.setState('The stream ended; trying again', true);
      } catch (error) {
        if (signal.aborted) return;
        this.setState(error instanceof Refusal ? error.message : 'No connection; trying again', true);
        if (isLockedOut(error) || error.status === 400) return; // until there is another token or filter
      }
      await wait(RECONNECT_DELAY_MS);
    }
  }

  async connectOnce(signal) {
    // All that can be shown, however long the connection was away.
    const query = `${this.filter}`;
    const newest = parseEvents(await (await ask(`events?order=desc&limit=${ROWS_MAX}&${query}`, {signal})).text());
    const silence = new AbortController();
    let timer;
    const onChunk = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
    };
    const headers = newest.length > 0 ? {'Last-Event-ID': newest[0].seq} : {};
    const response = await ask(`events/stream?${query}`, {headers, signal: AbortSignal.any([signal, silence.signal])});
    rows.replaceChildren();
    this.waiting = [];
    addRows(newest.map((event) => makeRow(event, false)));
    this.setState('Connected', false);
    onChunk();
    try {
      await readStream(response, (text) => text && this.add(text), onChunk);
    } finally {
      clearTimeout(timer);
    }
  }

  setState(text, isError) {
    byId('tail-state').className = isError ? 'error' : '';
    setText('tail-state', text);
  }

  add(text) {
    this.waiting.push(text);
    if (this.waiting.length > ROWS_MAX) this.waiting.shift();
    this.drawSoon();
  }

  // Few times a second, however many events come.
  drawSoon() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    setTimeout(() => {
      this.isDrawing = false;
      addRows(this.waiting.splice(0).reverse().map((text) => makeRow(parseEvents(text)[0], true)));
    }, DRAW_DELAY_MS);
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    setText('pause', isPaused ? 'Go on' : 'Pause');
    this.setState(isPaused ? 'Paused' : '', false);
    this.restart();
  }
}

const tail = new Tail();

byId('pause').addEventListener('click', () => tail.pause(!tail.isPaused));

byId('filter-form').addEventListener('submit', (submit) => {
  submit.preventDefault();
  tail.filter = new URLSearchParams();
  for (const [name, field] of [['topic', 'filter-topic'], ['source', 'filter-source'], ['event_id', 'filter-id']]) {
    if (byId(field).value !== '') tail.filter.set(name, byId(field).value);
  }
  setText('no-rows', tail.filter.size > 0 ? 'No event matches.' : 'No events yet.');
  tail.pause(false);
});

// --- Publishing ---

const newId = () => `test-${Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;

function showVerdict(result) {
  const verdict = byId('verdict');
  const link = make('button', 'link', `event ${result.seq}`);
  link.type = 'button';
  link.addEventListener('click', () => showDetail(result.seq));
  const first = result.first_received_at ? ` received ${new Date(result.first_received_at).toLocaleString()}` : '';
  switch (result.verdict) {
    case 'processed':
      return verdict.replaceChildren(make('strong', '', 'Processed'), ': handed on and stored as ', link, '.');
    case 'duplicate':
      return verdict.replaceChildren(make('strong', '', 'Duplicate'), ' of ', link, `${first}; not handed on.`);
    case 'conflict':
      return verdict.replaceChildren(make('strong', '', 'Conflict'), ': its id is that of ', link, `${first}, which has another payload; not handed on.`);
    default:
      return verdict.replaceChildren(make('strong', '', result.verdict), '.');
  }
}

async function publish() {
  const value = (id) => byId(id).value;
  const payload = value('publish-payload').trim() || 'null';
  try {
    JSON.parse(payload);
  } catch (error) {
    throw new Error(`The payload is no JSON: ${error.message}`);
  }
  const members = [
    ['topic', JSON.stringify(value('publish-topic'))], ['event_id', JSON.stringify(value('publish-id'))],
    ['timestamp', JSON.stringify(new Date().toISOString())], ['source', JSON.stringify(value('publish-source'))],
    ['payload', payload], // as it was written
  ];
  const body = `{${members.map(([name, text]) => `"${name}":${text}`).join(',')}}`;
  const headers = {'Content-Type': 'application/json'};
  const answer = await (await askSoon('publish?results=full', {method: 'POST', headers, body})).json();
  showVerdict(answer.results[0]);
}

byId('publish-form').addEventListener('submit', async (submit) => {
  submit.preventDefault();
  const verdict = byId('verdict');
  verdict.className = '';
  try {
    await publish();
  } catch (error) {
    verdict.className = 'error';
    verdict.textContent = error.name === 'TypeError' ? 'Not published: the sidecar does not answer.' : error.message;
  }
});
byId('new-id').addEventListener('click', () => (byId('publish-id').value = newId()));
byId('publish-id').value = newId();

// --- The token ---

byId('token-form').addEventListener('submit', (submit) => {
  submit.preventDefault();
  useToken(byId('token').value.trim());
});
byId('token-forget').addEventListener('click', () => useToken(null));

counters.restart();
topLists.restart();
tail.restart();
