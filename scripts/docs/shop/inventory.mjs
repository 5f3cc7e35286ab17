// SPDX-License-Identifier: Apache-2.0
// A gRPC service that says how many of a thing are left. Prints its port.
import { Server, ServerCredentials, status } from '@grpc/grpc-js';

const asIs = { serialize: (bytes) => bytes, deserialize: (bytes) => bytes };
const left = new Map([
  ['lamp', 3],
  ['chair', 1],
]);

const server = new Server();
server.addService(
  {
    reserve: {
      path: '/shop.Inventory/Reserve',
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs.serialize,
      requestDeserialize: asIs.deserialize,
      responseSerialize: asIs.serialize,
      responseDeserialize: asIs.deserialize,
    },
  },
  {
    reserve({ request }, answer) {
      const thing = request.toString();
      const count = left.get(thing) ?? 0;
      if (count === 0) {
        answer({ code: status.RESOURCE_EXHAUSTED, details: `no ${thing} left` });
        return;
      }
      left.set(thing, count - 1);
      answer(null, Buffer.from(String(count - 1)));
    },
  },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(port);
});
