// SPDX-License-Identifier: Apache-2.0

let lastSecond = '';
let lastClock = '';

/** Local `HH:MM:SS` of an RFC 3339 UTC time; the last second is remembered, since records come in order of time. */
export function localSeconds(startTime: string): string {
  const second = startTime.slice(0, 19);
  if (second !== lastSecond) {
    const date = new Date(`${second}Z`);
    lastSecond = second;
    lastClock = Number.isNaN(date.getTime())
      ? '--:--:--'
      : [date.getHours(), date.getMinutes(), date.getSeconds()]
          .map((part) => String(part).padStart(2, '0'))
          .join(':');
  }
  return lastClock;
}

/** Local `HH:MM:SS.mmm` of an RFC 3339 UTC time with a fraction. */
export function localMilliseconds(startTime: string): string {
  return `${localSeconds(startTime)}.${startTime.slice(20, 23).replace(/\D.*$/, '').padEnd(3, '0')}`;
}
