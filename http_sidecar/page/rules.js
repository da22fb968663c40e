// The rules: what each has done, and the report of one.

import {Repeated, askSoon, isLockedOut, wordsOf} from './client.js';
import {byId, make, setText} from './dom.js';
import {showEmpty, whyUnknown} from './empty.js';
import {countOf, formatAtLeast, formatCount, formatDuration, formatShare} from './format.js';
import {Freshness} from './freshness.js';

const INTERVAL_MS = 3000;

/** Makes a table of rows of texts or elements, under its heads. */
function makeTable(heads, rows) {
  const table = make('table');
  const head = make('tr');
  head.append(...heads.map((text) => Object.assign(make('th', '', text), {scope: 'col'})));
  const body = make('tbody');
  for (const cells of rows) {
    const row = make('tr');
    for (const cell of cells) {
      const data = make('td');
      data.append(cell);
      row.append(data);
    }
    body.append(row);
  }
  table.append(make('thead'), body);
  table.tHead.append(head);
  return table;
}

// --- The list ---

/** What a reader must not overlook of a rule; empty where there is nothing. */
function warningOf(rule) {
  const {topics_watched: watched, topics_with_one_key: withOneKey, last} = rule.one_key;
  if (2 * withOneKey > watched) {
    return `On ${formatCount(withOneKey)} of ${countOf(watched, 'topic')} watched most messages had one and the same key (${last.key}): ` +
      'does it name a device, not an event?';
  }
  if (2 * rule.conflicts > rule.compared) {
    return `Most duplicates have another payload than the first (${formatCount(rule.conflicts)} of ${formatCount(rule.compared)} compared): ` +
      'does the key name a device, not an event?';
  }
  return '';
}

const valuesOf = (rule) => [
  formatCount(rule.matched), formatCount(rule.without_key), formatCount(rule.processed), formatCount(rule.duplicates),
  rule.compared > 0 ? formatCount(rule.conflicts) : '–',
];

function makeRow(rule) {
  const row = make('tr');
  const name = make('td');
  const open = make('button', 'link', rule.name);
  open.type = 'button';
  open.addEventListener('click', () => showRule(rule.name));
  name.append(open);
  if (rule.mode === 'observe') name.append(' ', make('span', 'tag', 'only observes'));
  row.append(name, ...valuesOf(rule).map((text) => make('td', '', text)));
  return row;
}

function makeNote(warning, columns) {
  const note = make('tr', 'note');
  const text = Object.assign(make('td'), {colSpan: columns});
  text.append(make('p', 'warning', warning));
  note.append(text);
  return note;
}

let shownKinds = ''; // of the rows that are there

/** Rows stay while the rules and their warnings do, so that a click or the focus on one is not lost. */
function showRules(rules, emptyText) {
  showEmpty('no-rules', rules.length > 0 ? '' : emptyText);
  byId('rules-table').hidden = rules.length === 0;
  const warnings = rules.map(warningOf);
  const kinds = JSON.stringify(rules.map((rule, i) => [rule.name, rule.mode, warnings[i]]));
  if (kinds === shownKinds) {
    byId('rules').querySelectorAll('tr:not(.note)').forEach((row, i) => {
      valuesOf(rules[i]).forEach((text, k) => (row.cells[k + 1].textContent = text));
    });
    return;
  }
  shownKinds = kinds;
  const focused = document.activeElement?.closest('#rules')?.querySelector('button:focus')?.textContent;
  byId('rules').replaceChildren(...rules.flatMap((rule, i) => {
    const row = makeRow(rule);
    return warnings[i] ? [row, makeNote(warnings[i], row.cells.length)] : [row];
  }));
  if (focused) [...document.querySelectorAll('#rules button')].find((button) => button.textContent === focused)?.focus();
}

let areKnown = false;

export const rules = new Repeated(INTERVAL_MS, async () => {
  try {
    showRules((await (await askSoon('rules')).json()).rules, 'No rules.');
    areKnown = true;
    setText('rules-state', '');
  } catch (error) {
    if (isLockedOut(error) || !areKnown) {
      areKnown = false;
      showRules([], whyUnknown(error));
    }
    throw error; // the head says what is wrong
  }
}, new Freshness('rules', INTERVAL_MS));

// --- One of them ---

function addMembers(list, members) {
  for (const [name, value] of members) {
    if (value !== '') list.append(make('dt', '', name), make('dd', '', value));
  }
}

function makeMessage(title, message) {
  const part = make('div');
  const more = message.payload_bytes - (message.payload_hex ? message.payload_hex.length / 2 : new TextEncoder().encode(message.payload).length);
  part.append(
    make('p', 'more', `${title} on ${message.topic}${message.client_id === null ? '' : ` from ${message.client_id}`}`),
    make('pre', '', (message.payload_hex?.replace(/../g, '$& ') ?? message.payload) + (more > 0 ? ` … and ${countOf(more, 'byte')} more` : '')));
  return part;
}

