"""Conversations about what goes wrong: errors of all kinds, the queue after them, interrupts."""

from __future__ import annotations

from qtkernel.protocol import Channel
from tests.conversations.comparison.talk import Talk, conversation, notebook_cell


@conversation
def errors(talk: Talk) -> None:
    """Exceptions of many kinds."""
    talk.execute("def fails():\n    raise ValueError('in a function')")
    for code in (
        "1 / 0",
        "no_such_name",
        "fails()",
        "raise ValueError",
        "raise ValueError('')",
        "raise ValueError('two', 'arguments')",
        "raise ValueError('line\\nline')",
        "raise KeyError('key')",
        "assert 1 == 2, 'message'",
        "assert False",
        "1 +",
        "def f(:\n    pass",
        "  x = 1\n y = 2",
        "if True:\nx = 1",
        "'unterminated",
        "return 5",
        "yield 5",
        "break",
        "nonlocal x",
        "from __future__ import nothing",
        "x = = 1",
        "print 'two'",
        "\u20ac = 5",
        "f'{'",
        "import no_such_module",
        "from os import no_such_function",
        "raise KeyboardInterrupt",
        "raise KeyboardInterrupt('said')",
        "raise SystemExit",
        "raise SystemExit(0)",
        "raise SystemExit(3)",
        "raise SystemExit('why')",
        "import sys; sys.exit(5)",
        "raise BaseException('base')",
        "raise GeneratorExit",
        "raise StopIteration(5)",
        "raise StopAsyncIteration",
        "try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise ValueError('from') from e",
        "try:\n    1/0\nexcept ZeroDivisionError:\n    raise ValueError('while')",
        "try:\n    1/0\nexcept ZeroDivisionError:\n    raise ValueError('alone') from None",
        "raise ExceptionGroup('group', [ValueError(1), TypeError('two')])",
        "raise ExceptionGroup('outer', [ExceptionGroup('inner', [ValueError(1)]), KeyError(2)])",
        "raise BaseExceptionGroup('base group', [KeyboardInterrupt()])",
        "e = ValueError('noted'); e.add_note('a note'); e.add_note('two\\nlines'); raise e",
        "class Bad(Exception):\n    def __str__(self): raise ValueError('no str')\nraise Bad",
        "class Odd(Exception):\n    def __str__(self): return 7\nraise Odd",
        "raise type('E' * 300, (Exception,), {})('long name')",
        "raise ValueError('x' * 10_000)",
        "def deep(n): return deep(n - 1) if n else fails()\ndeep(30)",
        "raise 5",
        "raise ValueError, 'two'",
        "del no_such_name",
        "[1, 2][5]",
        "{}['a']",
        "None.attribute",
        "int('x')",
        "open('/no/such/file')",
        "b'\\xff'.decode()",
        "exec('1/0')",
        "eval('1 +')",
        "compile('x = = 1', 'named.py', 'exec')",
        "%no_such_magic",
        "%%no_such_magic\nx",
        "%timeit",
        "%run no_such_file.py",
        "%cd /no/such/directory",
        "%%writefile\nx",
        "%alias",
        "get_ipython().showtraceback()",
        "try:\n    1/0\nexcept ZeroDivisionError:\n    get_ipython().showtraceback()",
        "import traceback\ntry:\n    fails()\nexcept ValueError:\n    traceback.print_exc()",
        "print('printed first'); 1/0",
        "display('displayed first'); 1/0",
        "class C:\n    def __del__(self): 1/0\nc = C(); del c",
        "import threading; t = threading.Thread(target=fails); t.start(); t.join()",
        "get_ipython().run_cell('1/0')\n'went on'",
        "get_ipython().run_cell('print(5)').success",
        "get_ipython().run_line_magic('xmode', 'Plain')\nfails()",
        "fails()",
        "%xmode Minimal\nNone",
        "fails()",
        "%xmode Verbose\nNone",
        "fails()",
        "%xmode Context\nNone",
        "%tb",
        "import sys; sys.last_value",
    ):
        talk.execute(code)


