# SPDX-License-Identifier: Apache-2.0
"""A server of the toy protocol that reads a header of four bytes and then the rest of the message, by a call each.

A message is a length, u32 big-endian, of what follows: `Q` or `S` and a text. `Q` is answered by `S` with the same text.
A connection begins with NOISE bytes each way that are no messages. Prints its port; ends with its input.

header-first.py NOISE
header-first.py http    an HTTP/1.1 server instead, that reads byte by byte
"""
import json
import socket
import sys
import threading


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            return None
        data += piece
    return data


def serve_toy(connection, noise):
    if noise and read_exactly(connection, noise) is not None:
        connection.sendall(b"y" * noise)
    while True:
        header = read_exactly(connection, 4)
        if header is None:
            return
        body = read_exactly(connection, int.from_bytes(header, "big"))
        if body is None:
            return
        connection.sendall(header + b"S" + body[1:])


def serve_http(connection):
    head = b""
    while True:
        byte = connection.recv(1)
        if not byte:
            return
        head += byte
        if head.endswith(b"\r\n\r\n"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            head = b""


def serve(connection):
    with connection:
        if sys.argv[1] == "http":
            serve_http(connection)
        else:
            serve_toy(connection, int(sys.argv[1]))


listener = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"port": listener.getsockname()[1]}), flush=True)


def accept():
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=[connection], daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
