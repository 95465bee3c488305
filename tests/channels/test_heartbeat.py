"""The heartbeat answers while this process holds the GIL."""

from __future__ import annotations

import subprocess
import sys
import threading

import zmq

from qtkernel.channels.heartbeat import Heartbeat
from qtkernel.channels.sockets import Endpoints
from qtkernel.protocol import Channel

# Says when it is connected, then beats until its stdin closes, and prints the longest gap.
BEATS = """
import sys, threading, time, zmq
context = zmq.Context()
socket = context.socket(zmq.REQ)
socket.linger = 0
socket.connect(sys.argv[1])
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
beats, longest = 0, 0.0
while not done.is_set():
    began = time.perf_counter()
    socket.send(b"ping %d" % beats)
    assert socket.poll(20_000), "no heartbeat"
    assert socket.recv() == b"ping %d" % beats
    longest = max(longest, time.perf_counter() - began)
    beats += 1
    if beats == 10:
        print("ready", flush=True)
        longest = 0.0
print(beats, longest)
context.destroy()
"""


def hold_the_gil() -> None:
    """One call in C that lasts for a second or so, and lets no other thread run."""
    before = int("9" * 2200)
    pow(7, before, 10**2200 + 1)


def test_it_answers_while_the_gil_is_held(endpoints: Endpoints) -> None:
    heartbeat = Heartbeat(endpoints.sockets.pop(Channel.HB))
    heartbeat.start()
    ticks: list[int] = []
    process = subprocess.Popen(
        [sys.executable, "-c", BEATS, endpoints.info.endpoint(Channel.HB)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    ticker = threading.Event()
    thread = threading.Thread(target=lambda: [ticks.append(0) for _ in iter(ticker.is_set, True)])
    thread.start()
    hold_the_gil()
    ticker.set()
    thread.join()
    out, _ = process.communicate()
    beats, longest = out.split()
    assert int(beats) > 100
    assert float(longest) < 0.25


def test_it_ends_with_its_context() -> None:
    context = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    socket.bind("inproc://hb")
    heartbeat = Heartbeat(socket)
    heartbeat.start()
    context.term()
    heartbeat.join(10)
    assert not heartbeat._thread.is_alive()
    assert socket.closed
