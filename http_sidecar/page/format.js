// Numbers, texts and bytes, as people read them.

export const wholeFormat = new Intl.NumberFormat('en');
export const shortFormat = new Intl.NumberFormat('en', {notation: 'compact', maximumSignificantDigits: 3});

export const formatCount = (count) => (count < 100_000 ? wholeFormat : shortFormat).format(count);
export const countOf = (count, noun) => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

export function formatRate(rate) {
  return rate > 0 && rate < 10 ? rate.toFixed(1) : formatCount(Math.round(rate));
}

export function formatShare(part, whole) {
  if (!(whole > 0)) return '–';
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  return `${percent.toFixed(percent < 10 && percent > 0 ? 1 : 0)} %`;
}

export function formatBytes(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  for (; bytes >= 1000 && unit < units.length - 1; ++unit) bytes /= 1000;
  return `${unit > 0 && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

/** Of milliseconds, in the largest unit that leaves a number above 1. */
export function formatDuration(ms) {
  const units = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1000, 's']];
  const [size, unit] = units.find(([bound]) => ms >= bound) ?? [1, 'ms'];
  return `${shortFormat.format(ms / size)} ${unit}`;
}

/** A moment as people say it: of another day with its date. */
export function formatClock(time) {
  const clock = time.toLocaleTimeString('en-GB');
  return time.toDateString() === new Date().toDateString() ? clock : `${time.toLocaleDateString()} ${clock}`;
}

/** A count that is surely reached, and may be exceeded by `error`. */
export const formatAtLeast = (count, error) => (error > 0 ? `≥ ${formatCount(count)}` : formatCount(count));

export const plain = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

export const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** The text that the bytes are, or begin with where `isCut`; null when they are none. */
export function textOf(bytes, isCut = false) {
  try {
    const text = new TextDecoder('utf-8', {fatal: true}).decode(bytes, {stream: isCut});
    return /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

export function hexOf(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const line = [...bytes.subarray(at, at + 16)];
    const hex = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join('\n');
}
