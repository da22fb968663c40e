// The dashboard: draws what the sidecar says to any client.

import {about, setSidecarAway} from './about.js';
import {endChartAt, showHistory} from './chart.js';
import {Repeated, askSoon, isLockedOut, isNoAnswer, onLockedOut, parseMetrics, setToken, wordsOf} from './client.js';
import {showDetail} from './detail.js';
import {byId, make, setText} from './dom.js';
import {duplicates} from './duplicates.js';
import {showEmpty, whyUnknown} from './empty.js';
import './explain.js';
import {countOf, formatAtLeast, formatBytes, formatCount, formatDuration, formatRate, formatShare} from './format.js';
import {Freshness} from './freshness.js';
import {onPresence, presence} from './presence.js';
import {addSample, recently} from './rates.js';
import {rules} from './rules.js';
import {showTopic, tail} from './tail.js';

const COUNTERS_INTERVAL_MS = 1000;
const TOP_INTERVAL_MS = 3000;
const RATE_MS = 5000; // what the rates on the tiles are averages over
const TOP_ROWS = 8;

// --- Counters ---

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
  const now = recently(RATE_MS + COUNTERS_INTERVAL_MS / 2);
  if (now === null) return;
  setText('event-rate', formatRate(now.eventRate));
  setText('duplicate-rate', formatRate(now.duplicateRate));
  setText('share', formatShare(now.duplicates, now.events));
}

let areFiguresShown = false;

const figures = new Freshness('figures', COUNTERS_INTERVAL_MS);

// Without its broker the sidecar still reads the files, where nothing changes: that would look like quiet.
const counters = new Repeated(COUNTERS_INTERVAL_MS, async () => {
  let metrics;
  try {
    metrics = parseMetrics(await (await askSoon('metrics')).text());
    tail.setScope(true);
  } catch (error) {
    if (error.status === 403) tail.setScope(false);
    figures.expire(isLockedOut(error) ? 'Not shown without the right token' : 'Not known yet');
    throw error;
  }
  const isOfNow = metrics.publisher_connected === 1 && metrics.store_readable === 1;
  if (!isOfNow) figures.expire(metrics.store_readable === 1 ? 'As the broker left them' : 'Not known yet');
  if (isOfNow) {
    addSample(metrics);
    showRates();
  }
  if (isOfNow || (metrics.store_readable === 1 && !areFiguresShown)) {
    showCounters(metrics);
    areFiguresShown = true;
  }
  return isOfNow;
}, figures);

// --- The last minutes, or the last hour ---

const HISTORY_INTERVALS_MS = {'5m': 2000, '15m': 3000, '1h': 5000};
const HISTORY_LATE_S = 5; // a history whose last so many seconds are not known is not of now
let isHistoryShown = false;

/** Bounds: so much took no longer. */
function showDurations(id, {count, p50_ms: p50, p99_ms: p99}, noun) {
  const within = (bound_ms) => (bound_ms === null ? 'beyond 10 s' : `≤ ${formatDuration(bound_ms)}`);
  setText(id, count > 0 ? within(p99) : '–');
  setText(`${id}-more`, count > 0 ? `99 % of ${countOf(count, noun)}; half ${within(p50)}` : `no ${noun} in this time`);
}

const history = new Freshness('history', Math.max(...Object.values(HISTORY_INTERVALS_MS)), () => history.isOfNow || endChartAt(history.time));

const historyTurns = new Repeated(HISTORY_INTERVALS_MS['5m'], async () => {
  const range = byId('range').value;
  historyTurns.interval_ms = HISTORY_INTERVALS_MS[range];
  const answer = await (await askSoon(`history?range=${range}`)).json();
  if (range !== byId('range').value) return false; // another one is being asked for
  const isOfNow = answer.events_per_s.slice(-Math.ceil(HISTORY_LATE_S / answer.step_s)).some((rate) => rate !== null);
  if (isOfNow || !isHistoryShown) {
    showHistory(answer);
    showDurations('publish-time', answer.publish, 'POST');
    showDurations('fsync-time', answer.fsync, 'sync');
    isHistoryShown = true;
    if (!isOfNow) endChartAt(history.time);
  }
  return isOfNow;
}, history);

