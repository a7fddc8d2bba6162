#!/usr/bin/python3
"""Reservations by redis-py and WATCH, each client straight at Redis: the usual demonstration of it.

reserve.py SOCKET CLIENTS SECONDS ITEMS PREFIX: a load, a process a client; prints its rate and p99.
"""
import os
import random
import resource
import struct
import sys
import time

import redis

RETENTION_S = 24 * 3600
TTL_S = 600


def reserve(store, key, sku, quantity):
    """Holds units for TTL_S; returns the reservation's id, or None when they are sold out."""
    stock, once = f"item:{sku}", f"key:{key}"
    tries = 0
    with store.pipeline() as transaction:
        while True:
            try:
                transaction.watch(stock, once)
                available, done = transaction.mget(stock, once)
                if done is not None:
                    return done.decode()
                if int(available) < quantity:
                    return None
                made = "r-" + os.urandom(10).hex()
                deadline = int((time.time() + TTL_S) * 1000)
                record = {"sku": sku, "quantity": quantity, "state": "held", "expires_at": deadline}
                transaction.multi()
                transaction.decrby(stock, quantity)
                transaction.hset(f"reservation:{made}", mapping=record)
                transaction.zadd("deadlines", {made: deadline})
                transaction.set(once, made, ex=RETENTION_S)
                transaction.xadd("events", {"type": "reserved", "id": made, "sku": sku, "quantity": quantity})
                transaction.execute()
                return made
            except redis.WatchError:
                time.sleep(random.random() * 2 ** min(tries, 5) / 1000)
                tries += 1


def answer(socket, pipe):
    """Reserves what comes out of the pipe, a key and an item at a time; ends when Redis hangs up."""
    store = redis.Redis(unix_socket_path=socket)
    try:
        pipe.send(store.ping())
        while True:
            key, sku = pipe.recv()
            pipe.send(reserve(store, key, sku, 1))
    except (redis.ConnectionError, EOFError):
        return


def load_of_one(socket, until, items, prefix):
    """Reserves one after the other; returns the time of each, in seconds."""
    store = redis.Redis(unix_socket_path=socket)
    times = []
    while (began := time.monotonic()) < until:
        made = reserve(store, f"{prefix}{len(times)}", f"s{random.randint(1, items)}", 1)
        assert made, "sold out"
        times.append(time.monotonic() - began)
    return times


def fork_client(until, socket, items, prefix):
    """A process that leaves its times, as floats, in the pipe that is returned."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        random.seed()
        times = load_of_one(socket, until, items, prefix)
        with os.fdopen(writer, "wb") as out:
            out.write(struct.pack(f"{len(times)}f", *times))
        os._exit(0)
    os.close(writer)
    return reader


def load(socket, clients, seconds, items, prefix):
    began = time.monotonic()
    until = began + seconds
    readers = [fork_client(until, socket, items, f"{prefix}{i}-") for i in range(clients)]
    times = []
    for reader in readers:
        with os.fdopen(reader, "rb") as source:
            written = source.read()
        times += struct.unpack(f"{len(written) // 4}f", written)
    took = time.monotonic() - began
    failed = sum(os.wait()[1] != 0 for _ in range(clients))
    times.sort()
    p99 = times[int(len(times) * 0.99)] * 1000 if times else 0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime
    print(f"rate {len(times) / took:.1f} p99_ms {p99:.2f} answers {len(times)} bad {failed} cpu_s {cpu_s:.3f}")


if __name__ == "__main__":
    load(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
