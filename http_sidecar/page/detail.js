// One event, whole.

import {askSoon, parseEvents} from './client.js';
import {byId, make, setText} from './dom.js';
import {bytesOf, countOf, hexOf, plain, textOf, wholeFormat} from './format.js';

const HEX_BYTES_MAX = 4096;

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

/** Opens it; the list's state says why where that cannot be done. */
export async function showDetail(seq) {
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
