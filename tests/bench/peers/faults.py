#!/usr/bin/python3
"""Clients that are cut off or killed and ask again with the same key, while what is between them and the
stock is killed and cut off, too.

Each client reserves one unit of an item at a time, under a new key, until it is told that nothing is left
or the time is over. Of its attempts some are cut: the connection is reset, or the client process is
killed, at a random moment after the request was sent. It then asks again with the same key, until it has
an answer. Every key that was told "held" goes to ANSWERS, with the id of the reservation; what the store
says is compared by who calls this.
"""
import argparse
import json
import multiprocessing
import os
import random
import shlex
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import redis

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "python"))
import reserve  # noqa: E402

CUT_SHARE = 0.4  # of the attempts
ANSWER_TIMEOUT_S = 5
GIVE_UP_S = 120  # with one key
PACE_S = 0.02  # between the keys of a client, so that it is the faults that decide how long a run takes
KILL_EVERY = 200  # answers, so that a slow machine has as many faults as a fast one
STORE_CUT_EVERY = 30
STORE_CUT_SHARE = 0.3  # of the connections
SOLD_OUT = "sold out"


class Unanswered(Exception):
    """The attempt had no answer, or one that says nothing about the units."""


class HttpClient:
    """One kept connection to a server, `render` and `judge` know its requests and answers."""

    def __init__(self, port, render, judge):
        self.port, self.render, self.judge = port, render, judge
        self.connection = None

    def send(self, key, sku):
        if self.connection is None:
            self.connection = socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_TIMEOUT_S)
        self.connection.sendall(self.render(key, sku).encode())

    def receive(self):
        try:
            return self.receive_answer()
        except (LookupError, ValueError):
            raise Unanswered from None  # this is no HTTP, or no JSON

    def receive_answer(self):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().lower().split("\r\n")
        length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), 0)
        while len(body) < length:
            body += self.more()
        if len(body) > length:  # an answer that nobody here asked for: this connection is worth nothing more
            raise Unanswered
        return self.judge(int(lines[0].split()[1]), body)

    def more(self):
        piece = self.connection.recv(65536)
        if not piece:
            raise Unanswered
        return piece

    def cut(self):
        """Closed with a reset, as by a client that died; also after an attempt that failed."""
        if self.connection is not None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.connection = None


