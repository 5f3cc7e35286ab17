// SPDX-License-Identifier: Apache-2.0
import type { WindowLayout } from '../inference/compile/index.js';
import { connectionTransport, inferenceWindow, windowAnswer, windowSide } from './contract.gen.js';

/** Of plaintext that was read around a TLS library: no hook of the socket tracer's gives it. */
const TRANSPORT_TLS = 4;

/** The window of the socket tracer, as the compiler of rules wants it described. */
export const windowLayout: WindowLayout = {
  ...inferenceWindow,
  sides: windowSide,
  transports: {
    tcp: connectionTransport.tcp,
    udp: connectionTransport.udp,
    unix: connectionTransport.unix,
    tls: TRANSPORT_TLS,
  },
  tlsAnswer: windowAnswer.tls,
};
