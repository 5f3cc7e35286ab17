# SPDX-License-Identifier: Apache-2.0
"""Connections that end in unusual ways. Waits for a line, then makes COUNT calls, each on a connection of its own.

ends.py half COUNT DELAY       the client closes its half, the server answers and exits, the client reads DELAY s later
ends.py reset-exit COUNT DELAY the server leaves bytes unread, answers and exits: the client is reset, and reads later
ends.py reset-close COUNT DELAY  the same, but the server lives on
ends.py pieces COUNT DELAY     request and response in writes of a few bytes; DELAY is not used
ends.py splice COUNT DELAY     all on one connection; bodies of responses are spliced: no hook sees these calls
"""
import os
import signal
import socket
import sys
import time

mode, count, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
signal.alarm(60)


def request(n):
    return b"POST /%s/%d HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n" % (mode.encode(), n) + b"0" * 20


RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def send(connection, data):
    step = 3 if mode == "pieces" else len(data)
    for at in range(0, len(data), step):
        connection.sendall(data[at : at + step])


def receive(connection, size):
    got = b""
    while len(got) < size:
        piece = connection.recv(min(size - len(got), 4096))
        if not piece:
            break
        got += piece
    return got


def splice(connection):
    """The same response, its body moved from a pipe to the socket inside the kernel."""
    head, body = RESPONSE[:-5], RESPONSE[-5:]
    connection.sendall(head)
    reading, writing = os.pipe()
    os.write(writing, body)
    os.splice(reading, connection.fileno(), len(body))
    os.close(reading)
    os.close(writing)


def keep_alive(listener):
    if os.fork() == 0:
        connection, _ = listener.accept()
        for n in range(1, count + 1):
            receive(connection, len(request(n)))
            splice(connection)
        connection.recv(1)
        os._exit(0)
    client = socket.create_connection(listener.getsockname())
    for n in range(1, count + 1):
        client.sendall(request(n))
        receive(client, len(RESPONSE))
    client.close()
    os.wait()


def serve(listener, n):
    connection, _ = listener.accept()
    receive(connection, 40 if mode.startswith("reset") else len(request(n)))
    send(connection, RESPONSE)
    if mode == "reset-close":
        connection.close()
        time.sleep(delay + 1)
    os._exit(0)


sys.stdin.readline()
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(5)
if mode == "splice":
    keep_alive(listener)
    sys.exit()
for n in range(1, count + 1):
    child = os.fork()
    if child == 0:
        serve(listener, n)
    client = socket.create_connection(listener.getsockname())
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    send(client, request(n))
    if mode == "half":
        client.shutdown(socket.SHUT_WR)
    if mode != "pieces":
        time.sleep(delay)
    receive(client, len(RESPONSE))
    client.close()
    os.waitpid(child, 0)
