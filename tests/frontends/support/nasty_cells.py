"""Cells that tempt IPython and the standard library to change the process."""

from __future__ import annotations

from tests.frontends.support.frontends import Frontend

# what ends in an error is meant to: that path leaves traces of its own
CELLS = [
    "x = 1",
    "1/0",
    "x +",
    "await __import__('asyncio').sleep(0.01); 5",
    "async def g():\n    yield 1\nasync for i in g(): pass",
    "import asyncio; t = asyncio.ensure_future(asyncio.sleep(0.01)); await t",
    "%timeit -n1 -r1 1",
    "%%capture out\nprint(5)",
    "%prun -q 1",
    "%load_ext autoreload",
    "%autoreload 2",
    "%pdb on",
    "%pdb off",
    "%xmode verbose",
    "raise ExceptionGroup('x', [ValueError(1)])",
    "!echo hi > /dev/null",
    "%%bash\necho x",
    "%%bash --bg\nsleep 60",
    "%who",
    "help(str)",
    "x?",
    "x??",
    "from IPython.display import display, HTML, clear_output; display(HTML('<b>x</b>'))",
    "clear_output(); h = display(1, display_id=True); h.update(2)",
    "print('x' * 3_000_000)",
    "import sys; print('err', file=sys.stderr); sys.exit(3)",
    "import threading; th = threading.Thread(target=lambda: None); th.start(); th.join()",
    "from concurrent.futures import ThreadPoolExecutor\n"
    "with ThreadPoolExecutor(1) as pool: pool.submit(str).result()",
    "import traceback\ntry:\n    1/0\nexcept Exception:\n    traceback.print_exc()",
    "import warnings; warnings.warn('careful')",
    "%history -n",
    "%macro m 1",
    "%alias zz echo",
    "%%writefile /dev/null\nx",
    "%env",
    "class A:\n    def __repr__(self): raise RuntimeError\nA()",
    "%doctest_mode",
    "%doctest_mode",
    "%gui",
    "%matplotlib inline",
    "exit",
    "import subprocess; subprocess.run(['true'])",
]

# with what the frontend answers
QUESTIONS = [
    ("1/0", ""),
    ("%debug", "q"),
    ("input('name? ')", "me"),
    ("import getpass; getpass.getpass()", "secret"),
    ("import pdb; pdb.set_trace(); 1", "q"),
    ("breakpoint()", "q"),
    ("breakpoint()", "c"),
    ("import pdb; pdb.run('1')", "c"),
]

# on a guest loop only: in an asyncio application the first fails, the second is its own
GUEST_CELLS = [
    "import asyncio; asyncio.run(asyncio.sleep(0))",
    "forgotten = asyncio.ensure_future(asyncio.sleep(1000)); await asyncio.sleep(0)",
]


def run_all(frontend: Frontend, *, guest: bool) -> None:
    """Do everything that a frontend can ask for."""
    for code in [*CELLS, *(GUEST_CELLS if guest else [])]:
        frontend.run(code)
    for code, answer in QUESTIONS:
        msg_id = frontend.start(code)
        if answer:
            frontend.prompt()
            frontend.answer(answer)
        frontend.outcome(msg_id)
    client = frontend.client
    for msg_id in (
        client.complete("import os; os.pa"),
        client.complete("import o"),
        client.inspect("str"),
        client.history(),
        client.is_complete("for"),
        client.comm_info(),
    ):
        frontend.outcome(msg_id)
    frontend.run("%reset -f")
    frontend.run("1/0")