@conversation
def after_an_error(talk: Talk) -> None:
    """stop_on_error: what waits behind a cell that fails."""
    fail = "import time; time.sleep(0.2); 1/0"
    with talk.exchange("two cells and other requests wait") as exchange:
        exchange.execute(fail)
        exchange.execute("1")
        exchange.send("kernel_info_request")
        exchange.execute("2")
        exchange.send("is_complete_request", {"code": "1"})
    talk.execute("'the next one runs'")
    with talk.exchange("stop_on_error False") as exchange:
        exchange.execute(fail, stop_on_error=False)
        exchange.execute("1")
    with talk.exchange("silent") as exchange:
        exchange.execute(fail, silent=True, store_history=False)
        exchange.execute("1")
    with talk.exchange("not stored") as exchange:
        exchange.execute(fail, store_history=False)
        exchange.execute("1")
    with talk.exchange("a syntax error after a slow cell") as exchange:
        exchange.execute("time.sleep(0.2)")
        exchange.execute("1 +")
        exchange.execute("1")
        exchange.execute("2", silent=True, store_history=False)
    with talk.exchange("only code") as exchange:
        exchange.send("execute_request", {"code": fail})
        exchange.send("execute_request", {"code": "3"})
    with talk.exchange("SystemExit") as exchange:
        exchange.execute("time.sleep(0.2); raise SystemExit")
        exchange.execute("4")
    with talk.exchange("an awaiting cell") as exchange:
        exchange.execute("import asyncio; await asyncio.sleep(0.3); 1/0")
        exchange.execute("5")
    with talk.exchange("no error") as exchange:
        exchange.execute("time.sleep(0.1)")
        exchange.execute("6")
        exchange.execute("7")


@conversation
def interrupts(talk: Talk) -> None:
    """interrupt_request on the control channel, with and without something to interrupt."""
    talk.control("interrupt_request", title="nothing runs")
    talk.execute("'still alive'")
    # Without a flush of its own, where the signal could strike, too. In steps: a signal that comes
    # just before a system call begins does not end it, and ipykernel sends only one; to asyncio
    # it may say so when the loop next turns.
    talk.execute("import asyncio, time\ndef wait():\n    for _ in range(3000): time.sleep(0.01)")
    for code in (
        "print('begun'); wait()",
        "print('begun')\nwhile True: pass",
        "try:\n    print('begun'); wait()\nfinally:\n    print('cleaned up')",
        "try:\n    print('begun'); wait()\nexcept KeyboardInterrupt:\n    print('caught')",
        "print('begun')\nfor _ in range(600): await asyncio.sleep(0.05)",
    ):
        with talk.exchange(code) as exchange:
            exchange.execute(code)
            exchange.until_printed("begun")
            exchange.send("interrupt_request", channel=Channel.CONTROL)
        talk.execute("'next'")
    with talk.exchange("a queue behind it") as exchange:
        exchange.execute("print('begun'); wait()")
        exchange.execute("1")
        exchange.until_printed("begun")
        exchange.send("interrupt_request", channel=Channel.CONTROL)
    with talk.exchange("input()") as exchange:
        exchange.execute("input('never answered ')", allow_stdin=True)
        exchange.until(Channel.STDIN, lambda message: message.msg_type == "input_request")
        exchange.send("interrupt_request", channel=Channel.CONTROL)
    talk.execute("'alive'")


@conversation
def questions(talk: Talk) -> None:
    """input() and getpass()."""
    talk.execute("import getpass")
    talk.execute("input('refused ')", "refused", allow_stdin=False)
    talk.execute("getpass.getpass()", "getpass refused", allow_stdin=False)
    talk.request("execute_request", {"code": "1"}, "allow_stdin missing, not used")
    for code, answer in (
        ("input()", "answer"),
        ("input('prompt ')", "\u00e9\N{SNAKE}"),
        ("input(5)", ""),
        ("input('a\\nb')", "with\nline"),
        ("getpass.getpass()", "secret"),
        ("getpass.getpass('Token: ')", "secret"),
        ("input('eof ')", "\x04"),
        ("print('first'); x = input('> '); print(x)", "echo"),
    ):
        with talk.exchange(code) as exchange:
            exchange.execute(code, allow_stdin=True)
            exchange.answer(answer)
    talk.execute("input('two', 'arguments')", allow_stdin=True)
    with talk.exchange("two questions") as exchange:
        exchange.execute("input('one '), input('two ')", allow_stdin=True)
        exchange.answer("1")
        exchange.answer("2")
    with talk.exchange("a queue behind a question") as exchange:
        exchange.execute("input()", allow_stdin=True)
        exchange.execute("'after'")
        exchange.answer("x")


@conversation
def many_cells_at_once(talk: Talk) -> None:
    """Order of a flood."""
    with talk.exchange("a hundred cells") as exchange:
        for number in range(100):
            exchange.send("execute_request", notebook_cell(f"print({number})\n{number}"))
