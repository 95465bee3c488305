"""Conversations of execute_requests: contents, results, displays, streams, payloads, counting."""

from __future__ import annotations

from tests.conversations.comparison.talk import Talk, conversation, notebook_cell

SNAKE = "\N{SNAKE}"


@conversation
def contents_of_execute_request(talk: Talk) -> None:
    """Minimal, null, of the wrong type, with unknown fields, empty."""
    ask = talk.request
    ask("execute_request", {"code": "1 + 1"}, "only code")
    ask("execute_request", notebook_cell("2 + 2"), "all fields")
    ask(
        "execute_request",
        notebook_cell("3 + 3") | {"nobody": ["knows", {"this": 1}]},
        "unknown field",
    )
    ask("execute_request", {"code": ""}, "empty code")
    ask("execute_request", {"code": " \n\t\n"}, "white space")
    ask("execute_request", {"code": "# a comment"}, "a comment")
    for name in ("user_expressions", "silent", "stop_on_error", "store_history", "allow_stdin"):
        ask("execute_request", {"code": "4", name: None}, f"{name} null")
        talk.count_anew()
    ask("execute_request", {}, "no code")
    ask("execute_request", {"code": None}, "code null")
    ask("execute_request", {"code": 7}, "code a number")
    ask("execute_request", {"code": ["1"]}, "code a list")
    ask("execute_request", {"code": "9", "silent": "yes"}, "silent a string")
    ask("execute_request", {"code": "10", "user_expressions": ["x"]}, "user_expressions a list")
    talk.count_anew()
    ask("execute_request", {"code": "11"}, "cellId", metadata={"cellId": "one", "deleted": []})
    talk.execute("'after all of these'")


@conversation
def text_of_all_kinds(talk: Talk) -> None:
    """Unicode, astral characters, lone surrogates, NUL, long lines, line ends."""
    talk.execute(f"'\u00e9\u4e2d{SNAKE}'")
    talk.execute(f"print('\u00e9\u4e2d{SNAKE}')")
    talk.execute("'\\ud800'", "a lone surrogate as result")
    talk.execute("print('\\ud800 lone')", "a lone surrogate printed")
    talk.execute("x = '\ud800'", "a lone surrogate in the code")
    talk.count_anew()
    talk.execute("raise ValueError('\\udfff')", "a lone surrogate in an error")
    talk.execute("'a\\x00b'", "NUL in a result")
    talk.execute("print('a\\x00b\\x1b[1mbold\\x1b[0m\\r\\x08')", "control characters printed")
    talk.execute("1\x00", "NUL in the code")
    talk.execute("print('crlf')\r\nprint('too')\r\n", "CRLF")
    talk.execute("print('cr')\rprint('too')", "CR")
    talk.execute("\u00e9\u00e8 = 5\n\u00e9\u00e8", "names that are not ASCII")
    talk.execute("print('x' * 100_000)", "100,000 characters")
    talk.execute("'y' * 100_000", "a result of 100,000 characters")
    talk.execute("print('a' * 3, end='')\nprint()\nprint('', end='')", "printing nothing")


@conversation
def silent_and_uncounted(talk: Talk) -> None:
    """silent, store_history False, and who counts."""
    talk.execute("1")
    talk.execute("2", "silent", silent=True)
    talk.execute("3", "silent, store_history", silent=True, store_history=True)
    talk.execute("print('silent print')", silent=True, store_history=False)
    talk.execute("1 / 0", "silent error", silent=True, store_history=False)
    talk.execute("4", "not stored", store_history=False)
    talk.execute("1 / 0", "not stored error", store_history=False)
    talk.execute("display('silent display')", silent=True, store_history=False)
    talk.execute("5;", "semicolon")
    talk.execute("_, __, _1", "what results are kept as")
    talk.execute("len(In) - len(Out) > 0")
    talk.execute("x = 5", "silent with expressions", silent=True, user_expressions={"x": "x"})
    talk.execute("get_ipython().execution_count")


@conversation
def user_expressions(talk: Talk) -> None:
    """Good, bad and strange ones."""
    good = {"sum": "1 + 1", "text": "'a'", "none": "None", "name": "value"}
    talk.execute("value = 7", "good", user_expressions=good)
    bad = {"name": "no_such_name", "division": "1/0", "syntax": "1 +", "statement": "x = 1"}
    talk.execute("value = 8", "bad", user_expressions=bad)
    talk.execute("1/0", "after an error", user_expressions=good)
    talk.execute("", "with empty code", user_expressions=good)
    talk.execute("3", "printing", user_expressions={"print": "print('printed')"})
    talk.execute("", "empty expression", user_expressions={"": ""})
    html = (
        "class H:\n    def _repr_html_(self): return '<b>h</b>'\n    def __repr__(self): return 'H'"
    )
    talk.execute(html, "rich", user_expressions={"h": "H()"})
    talk.execute("", "a number for an expression", user_expressions={"x": 7})
    failing = "class F:\n    def __repr__(self): raise ValueError('no repr')"
    talk.execute(failing, "failing repr", user_expressions={"f": "F()"})
    talk.execute("", "magic", user_expressions={"m": "get_ipython().magic('pwd') and 1"})


