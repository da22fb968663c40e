// The live events: a list that follows the stream.

import {Refusal, ask, isLockedOut, parseEvents, readStream, wait} from './client.js';
import {showDetail} from './detail.js';
import {byId, make, setText} from './dom.js';
import {markNewRows} from './duplicates.js';
import {showEmpty, whyUnknown} from './empty.js';
import {bytesOf, countOf, plain, textOf} from './format.js';

const ROWS_MAX = 100;
const PREVIEW_MAX = 200;
const DRAW_DELAY_MS = 200;
const RECONNECT_DELAY_MS = 1000;
const SILENCE_MAX_MS = 45_000; // of a stream, which sends a heartbeat every 15 s

function previewOf(event) {
  const base64 = event.payload_base64;
  if (base64 === undefined) return event.payload === null ? '' : JSON.stringify(event.payload).slice(0, PREVIEW_MAX);
  const byteCount = (base64.length / 4) * 3 - /=*$/.exec(base64)[0].length;
  return textOf(bytesOf(base64.slice(0, PREVIEW_MAX)), base64.length > PREVIEW_MAX) ?? countOf(byteCount, 'byte');
}

function makeRow(event, isNew) {
  const row = make('li', isNew ? 'new' : '');
  const button = make('button');
  button.type = 'button';
  button.tabIndex = -1;
  button.dataset.seq = event.seq;
  button.append(make('span', 'time', new Date(event.received_at).toLocaleTimeString('en-GB')), make('span', 'topic', event.topic),
      make('span', 'times'), make('span', 'id', plain(event.key ?? event.event_id)), make('span', 'payload', previewOf(event)));
  row.append(button);
  if (event.rule !== undefined) { // for the mouse; the keyboard finds it in the event's dialog
    const rule = make('button', 'link rule', event.rule);
    rule.type = 'button';
    rule.tabIndex = -1;
    rule.title = `Only events of the rule ${event.rule}`;
    row.append(rule);
  }
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
}

rows.addEventListener('click', ({target}) => {
  const button = target.closest('button');
  if (button?.classList.contains('rule')) {
    showOnly('rule', button.textContent);
  } else if (button) {
    showDetail(button.dataset.seq);
  }
});
rows.addEventListener('focusin', ({target}) => setTabStop(target.closest('li').firstElementChild));
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

/** The newest events that there are. A page without any need not be the last: few events may match. */
async function readNewest(query, signal) {
  for (let page = `?order=desc&limit=${ROWS_MAX}&${query}`; ;) {
    const response = await ask(`events${page}`, {signal});
    const events = parseEvents(await response.text());
    const next = /^<(\?[^>]*)>; rel="next"$/.exec(response.headers.get('Link') ?? '');
    if (events.length > 0 || !next) return events;
    page = next[1];
  }
}