function makeSample(sample) {
  const item = make('li');
  item.append(make('p', '', `${sample.key}: ${formatDuration(sample.gap_ms)} later, ${sample.same_payload ? 'the same payload' : 'another payload'}`),
    makeMessage('First', sample.first), makeMessage('Copy', sample.copy));
  return item;
}

function observationsOf(rule) {
  const seen = rule.observations;
  const parts = [make('h3', '', `What it would do, seen since ${new Date(seen.since).toLocaleString()}`)];
  const add = (...elements) => parts.push(...elements);
  const messages = seen.firsts + seen.copies;
  if (seen.copies === 0) {
    add(make('p', '', messages === 0 ? 'No message with a key yet.' : `${countOf(messages, 'message')}, and no copy of any of them.`));
  } else {
    const members = make('dl', 'members');
    addMembers(members, [
      ['Copies', `${formatCount(seen.copies)} of ${countOf(messages, 'message')} (${formatShare(seen.copies, messages)}) would not be handed on`],
      ['Payload', `${formatCount(seen.same_payload)} the same, ${formatCount(seen.other_payload)} another one`],
      ['Gap to the first', `half within ${formatDuration(seen.gap_ms.p50)}, 99 % within ${formatDuration(seen.gap_ms.p99)}, ` +
        `the longest ${formatDuration(seen.gap_ms.max)}: what the window is to be`],
      ['From', `about ${countOf(seen.clients, 'client')} on ${countOf(seen.topics, 'topic')}; ` +
        `${formatCount(seen.other_client)} came from another client than the first, ${formatCount(seen.other_topic)} on another topic`],
    ]);
    add(members);
  }
  const {keys, keys_max: keysMax, forgotten_early: forgottenEarly, reach_ms: reach} = seen.memory;
  if (forgottenEarly > 0) {
    add(make('p', 'warning', `Its memory of ${formatCount(keysMax)} keys reaches back ${formatDuration(reach)}, less than the window: later copies are not seen as such.`));
  } else {
    add(make('p', 'more', `It remembers ${formatCount(keys)} of at most ${formatCount(keysMax)} keys.`));
  }
  if (seen.differences.places.length > 0) {
    add(make('h3', '', `What copies change (${formatCount(seen.differences.compared)} compared)`),
      makeTable(['Where', 'Copies', 'Share'], seen.differences.places.map(({place, copies, error}) => [
        make('code', '', place), formatAtLeast(copies, error), formatShare(copies, seen.differences.compared)])),
      make('p', 'more', 'Members that only copies change are what to ignore. If readings differ, the key names no event.'));
  }
  if (seen.keys.length > 0) {
    add(make('h3', '', 'Keys with the most copies'), makeTable(['Key', 'Copies'], seen.keys.map(({key, copies, error}) => [
      make('span', '', key), formatAtLeast(copies, error)])));
  }
  if (seen.samples.length > 0) {
    const list = make('ul', 'samples');
    list.append(...seen.samples.map(makeSample));
    add(make('h3', '', 'Copies, the newest first'), list);
  }
  return parts;
}

/** Opens the report of a rule; the list's state says why where that cannot be done. */
async function showRule(name) {
  let rule;
  try {
    rule = await (await askSoon(`rules/${name}`)).json();
  } catch (error) {
    setText('rules-state', `The rule ${name} cannot be shown: ${wordsOf(error)}`);
    return;
  }
  setText('rule-title', `Rule ${name}`);
  byId('rule-events').dataset.rule = name;
  byId('rule-events').hidden = rule.mode === 'observe'; // it has none
  const members = byId('rule-members');
  members.replaceChildren();
  const last = rule.one_key.last;
  addMembers(members, [
    ['Topics', rule.topics.join(', ')],
    ['Window', rule.window_ms === null ? 'forever' : formatDuration(rule.window_ms)],
    ['Counted since', new Date(rule.since).toLocaleString()],
    ['Messages', `${formatCount(rule.matched)}, of them ${formatCount(rule.without_key)} without a key`],
    rule.mode === 'observe' ? ['Mode', 'observe: it touches nothing'] :
      ['Events', `${formatCount(rule.processed)} handed on, ${countOf(rule.duplicates, 'duplicate')} not`],
    ['Conflicts', rule.compared === 0 ? '' : `${formatCount(rule.conflicts)} of ${countOf(rule.compared, 'duplicate')} compared have another payload than the first`],
    ['One key', last ? `${formatCount(last.of_one_key)} of the last ${formatCount(last.messages)} messages on ${last.topic} had the key ${last.key}` : ''],
  ]);
  const warning = warningOf(rule);
  setText('rule-warning', warning);
  byId('rule-warning').hidden = !warning;
  byId('rule-observations').replaceChildren(...(rule.observations ? observationsOf(rule) : []));
  byId('rule').showModal();
}

byId('rule-close').addEventListener('click', () => byId('rule').close());
