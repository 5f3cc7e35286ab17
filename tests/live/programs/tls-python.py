# SPDX-License-Identifier: Apache-2.0
"""TLS of Python: server | client | memory-client. All end with their input.

  tls-python.py server KEY CERT          HTTP/1.1, a thread for each connection; says {"port": N}
  tls-python.py client CERT NAME         sockets that the library reads and writes itself; says {}
  tls-python.py memory-client CERT NAME  asyncio, whose TLS is between memory buffers; says {}

Clients wait for orders, lines on standard input: `run PORT FIRST COUNT AT-ONCE` makes requests over one connection for
each that is at once, and answers with what it knows of each: [n, status, bytes, port, version, cipher]. What request
N asks for, and what it is answered, is as in tls-peer.mjs.
"""

import asyncio
import http.client
import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn

METHOD_EVERY, ERROR_EVERY = 3, 10


def say(what):
    print(json.dumps(what), flush=True)


def wait_for_end():
    sys.stdin.read()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        size = int(self.headers.get("Content-Length", 0))
        self.rfile.read(size)
        n = int(self.path.split("/")[-1])
        body = b"a" * (n * 37 % 1000)
        self.send_response(404 if n % ERROR_EVERY == 0 else 200)
        self.send_header("X-Id", str(n))
        self.send_header("X-Received", str(size))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Server(ThreadingMixIn, TCPServer):
    """Each connection's handshake is its own thread's."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, key, certificate):
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)

    def finish_request(self, request, client_address):
        with self.context.wrap_socket(request, server_side=True) as secure:
            self.RequestHandlerClass(secure, client_address, self)

    def handle_error(self, *_):
        pass


def serve(key, certificate):
    server = Server(key, certificate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say({"port": server.server_address[1]})
    wait_for_end()


def request_of(n):
    return ("POST", b"c" * (n % 1000)) if n % METHOD_EVERY == 0 else ("GET", None)


def told(tls):
    return [tls.version().replace("TLSv", ""), tls.cipher()[0]]


def run_blocking(context, name, port, numbers):
    """Over one connection, one after the other."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context)
    answers = []
    for n in numbers:
        method, body = request_of(n)
        connection.request(method, f"/n/{n}", body, {"Host": name, "X-N": str(n)})
        response = connection.getresponse()
        size = len(response.read())
        local = connection.sock.getsockname()[1]
        answers.append([n, response.status, size, local, *told(connection.sock)])
    connection.close()
    return answers


def run_threads(context, name, port, first, count, width):
    answers = []
    threads = [
        threading.Thread(
            target=lambda start: answers.extend(
                run_blocking(context, name, port, range(start, first + count, width))
            ),
            args=[first + k],
        )
        for k in range(width)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


async def read_response(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
    lengths = [line.split(":")[1] for line in head if line.lower().startswith("content-length:")]
    length = int(lengths[0])
    await reader.readexactly(length)
    return int(head[0].split()[1]), length


async def run_memory(context, name, port, numbers):
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=name
    )
    tls = writer.get_extra_info("ssl_object")
    local = writer.get_extra_info("sockname")[1]
    answers = []
    for n in numbers:
        method, body = request_of(n)
        head = f"{method} /n/{n} HTTP/1.1\r\nHost: {name}\r\nX-N: {n}\r\n"
        if body is not None:
            head += f"Content-Length: {len(body)}\r\n"
        writer.write(f"{head}\r\n".encode() + (body or b""))
        status, size = await read_response(reader)
        answers.append([n, status, size, local, *told(tls)])
    writer.close()
    try:
        await writer.wait_closed()
    except (ssl.SSLError, ConnectionError):
        pass
    return answers


async def run_tasks(context, name, port, first, count, width):
    parts = [
        run_memory(context, name, port, range(first + k, first + count, width))
        for k in range(width)
    ]
    return [answer for answers in await asyncio.gather(*parts) for answer in answers]


def client(kind, certificate, name):
    context = ssl.create_default_context(cafile=certificate)
    if kind == "client":
        # http.client asks for the name of the host that it connects to.
        wrap = context.wrap_socket
        context.check_hostname = False
        context.wrap_socket = lambda sock, **options: wrap(
            sock, **{**options, "server_hostname": name}
        )
    say({})
    for line in sys.stdin:
        order, *numbers = line.split()
        assert order == "run"
        port, first, count, width = map(int, numbers)
        if kind == "client":
            answers = run_threads(context, name, port, first, count, width)
        else:
            answers = asyncio.run(run_tasks(context, name, port, first, count, width))
        say(sorted(answers))


if sys.argv[1] == "server":
    serve(*sys.argv[2:4])
else:
    client(*sys.argv[1:4])
