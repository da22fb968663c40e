// The dashboard: draws what the sidecar says to any client.

import {addSample, endChartAt, recently} from './chart.js';
import {Repeated, askSoon, isLockedOut, isNoAnswer, onLockedOut, parseMetrics, setToken, wordsOf} from './client.js';
import {showDetail} from './detail.js';
import {byId, make, setText} from './dom.js';
import {countOf, formatAtLeast, formatBytes, formatCount, formatRate, formatShare} from './format.js';
import {showEmpty, whyUnknown} from './empty.js';
import './explain.js';
import {Freshness} from './freshness.js';
import {onPresence, presence} from './presence.js';
import {rules} from './rules.js';
import {tail} from './tail.js';

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

const figures = new Freshness('figures', COUNTERS_INTERVAL_MS, () => figures.isOfNow || endChartAt(figures.time));

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

// --- Top lists ---

function showTop(id, emptyId, emptyText, rows) {
  showEmpty(emptyId, rows.length > 0 ? '' : emptyText);
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
    topic, formatAtLeast(events, error), formatAtLeast(duplicates, error), formatShare(duplicates, events)]));
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

onPresence((part) => tail.setBrokerAway(part === 'broker'));

function start() {
  presence.restart();
  counters.restart();
  topLists.restart();
  rules.restart();
  tail.restart();
}

start();