@conversation
def results(talk: Talk) -> None:
    """execute_result of many kinds."""
    for code in (
        "None",
        "True",
        "1.5",
        "float('nan'), float('inf')",
        "b'bytes'",
        "[1, [2, {3: 4}]]",
        "list(range(500))",
        "'line\\nline'",
        "...",
        "NotImplemented",
        "int",
        "lambda: 1",
        "range(3)",
        "{'a': 1, 'b': [1, 2]}",
        "1\n2\n3",
        "a = b = 5; a",
        "__name__",
        "import sys; sys.argv[0] != ''",
        "type(get_ipython()).__name__",
        "Exception('not raised')",
        "[x for x in range(3)]",
        "if True:\n    'in a block'",
        "for i in range(2): i",
        "(lambda: (yield))()",
    ):
        talk.execute(code)
    talk.execute(
        "class R:\n    def __init__(self, **data): self.data = data\n"
        "    def _repr_mimebundle_(self, include=None, exclude=None):\n"
        "        return {k.replace('_', '/'): v for k, v in self.data.items()}\n"
        "    def __repr__(self): return 'R'"
    )
    talk.execute("R(text_html='<b>b</b>', text_latex='$x$')")
    talk.execute("R(application_json={'a': [1, None, 1.5, 'x']})")
    talk.execute("R(application_json={'n': float('nan'), 1: 2})", "NaN and number keys in JSON")
    talk.execute("R(image_png=b'\\x89PNG not really')", "bytes in a bundle")
    talk.execute("R(text_plain='replaced')")
    talk.execute("class S:\n    def _repr_html_(self): return '<i>s</i>'\nS()", "_repr_html_")
    talk.execute(
        "class P:\n    def _repr_png_(self): return b'\\x89PNG', {'width': 3}\n"
        "    def _repr_svg_(self): return '<svg/>'\n    def _repr_latex_(self): return '$l$'\n"
        "    def __repr__(self): return 'P'\nP()",
        "png with metadata, svg, latex",
    )
    talk.execute(
        "class N:\n    def _repr_html_(self): return None\n    def __repr__(self): return 'N'\nN()",
        "None",
    )
    talk.execute(
        "class E:\n    def __repr__(self): raise ValueError('no repr')\nE()", "failing __repr__"
    )
    talk.execute(
        "class G:\n    def _repr_html_(self): raise ValueError('no html')\n"
        "    def __repr__(self): return 'G'\nG()",
        "failing _repr_html_",
    )
    talk.execute(
        "class T:\n    def __repr__(self): return 7\nT()", "__repr__ that returns a number"
    )
    talk.execute("import sys; sys.displayhook('by hand')")
    talk.execute(
        "class D:\n    def _ipython_display_(self): print('displayed itself')\nD()",
        "_ipython_display_",
    )


@conversation
def displays(talk: Talk) -> None:
    """display_data, its updates, and clear_output."""
    talk.execute("from IPython.display import *")
    for code in (
        "display()",
        "display(1)",
        "display('a', 'b')",
        "display(HTML('<b>h</b>'))",
        "display(HTML('<b>h</b>', metadata={'isolated': True}))",
        "display(Markdown('*m*'), Latex('$l$'), Math('m'), SVG('<svg></svg>'))",
        "display(JSON({'a': 1}), JSON({'a': 1}, expanded=True))",
        "display(Javascript('1'), Code('x = 1'))",
        "display(Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + bytes(30), format='png', embed=True))",
        "display(Image(data=b'\\xff\\xd8\\xff', format='jpeg'), Image(url='http://x/y.png'))",
        "display({'text/plain': 'raw', 'application/x-y': {'z': [1]}}, raw=True)",
        "display({'text/plain': 'raw'}, raw=True, metadata={'a': 1})",
        "display('hidden', exclude=['text/plain'])",
        "display(HTML('x'), include=['text/html'])",
        "display('with an id', display_id='one')",
        "update_display('updated', display_id='one')",
        "update_display('of nobody', display_id='nobody')",
        "h = display('handle', display_id='h')",
        "h",
        "h.display('again')\nh.update('changed')",
        "display('generated', display_id=True) is not None",
        "display('transient', transient={'own': 1})",
        "clear_output()",
        "clear_output(wait=True)",
        "clear_output(1)",
        "print('before'); clear_output(wait=True); print('after')",
        "print('a'); display('b'); print('c'); display('d')",
        "ProgressBar(3)",
        "for _ in ProgressBar(2): pass",
        "publish_display_data({'text/plain': 'published'})",
        "publish_display_data({'text/plain': 'p'}, metadata={'m': 1})",
        "publish_display_data({'text/plain': 'p'}, transient={'display_id': 'q'})",
        "publish_display_data('not a dict')",
        "display_html('<b>raw</b>', raw=True)",
        "display_pretty(5)",
        "Pretty('pretty')",
        "FileLink('nowhere.txt')",
        "IFrame('http://x', 10, 20)",
        "Audio(b'123', rate=8000, embed=True)",
        "set_matplotlib_formats",
    ):
        talk.execute(code)
    talk.execute("display(object(), display_id=7)", "a number as display_id")


