// Which rule takes a message, and why.

import {askSoon, isNoAnswer, wordsOf} from './client.js';
import {byId, make} from './dom.js';

const value = (id) => byId(id).value;

/** Lines `name: value` as an array of pairs. Errors: Error, for a line without a colon. */
export function propertiesOf(text) {
  return text.split('\n').filter((line) => line.trim() !== '').map((line) => {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`A user property is a line “name: value”, not “${line}”.`);
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
}

/** The bytes that hex digits stand for, in base64. Errors: Error. */
export function base64Of(hex) {
  const digits = hex.replace(/[\s:]/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error('The payload is no hex: two digits for each byte are expected.');
  return btoa(String.fromCharCode(...(digits.match(/../g) ?? []).map((pair) => parseInt(pair, 16))));
}

function bodyOf() {
  const isHex = byId('explain-hex').checked;
  const body = {topic: value('explain-topic')};
  if (isHex) {
    body.payload_base64 = base64Of(value('explain-payload'));
  } else {
    body.payload = value('explain-payload');
  }
  const properties = propertiesOf(value('explain-properties'));
  if (properties.length > 0) body.properties = properties;
  for (const name of ['client_id', 'username']) {
    const text = value(`explain-${name}`);
    if (text) body[name] = text;
  }
  return JSON.stringify(body);
}

// --- The answer ---

const VERDICTS = {
  processed: (answer) => ['New', `: rule ${answer.rule} makes the key `, make('code', '', answer.key), '; it would be handed on.'],
  duplicate: (answer) => ['Duplicate', `: rule ${answer.rule} makes the key `, make('code', '', answer.key), `, which event ${answer.seq} has; it would not be handed on.`],
  refused: () => ['Refused', ': the plugin cannot store events now.'],
  passed: () => ['No event', ': no rule that decides makes a key; it would be handed on untouched.'],
};

function partOf(part) {
  const item = make('li');
  item.append(make('code', '', part.part), `: ${part.found}`);
  if (part.source && part.source !== part.part) item.append(' in ', make('code', '', part.source));
  if (part.text) item.append(', ', make('code', '', part.text));
  return item;
}

function askedOf(asked) {
  const item = make('li');
  const result = asked.makes_key ? 'makes a key' : `makes no key: ${asked.why_not}`;
  item.append(make('strong', '', asked.rule), `${asked.observes ? ' (only observes)' : ''} ${result}`);
  const parts = make('ul');
  const scope = make('li');
  scope.append('topic as far as it counts: ', make('code', '', asked.scope));
  parts.append(scope, ...asked.parts.map(partOf));
  item.append(parts);
  return item;
}

function show(answer) {
  const [verdict, ...sentence] = VERDICTS[answer.verdict](answer);
  byId('explain-verdict').replaceChildren(make('strong', '', verdict), ...sentence);
  if (answer.observed) {
    const {rule, key, is_copy: isCopy} = answer.observed;
    byId('explain-verdict').append(` Rule ${rule}, which only observes, makes the key `, make('code', '', key), isCopy ? ': it has seen it.' : ': new to it.');
  }
  const list = byId('explain-asked');
  list.replaceChildren(...answer.asked.map(askedOf));
  if (answer.payload_note) list.append(make('li', '', `Note: ${answer.payload_note}.`));
}

byId('explain-form').addEventListener('submit', async (submit) => {
  submit.preventDefault();
  const verdict = byId('explain-verdict');
  verdict.className = '';
  byId('explain-asked').replaceChildren();
  try {
    show(await (await askSoon('explain', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: bodyOf()})).json());
  } catch (error) {
    verdict.className = 'error';
    verdict.textContent = isNoAnswer(error) ? `Not explained: ${wordsOf(error)}.` : error.message;
  }
});
