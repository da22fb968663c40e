// One event, whole.

import {askSoon, parseEvents, wordsOf} from './client.js';
import {timesText} from './duplicates.js';
import {byId, make, setText} from './dom.js';
import {bytesOf, countOf, hexOf, plain, textOf, wholeFormat} from './format.js';

const HEX_BYTES_MAX = 4096;

/** Bytes as a text where they are one, otherwise in hex; the title says how many. */
function showBytes(bytes, pre, titleId, title) {
  const text = textOf(bytes);
  const shown = text === null && bytes.length > HEX_BYTES_MAX ? `, the first ${wholeFormat.format(HEX_BYTES_MAX)} of them` : '';
  setText(titleId, `${title}: ${countOf(bytes.length, 'byte')}${shown}`);
  pre.className = text === null ? 'hex' : '';
  pre.textContent = text ?? hexOf(bytes.subarray(0, HEX_BYTES_MAX));
}

function showPayload(event) {
  const payload = byId('detail-payload');
  if (event.payload_base64 !== undefined) {
    showBytes(bytesOf(event.payload_base64), payload, 'detail-payload-title', 'The whole message, no JSON');
    return;
  }
  setText('detail-payload-title', 'Payload');
  payload.className = '';
  payload.textContent = JSON.stringify(event.payload, null, 2);
}

let shownSeq; // of the event in the dialog

/** The bytes themselves: JSON that was read and written again may lack repeated members. */
async function showMessage() {
  const seq = shownSeq;
  const pre = byId('detail-message-bytes');
  try {
    const answer = await askSoon(`events/${seq}`, {headers: {Accept: 'application/octet-stream'}});
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (seq === shownSeq) showBytes(bytes, pre, 'detail-message-title', 'The message as published');
  } catch (error) {
    if (seq === shownSeq) pre.textContent = `It cannot be shown: ${wordsOf(error)}`;
  }
}

/** Opens it; the list's state says why where that cannot be done. */
export async function showDetail(seq) {
  let event;
  const times = timesText(seq).catch(() => ''); // it is not counted, or the plugin is away
  try {
    [event] = parseEvents(await (await askSoon(`events/${seq}`)).text());
  } catch (error) {
    setText('tail-state', `Event ${seq} cannot be shown: ${wordsOf(error)}`);
    return;
  }
  shownSeq = seq;
  setText('detail-title', `Event ${seq}`);
  const members = byId('detail-members');
  while (members.children.length > 2) members.lastElementChild.remove(); // the topic stays
  const add = (name, value) => members.append(make('dt', '', name), make('dd', '', value));
  setText('detail-topic', event.topic);
  if (event.event_id !== null) add('Event id', plain(event.event_id));
  if (event.rule !== undefined) {
    add('Rule', event.rule);
    add('Key', event.key);
  }
  byId('detail-rule').hidden = event.rule === undefined;
  byId('detail-rule').dataset.rule = event.rule ?? '';
  add('Received', event.received_at);
  if (event.timestamp !== null) add('Timestamp', plain(event.timestamp));
  if (event.source !== null) add('Source', plain(event.source));
  const came = await times;
  if (came) add('Came', came);
  showPayload(event);
  const message = byId('detail-message');
  message.open = false;
  message.hidden = event.payload_base64 !== undefined; // it stands there already
  setText('detail-message-title', 'The message as published');
  byId('detail-message-bytes').textContent = '';
  byId('detail').showModal();
}

byId('detail-message').addEventListener('toggle', ({target}) => target.open && showMessage());
byId('detail-close').addEventListener('click', () => byId('detail').close());