@conversation
def streams(talk: Talk) -> None:
    """stdout and stderr: order, merging, threads, what libraries ask of them."""
    talk.execute("import sys, os, threading, warnings")
    for code in (
        "print(1); print(2)",
        "print(1, file=sys.stderr)",
        "print(1); print(2, file=sys.stderr); print(3)",
        "sys.stdout.write('abc')",
        "print(end='')",
        "sys.stdout.writelines(['a', 'b\\n'])",
        "sys.stdout.write(7)",
        "sys.stdout.write(b'bytes')",
        "sys.stdout.isatty(), sys.stderr.isatty(), sys.stdin.isatty()",
        "sys.stdout.encoding, sys.stdout.errors",
        "sys.stdout.writable(), sys.stdout.readable(), sys.stdout.seekable()",
        "sys.stdout.name, sys.stdout.closed",
        "sys.stdout.flush()",
        "sys.stdout.fileno() == 1",
        "sys.stderr.fileno() == 2",
        "sys.stdout.buffer",
        "sys.stdout.read()",
        "sys.__stdout__ is sys.stdout",
        "t = threading.Thread(target=print, args=('from a thread',)); t.start(); t.join()",
        "warnings.warn('careful')",
        "import logging; logging.getLogger('a').warning('logged')",
        "print('no newline', end='', flush=True)",
        "import contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()) as s: print('caught')\ns.getvalue()",
        "from IPython.utils.capture import capture_output\n"
        "with capture_output() as c: print('c'); display(1)\nc.stdout, len(c.outputs)",
        "c.show()",
        "help(len)",
        "kept, sys.stdout = sys.stdout, io.StringIO(); print('caught'); caught = sys.stdout\n"
        "sys.stdout = kept; caught.getvalue()",
    ):
        talk.execute(code)


@conversation
def payloads(talk: Talk) -> None:
    """What frontends are asked to do."""
    talk.execute(
        "def documented(x, *, y=5):\n    'It has a docstring.'\n    return x\nd = documented"
    )
    for code in (
        "documented?",
        "documented??",
        "?documented",
        "no_such_name?",
        "%page d",
        "%page -r d",
        "%page no_such_name",
        "%load no_such_file.py",
        "open('loaded.py', 'w').write('x = 1\\ny = 2\\n');",
        "%load loaded.py",
        "%load -r 2-2 loaded.py",
        "%loadpy loaded.py",
        "%recall",
        "%rep 1",
        "get_ipython().set_next_input('next')",
        "get_ipython().set_next_input('one'); get_ipython().set_next_input('two')",
        "get_ipython().set_next_input('replaced', replace=True)",
        "get_ipython().set_next_input('then an error'); 1/0",
        "print('?'); documented?",
        "%pinfo documented",
        "%pinfo2 documented",
        "%pdoc documented",
        "%pdef documented",
        "%psource documented",
        "%pfile no_such_name",
        "*documen*?",
        "%psearch documen*",
        "%quickref",
        "%less loaded.py",
        "%more loaded.py",
        "%cat loaded.py",
        "%edit loaded.py",
        "%edit -n 2 loaded.py",
        "%edit documented",
    ):
        talk.execute(code)


@conversation
def leaving(talk: Talk) -> None:
    """exit and quit that keep the kernel, and what raising SystemExit says."""
    talk.execute("exit(keep_kernel=True)")
    talk.execute("quit(keep_kernel=True)")
    talk.execute("print(repr(get_ipython().exiter))")
    talk.execute("1 + 1")


@conversation
def awaiting(talk: Talk) -> None:
    """Top-level await."""
    talk.execute("import asyncio")
    for code in (
        "await asyncio.sleep(0)",
        "await asyncio.sleep(0.01, 'slept')",
        "async def f():\n    return 5\nawait f()",
        "async def g():\n    raise ValueError('awaited')\nawait g()",
        "async with asyncio.timeout(5): print('in a timeout')",
        "async for x in f(): pass",
        "[x async for x in f()]",
        "t = asyncio.create_task(f()); await t",
        "print('before'); await asyncio.sleep(0.01); print('after')",
        "await asyncio.gather(f(), f())",
        "await no_such_name",
        "await 5",
        "asyncio.get_running_loop() is not None; await f()",
        "raise asyncio.CancelledError\nawait f()",
        "async def outer():\n    async with asyncio.TaskGroup() as tg: tg.create_task(g())\n"
        "await outer()",
        "f()\nNone",
        "x = f(); x.close()",
        "asyncio.get_event_loop().is_running()",
        "%time await asyncio.sleep(0.01)\nNone",
        "%autoawait",
    ):
        talk.execute(code)