// EventSource can send no token, so the stream is read by fetch, and the reconnecting is ours. There is a stream only while
// it is looked at: browsers have no more than six connections to a server, for all tabs together.
class Tail {
  constructor() {
    this.filter = new URLSearchParams();
    this.controller = new AbortController();
    this.state = {text: '', isError: false};
    this.waiting = []; // events that came and are not shown yet, oldest first
    this.isPaused = false;
    this.isDrawing = false;
    this.mayReadAll = null; // whether the token in use does; null: not known
    this.isKnown = false; // which events there are
    this.trouble = null; // why it is not
    this.isBrokerAway = false;
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
        if (isLockedOut(error)) rows.replaceChildren();
        this.isKnown = false;
        this.trouble = error;
        this.showEmpty();
        this.setState(error instanceof Refusal ? error.message : 'No connection; trying again', true);
        if (isLockedOut(error) || error.status === 400) return; // until there is another token or filter
      }
      await wait(RECONNECT_DELAY_MS);
    }
  }

  async connectOnce(signal) {
    const query = `${this.filter}`;
    const end = new AbortController();
    const ended = AbortSignal.any([signal, end.signal]);
    let timer;
    const onChunk = () => {
      clearTimeout(timer);
      timer = setTimeout(() => end.abort(), SILENCE_MAX_MS);
    };
    try {
      // The stream first, so that what comes while the list is read is in the one or the other; what is in both is shown once.
      const response = await ask(`events/stream?${query}`, {signal: ended});
      // All that can be shown, however long the connection was away.
      const newest = await readNewest(query, ended);
      const listedSeq = Number(newest[0]?.seq ?? 0);
      rows.replaceChildren();
      this.waiting = [];
      this.isKnown = true;
      this.trouble = null;
      addRows(newest.map((event) => makeRow(event, false)));
      this.showEmpty();
      markNewRows();
      this.setState('Connected', false);
      onChunk();
      await readStream(response, (text, seq) => text && seq > listedSeq && this.add(text), onChunk);
    } finally {
      clearTimeout(timer);
      end.abort();
    }
  }

  setState(text, isError) {
    this.state = {text, isError};
    const isWaiting = this.isBrokerAway && !isError && !this.isPaused;
    byId('tail-state').className = isError || isWaiting ? 'error' : '';
    setText('tail-state', isWaiting ? 'Nothing comes while there is no connection to the broker' : text);
  }

  setBrokerAway(isAway) {
    this.isBrokerAway = isAway;
    this.setState(this.state.text, this.state.isError);
  }

  /** Whether the token in use may read all topics. */
  setScope(mayReadAll) {
    this.mayReadAll = mayReadAll;
    this.showEmpty();
  }

  showEmpty() {
    showEmpty('no-rows', rows.children.length > 0 ? '' : this.whyEmpty());
  }

  whyEmpty() {
    if (this.trouble) return whyUnknown(this.trouble);
    if (!this.isKnown || this.mayReadAll === null) return 'Not known yet.';
    const isFiltered = this.filter.size > 0;
    if (this.mayReadAll) return isFiltered ? 'No event matches.' : 'No events yet.';
    return `No events that the token in use may read${isFiltered ? ' match' : ''}; there may be others.`;
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
      this.showEmpty();
      markNewRows();
    }, DRAW_DELAY_MS);
  }

  /** Nothing is known yet of what another filter matches. */
  forget() {
    rows.replaceChildren();
    this.waiting = [];
    this.isKnown = false;
    this.trouble = null;
    this.showEmpty();
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    setText('pause', isPaused ? 'Go on' : 'Pause');
    this.setState(isPaused ? 'Paused' : '', false);
    this.restart();
  }
}

export const tail = new Tail();

byId('pause').addEventListener('click', () => tail.pause(!tail.isPaused));

const FIELDS = {topic: 'filter-topic', source: 'filter-source', event_id: 'filter-id', rule: 'filter-rule', key: 'filter-key'};

function applyFilter() {
  tail.filter = new URLSearchParams(Object.entries(FIELDS).map(([name, field]) => [name, byId(field).value]).filter(([, value]) => value !== ''));
  tail.forget();
  tail.pause(false);
}

byId('filter-form').addEventListener('submit', (submit) => {
  submit.preventDefault();
  applyFilter();
});

/** Leaves the events that one filter takes, whatever was asked for before. */
function showOnly(wanted, value) {
  for (const [name, field] of Object.entries(FIELDS)) byId(field).value = name === wanted ? value : '';
  applyFilter();
}

function showOnlyAndGoThere(wanted, value) {
  showOnly(wanted, value);
  byId('tail').scrollIntoView();
  byId('tail').focus({preventScroll: true});
}

/** Shows the live events of one topic. */
export const showTopic = (topic) => showOnlyAndGoThere('topic', topic);

byId('detail-topic').addEventListener('click', ({currentTarget}) => {
  byId('detail').close();
  showTopic(currentTarget.textContent);
});
for (const [dialog, button] of [['detail', 'detail-rule'], ['rule', 'rule-events']]) {
  byId(button).addEventListener('click', ({currentTarget}) => {
    byId(dialog).close();
    showOnlyAndGoThere('rule', currentTarget.dataset.rule);
  });
}