class ForkedClient:
    """A process of reserve.py, forked from one that has it loaded."""

    context = multiprocessing.get_context("forkserver")

    def __init__(self, store):
        self.store = store
        self.process = None

    def send(self, key, sku):
        if self.process is None:
            self.pipe, its_end = self.context.Pipe()
            self.process = self.context.Process(target=reserve.answer, args=(self.store, its_end), daemon=True)
            self.process.start()
            its_end.close()
            self.receive()  # it is connected: only then is it worth killing
        self.pipe.send((key, sku))

    def receive(self):
        if not self.pipe.poll(ANSWER_TIMEOUT_S):
            raise Unanswered
        try:
            return self.pipe.recv() or SOLD_OUT
        except EOFError:
            raise Unanswered from None

    def cut(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()
            self.process = None


class PsqlClient:
    """A psql that is given a statement for each key; `\\echo` marks where its answer ends."""

    def __init__(self, command, statement):
        self.command, self.statement = command, statement
        self.process = None

    def send(self, key, sku):
        if self.process is None:
            self.process = subprocess.Popen(self.command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.say("SELECT 0;")
            self.receive()  # it is connected
        self.say(self.statement.replace("{key}", key).replace("{sku}", sku))

    def say(self, statement):
        self.process.stdin.write(statement + "\n\\echo done\n")
        self.process.stdin.flush()

    def receive(self):
        answer = []
        for line in self.process.stdout:
            if line == "done\n":
                return self.judge(answer)
            answer.append(line.strip())
        raise Unanswered

    @staticmethod
    def judge(answer):
        if not answer or "sold out" in answer[0]:
            return SOLD_OUT
        if not answer[0].isdigit():
            raise Unanswered
        return answer[0]

    def cut(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def json_request(path):
    def render(key, sku):
        body = json.dumps({"sku": sku, "quantity": 1, "ttl_seconds": 600})
        return (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )

    return render


def judge_json(status, body):
    if status == 409:
        return SOLD_OUT
    if status != 201:
        raise Unanswered
    return json.loads(body)["id"]


def webdis_request(script):
    def render(key, sku):
        made = f"r-{key}-{random.getrandbits(48):x}"  # what asks again does not know the id of before
        return f"GET /EVALSHA/{script}/5/item:{sku}/reservation:{made}/deadlines/key:{key}/events/{sku}/1/600/{made} HTTP/1.1\r\nHost: localhost\r\n\r\n"

    return render


def judge_webdis(status, body):
    if status != 200:
        raise Unanswered
    outcome, made = json.loads(body)["EVALSHA"][:2]
    if outcome is False:
        raise Unanswered
    return SOLD_OUT if outcome == "sold-out" else made


class Tally:
    """What all clients did; each field is only ever added to under the lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = dict.fromkeys(("keys", "asked_again", "cut", "failed", "workers_killed", "connections_cut"), 0)
        self.answers = []
        self.troubles = []

    def add(self, **counts):
        with self.lock:
            for name, count in counts.items():
                self.counts[name] += count


class Shopper(threading.Thread):
    """One client: reserves until nothing is left, or until the time is over."""

    def __init__(self, name, client, sku, until, tally):
        super().__init__(name=name)
        self.client, self.sku, self.until, self.tally = client, sku, until, tally
        self.usual_s = 0.002  # how long an answer takes, lately

    def run(self):
        bought = 0
        try:
            while time.monotonic() < self.until:
                bought += 1
                key = f"{self.name}-{bought}"
                answer = self.until_answered(key)
                if answer == SOLD_OUT:
                    break
                with self.tally.lock:
                    self.tally.answers.append((key, answer))
                time.sleep(random.random() * 2 * PACE_S)
        except Exception as trouble:  # told by who waits for this thread
            self.tally.troubles.append(f"{self.name}: {trouble!r}")
        finally:
            self.client.cut()

    def until_answered(self, key):
        give_up, tries = time.monotonic() + GIVE_UP_S, 0
        self.tally.add(keys=1)
        while time.monotonic() < give_up:
            tries += 1
            if tries == 2:
                self.tally.add(asked_again=1)
            answer = self.attempt(key)
            if answer is not None:
                return answer
        raise TimeoutError(f"no answer to {key} in {GIVE_UP_S} s")

    def attempt(self, key):
        try:
            self.client.send(key, self.sku)
            if random.random() < CUT_SHARE:
                time.sleep(random.random() * 1.5 * self.usual_s)
                self.tally.add(cut=1)
                self.client.cut()
                return None
            began = time.monotonic()
            answer = self.client.receive()
            self.usual_s += (time.monotonic() - began - self.usual_s) / 16
            return answer
        except (Unanswered, OSError):
            self.client.cut()
            self.tally.add(failed=1)
            time.sleep(random.random() * 0.1)
            return None


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
        return [int(child) for child in listed.read().split()]


def after_answers(usual, over, tally):
    """Waits until about so many more were answered; false when it is over."""
    until = len(tally.answers) + random.randint(1, 2 * usual)
    while len(tally.answers) < until:
        if over.wait(0.005):
            return False
    return True


def kill_workers(parent, over, tally):
    while after_answers(KILL_EVERY, over, tally):
        workers = children(parent)
        if workers:
            os.kill(random.choice(workers), signal.SIGKILL)
            tally.add(workers_killed=1)


def cut_redis(path, over, tally):
    admin = redis.Redis(unix_socket_path=path)
    me = admin.client_id()
    while after_answers(STORE_CUT_EVERY, over, tally):
        for one in admin.client_list():
            if int(one["id"]) != me and random.random() < STORE_CUT_SHARE:
                tally.add(connections_cut=admin.execute_command("CLIENT", "KILL", "ID", one["id"]))


def cut_postgres(command, over, tally):
    cut = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND random() < {STORE_CUT_SHARE}"
    while after_answers(STORE_CUT_EVERY, over, tally):
        done = subprocess.run(command + ["-c", cut], capture_output=True, text=True, check=True)
        tally.add(connections_cut=int(done.stdout))


def maker_of_clients(options):
    """What makes a client of the peer that was asked for."""
    if options.http:
        port, path = options.http.split("/", 1)
        return lambda: HttpClient(int(port), json_request("/" + path), judge_json)
    if options.webdis:
        port, script = options.webdis.split("/", 1)
        return lambda: HttpClient(int(port), webdis_request(script), judge_webdis)
    if options.psql:
        command = shlex.split(options.psql)
        return lambda: PsqlClient(command, options.statement)
    ForkedClient.context.set_forkserver_preload(["redis", "argparse", "subprocess"])  # what takes long to load
    return lambda: ForkedClient(options.redis)


def read_options():
    options = argparse.ArgumentParser(description=__doc__)
    peer = options.add_mutually_exclusive_group(required=True)
    peer.add_argument("--http", metavar="PORT/PATH", help="reservations are posted here")
    peer.add_argument("--webdis", metavar="PORT/SHA", help="the script of that hash is called by webdis")
    peer.add_argument("--psql", metavar="COMMAND", help="a psql executes --statement")
    peer.add_argument("--python", action="store_true", help="processes of reserve.py at --redis")
    options.add_argument("--statement", help="with {key} and {sku} in it")
    options.add_argument("--redis", metavar="SOCKET", help="its connections are cut")
    options.add_argument("--parent", type=int, metavar="PID", help="its children are killed")
    options.add_argument("--clients", type=int, default=32)
    options.add_argument("--seconds", type=float, default=8)
    options.add_argument("--sku", default="faulty")
    options.add_argument("answers", metavar="ANSWERS", help="where \"KEY ID\" goes for each key that was told held")
    return options.parse_args()


def main():
    options = read_options()
    tally, over = Tally(), threading.Event()
    make, until = maker_of_clients(options), time.monotonic() + options.seconds
    shoppers = [Shopper(f"k{i}", make(), options.sku, until, tally) for i in range(options.clients)]
    faults = []
    if options.parent:
        faults.append(threading.Thread(target=kill_workers, args=(options.parent, over, tally)))
    if options.redis:
        faults.append(threading.Thread(target=cut_redis, args=(options.redis, over, tally)))
    if options.psql:
        faults.append(threading.Thread(target=cut_postgres, args=(shlex.split(options.psql), over, tally)))
    for thread in shoppers + faults:
        thread.start()
    for thread in shoppers:
        thread.join()
    over.set()
    for thread in faults:
        thread.join()
    with open(options.answers, "w", encoding="ascii") as out:
        out.writelines(f"{key} {made}\n" for key, made in tally.answers)
    print(" ".join(f"{name} {count}" for name, count in tally.counts.items()))
    if tally.troubles:
        sys.exit("faults.py: " + "; ".join(tally.troubles[:3]))


if __name__ == "__main__":
    main()
