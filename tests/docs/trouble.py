"""A proxy in front of the service that makes trouble, for the programs that the pages show.

The first two attempts at each question - method, path, body and Idempotency-Key - go wrong: first it is not carried
out, and refused with 503 or cut off; then it is carried out, and cut off or answered 504. Every further attempt is passed
on. So a program that asks again with the same key prints what it prints without the proxy, and any other sells twice
or stops.
"""
import http.client
import http.server
import threading

# Taken in turn by the questions.
WAYS = (("refused", "cut after"), ("cut before", "504 after"))


def problem(name, title, status):
    body = f'{{"type":"/problems/{name}","title":"{title}","status":{status},"detail":"trouble"}}'
    return status, [("Content-Type", "application/problem+json")], body.encode()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def handle_any(self):
        trouble = self.server.trouble
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        way = trouble.way((self.command, self.path, body, self.headers.get("Idempotency-Key")))
        if way == "refused":
            status, headers, answer = problem("overloaded", "Too much", 503)
            return self.answer(status, headers + [("Retry-After", "1")], answer)
        if way == "cut before":
            return self.cut()
        real = self.ask(trouble.upstream, body)
        if way == "cut after":
            return self.cut()
        return self.answer(*(problem("outcome-unknown", "Nobody knows", 504) if way else real))

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def ask(self, port, body):
        upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
            upstream.request(self.command, self.path, body or None, headers)
            got = upstream.getresponse()
            kept = [(n, v) for n, v in got.getheaders() if n.lower() not in ("content-length", "connection", "date")]
            return got.status, kept, got.read()
        finally:
            upstream.close()

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def cut(self):
        self.close_connection = True


class Trouble:
    def __init__(self, upstream):
        self.upstream, self.attempts, self.made, self.lock = upstream, {}, 0, threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.trouble = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def way(self, question):
        """How this attempt goes wrong, or None."""
        with self.lock:
            ways = self.attempts.setdefault(question, list(WAYS[len(self.attempts) % len(WAYS)]))
            self.made += bool(ways)
            return ways.pop(0) if ways else None

    def close(self):
        self.server.shutdown()
        self.server.server_close()
