# SPDX-License-Identifier: Apache-2.0
"""Two TLS connections between memory buffers: python3 tls-batched.py CERT NAME. Says {}; ends with its input.

Each line on standard input, a port, makes two connections to it. In the first rounds both requests are encrypted before
either is sent, and both responses are received before either is decrypted; in the last, one connection follows the other.
Answers with [number of the request, port of its own] for each request.
"""

import json
import socket
import ssl
import sys

ROUNDS = 4


class Connection:
    def __init__(self, context, name, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.received, self.to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.received, self.to_send, server_hostname=name)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.send()
                self.receive()
        self.send()

    def ask(self, n):
        self.tls.write(f"GET /n/{n} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def send(self):
        self.socket.sendall(self.to_send.read())

    def receive(self):
        self.received.write(self.socket.recv(65536))

    def read(self):
        answer = b""
        while True:
            try:
                answer += self.tls.read(65536)
            except ssl.SSLWantReadError:
                head, _, body = answer.partition(b"\r\n\r\n")
                lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if lengths and len(body) == lengths[0]:
                    return
                self.receive()


def run(context, name, port):
    pair = [Connection(context, name, port) for _ in range(2)]
    for turn in range(ROUNDS):
        # Alone in the last round: all four steps of the one, then of the other.
        for group in [[c] for c in pair] if turn == ROUNDS - 1 else [pair]:
            for connection in group:
                connection.ask(2 * turn + pair.index(connection) + 1)
            for connection in group:
                connection.send()
            for connection in group:
                connection.receive()
            for connection in group:
                connection.read()
    ports = [c.socket.getsockname()[1] for c in pair]
    return [[2 * turn + k + 1, ports[k]] for turn in range(ROUNDS) for k in range(2)]


context = ssl.create_default_context(cafile=sys.argv[1])
print("{}", flush=True)
for line in sys.stdin:
    print(json.dumps(run(context, sys.argv[2], int(line))), flush=True)