byId('range').addEventListener('change', () => {
  isHistoryShown = false;
  historyTurns.restart();
});

// --- Top lists ---

function makeName(text) {
  const name = make('span', '', text);
  name.title = text; // of a long one not all is shown
  return name;
}

function makeTopic(topic) {
  if (topic.endsWith('…')) return makeName(topic); // the plugin has not kept all of it
  const button = make('button', 'link', topic);
  button.type = 'button';
  button.title = `${topic}: show its live events`;
  button.addEventListener('click', () => showTopic(topic));
  return button;
}

// Rows of the same name stay, so that a click or the focus on one is not lost.
function showTop(id, emptyId, emptyText, rows, nameOf = makeName) {
  showEmpty(emptyId, rows.length > 0 ? '' : emptyText);
  const body = byId(id);
  body.parentElement.hidden = rows.length === 0;
  rows.forEach(([name, ...values], i) => {
    const row = body.rows[i] ?? body.insertRow();
    while (row.cells.length <= values.length) row.insertCell();
    if (row.dataset.name !== name) row.cells[0].replaceChildren(nameOf(name));
    row.dataset.name = name;
    values.forEach((value, k) => (row.cells[k + 1].textContent = value));
  });
  while (body.rows.length > rows.length) body.deleteRow(-1);
}

let areTopListsKnown = false;

function hideTopLists(error) {
  areTopListsKnown = false;
  showTop('top-topics', 'no-topics', whyUnknown(error), []);
  showTop('top-sources', 'no-sources', whyUnknown(error), []);
  for (const note of document.querySelectorAll('.top-note')) note.textContent = '';
}

const topLists = new Repeated(TOP_INTERVAL_MS, async () => {
  let answer;
  try {
    answer = await (await askSoon('top')).json();
  } catch (error) {
    if (isLockedOut(error) || !areTopListsKnown) hideTopLists(error);
    throw error;
  }
  areTopListsKnown = true;
  showTop('top-topics', 'no-topics', 'No events yet.', answer.topics.slice(0, TOP_ROWS).map(({topic, events, duplicates, error}) => [
    topic, formatAtLeast(events, error), formatAtLeast(duplicates, error), formatShare(duplicates, events)]), makeTopic);
  showTop('top-sources', 'no-sources', 'No duplicates yet.', answer.duplicate_clients.slice(0, TOP_ROWS).map(({client_id, duplicates, error}) => [
    client_id, formatAtLeast(duplicates, error)]));
  const isExact = [...answer.topics, ...answer.duplicate_clients].every(({error}) => error === 0);
  for (const note of document.querySelectorAll('.top-note')) {
    note.textContent = `Since the broker's start, ${new Date(answer.since).toLocaleString()}${isExact ? '' : '; ≥: at least'}`;
  }
}, new Freshness('top', TOP_INTERVAL_MS));

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
    verdict.textContent = isNoAnswer(error) ? `Not published: ${wordsOf(error)}.` : error.message;
  }
});
byId('new-id').addEventListener('click', () => (byId('publish-id').value = newId()));
byId('publish-id').value = newId();

// --- The token ---

onLockedOut((error, hasToken) => {
  const texts = {
    401: hasToken ? `The server does not take this token: ${error.message}` : 'This server asks for a token.',
    403: `The token in use does not allow all of this page: ${error.message}`,
  };
  setText('token-text', texts[error.status]);
  byId('token-forget').hidden = !hasToken;
  byId('token-form').hidden = false;
});

function useToken(value) {
  setToken(value);
  byId('token').value = '';
  byId('token-form').hidden = true;
  start();
}

byId('token-form').addEventListener('submit', (submit) => {
  submit.preventDefault();
  useToken(byId('token').value.trim());
});
byId('token-forget').addEventListener('click', () => useToken(null));

let isSidecarAway = false;

onPresence((part) => {
  tail.setBrokerAway(part === 'broker');
  if (isSidecarAway === (part === 'sidecar')) return;
  isSidecarAway = !isSidecarAway;
  setSidecarAway(isSidecarAway);
});

function start() {
  presence.restart();
  about.restart();
  counters.restart();
  historyTurns.restart();
  topLists.restart();
  rules.restart();
  tail.restart();
  duplicates.restart();
}

start();
