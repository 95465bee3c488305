"""Conversations of requests that ask about code: complete, inspect, is_complete, history."""

from __future__ import annotations

from tests.conversations.comparison.talk import Talk, conversation

SNAKE = "\N{SNAKE}"


def _complete(talk: Talk, code: str, cursor_pos: int | None = None) -> None:
    position = len(code) if cursor_pos is None else cursor_pos
    content = {"code": code, "cursor_pos": position}
    talk.request("complete_request", content, f"{code!r} at {position}")


@conversation
def completion(talk: Talk) -> None:
    """Matches, ranges in code points, at every position of a line; from the objects there are."""
    talk.execute("%config IPCompleter.use_jedi = False")
    talk.execute(
        "import collections\nnumbers = [1, 2]\nnumeral = {'key one': 1, 'key two': {'inner': 2}}\n"
        "def function(first, second=2): 'doc'\n"
        "class Thing:\n    attribute = 5\n    def method(self): pass\nthing = Thing()"
    )
    line = "numb; thing.attr"
    for position in range(len(line) + 1):
        _complete(talk, line, position)
    for code in (
        "numera",
        "numeral['",
        "numeral['key t",
        "numeral['key two']['",
        "function(",
        "function(fir",
        "function(first=1, sec",
        "thing.",
        "Thing().me",
        "no_such_name.",
        "import collec",
        "from collections import Ord",
        "from collections.a",
        "%tim",
        "%%ti",
        "%load ",
        "%no_such_magic ",
        "!ec",
        "'a string",
        "# a comment",
        "f'{numb",
        "\\alpha",
        "\\GREEK SMALL LETTER ALPH",
        "lam",
        "for x in numb",
        f"'{SNAKE}'; numb",
        f"'{SNAKE}{SNAKE}'.isal",
        "x = 1\nnumb",
        "def f():\n    numb",
        "\u00e9\u00e8 = numb",
        "numbers.app",
        "(1).bit",
        "''.join",
        "print(numb",
        "numb\n",
        "",
        " ",
    ):
        _complete(talk, code)
    _complete(talk, "x = 1\nnumb\ny = 2", 10)
    _complete(talk, f"{SNAKE} numb {SNAKE}", 6)
    ask = talk.request
    ask("complete_request", {"code": "numb"}, "no cursor_pos")
    ask("complete_request", {"code": "numb", "cursor_pos": None}, "cursor_pos null")
    ask("complete_request", {"code": "numb", "cursor_pos": 0}, "cursor_pos 0")
    ask("complete_request", {"code": "numb", "cursor_pos": 99}, "cursor_pos beyond the end")
    ask("complete_request", {"code": "numb", "cursor_pos": -1}, "cursor_pos negative")
    ask("complete_request", {"code": "numb", "cursor_pos": "4"}, "cursor_pos a string")
    ask("complete_request", {"code": "numb", "cursor_pos": 2.5}, "cursor_pos a fraction")
    ask("complete_request", {"cursor_pos": 0}, "no code")
    ask("complete_request", {"code": "numb", "cursor_pos": 4, "more": 1}, "unknown field")
    talk.execute("%config IPCompleter.use_jedi = True")


@conversation
def completion_by_jedi(talk: Talk) -> None:
    """As it is by default; it is slow to begin."""
    talk.execute("class Thing:\n    attribute = 5\nthing = Thing()")
    for code in (
        "thing.attr",
        "def f(x):\n    y = [1]\n    y.app",
        "thi",
        "import os; os.path.joi",
    ):
        _complete(talk, code)


def _inspect(talk: Talk, code: str, cursor_pos: int | None = None, detail_level: int = 0) -> None:
    position = len(code) if cursor_pos is None else cursor_pos
    content = {"code": code, "cursor_pos": position, "detail_level": detail_level}
    talk.request("inspect_request", content, f"{code!r} at {position}, {detail_level}")


@conversation
def inspection(talk: Talk) -> None:
    """What is under the cursor."""
    talk.execute(
        "number = 5\ndef function(first, second=2):\n    'A docstring.'\n    return first\n"
        "class Thing:\n    'A class.'\n    attribute = 5\n    def method(self): 'A method.'\n"
        "thing = Thing()\nclass Bad:\n    def __repr__(self): raise ValueError('no repr')\n"
        "bad = Bad()"
    )
    line = "function(number, thing.method)"
    for position in range(len(line) + 1):
        _inspect(talk, line, position)
    for code in (
        "number",
        "Thing",
        "thing",
        "thing.attribute",
        "no_such",
        "",
        "print",
        "len",
        "bad",
    ):
        _inspect(talk, code, detail_level=0)
        _inspect(talk, code, detail_level=1)
    for code in (
        "%timeit",
        "%%timeit",
        "import os",
        "'text'",
        "5",
        "f(",
        "thing.",
        f"'{SNAKE}'; number",
    ):
        _inspect(talk, code)
    ask = talk.request
    ask("inspect_request", {"code": "number"}, "no cursor_pos")
    ask("inspect_request", {"code": "number", "cursor_pos": None}, "cursor_pos null")
    ask("inspect_request", {"code": "number", "cursor_pos": 99}, "cursor_pos beyond the end")
    ask("inspect_request", {"code": "number", "cursor_pos": -1}, "cursor_pos negative")
    ask("inspect_request", {"code": "number", "cursor_pos": 3}, "no detail_level")
    ask("inspect_request", {"code": "number", "cursor_pos": 3, "detail_level": 7}, "detail_level 7")
    ask(
        "inspect_request",
        {"code": "number", "cursor_pos": 3, "detail_level": None},
        "detail_level null",
    )
    sections = {"code": "function", "cursor_pos": 3, "omit_sections": ["docstring"]}
    ask("inspect_request", sections, "omit_sections")
    ask("inspect_request", {}, "nothing")


@conversation
def completeness(talk: Talk) -> None:
    """is_complete of many snippets."""
    for code in (
        "",
        " ",
        "1",
        "print('hello')",
        "print(",
        "print('''hello",
        "'unterminated",
        "def f(x):",
        "def f(x):\n    return x",
        "def f(x):\n    return x\n",
        "def f(x):\n    return x\n\n",
        "def f(x):\n    return x\n    ",
        "class C:\n    def m(self):\n        if 1:",
        "for i in range(3):",
        "if True:\n\tx",
        "import = 7q",
        "x = = 1",
        "a = [1,\n",
        "a = (1 +\n     2)",
        "@decorator",
        "@decorator\ndef f(): pass",
        "try:",
        "try:\n    pass\nexcept:\n    pass\n",
        "lambda",
        "x \\",
        "x = \\\n",
        "%timeit",
        "%%timeit",
        "%%timeit\nx",
        "%%timeit\nx\n",
        "!ls",
        "f?",
        "# a comment",
        "return 5",
        "await x",
        "async def f():",
        "with open(x) as f:",
        "while True: pass",
        "raise",
        "if 1: pass\nelse:",
        "\u00e9 = '\N{SNAKE}",
        "\x00",
        "1\n2",
        "x = 1;",
        ";",
        ")",
        "  indented",
        "match x:\n    case 1:",
    ):
        talk.request("is_complete_request", {"code": code}, repr(code))
    talk.request("is_complete_request", {}, "no code")
    talk.request("is_complete_request", {"code": None}, "code null")
    talk.request("is_complete_request", {"code": 5}, "code a number")
    talk.request("is_complete_request", {"code": "1", "more": 2}, "unknown field")


@conversation
def history(talk: Talk) -> None:
    """tail, range and search; raw and not; with output."""
    talk.execute("%reset -f in")
    for code in (
        "alpha = 1",
        "alpha",
        "print('beta')",
        "%time 1;\nNone",
        "alpha?",
        "1/0",
        "'\u00e9'",
        "alpha",
    ):
        talk.execute(code)
    talk.execute("not_stored = 1", store_history=False)

    def ask(title: str, **content: object) -> None:
        talk.request("history_request", content, title)

    for output in (False, True):
        for raw in (False, True):
            shape = {"output": output, "raw": raw}
            words = f"output {output}, raw {raw}"
            ask(f"tail 4, {words}", hist_access_type="tail", n=4, **shape)
            ask(f"search a*, {words}", hist_access_type="search", pattern="alph*", n=3, **shape)
    shape = {"output": False, "raw": True}
    ask("tail 0", hist_access_type="tail", n=0, **shape)
    ask("tail 1", hist_access_type="tail", n=1, **shape)
    ask("search unique", hist_access_type="search", pattern="alpha*", unique=True, n=5, **shape)
    ask("search without n", hist_access_type="search", pattern="*beta*", **shape)
    ask("search for nothing", hist_access_type="search", pattern="no such", **shape)
    ask("search with ?", hist_access_type="search", pattern="alph?", n=5, **shape)
    ask("a range of nothing", hist_access_type="range", session=0, start=500, stop=600, **shape)
    ask("a range, stop before start", hist_access_type="range", session=0, start=5, stop=2, **shape)
    ask(
        "a session that is not there",
        hist_access_type="range",
        session=99,
        start=1,
        stop=2,
        **shape,
    )
    ask("only the type", hist_access_type="tail")
    ask("no output", hist_access_type="tail", raw=True, n=1)
    ask("unknown type", hist_access_type="guess", **shape)
    ask("no type", **shape)
    ask("n null", hist_access_type="search", pattern="*beta*", n=None, **shape)
    ask("n a string", hist_access_type="tail", n="2", **shape)
    ask("unknown field", hist_access_type="tail", n=1, more=2, **shape)


@conversation
def history_by_range(talk: Talk) -> None:
    """Ranges of the current session, counted from the line where this conversation begins."""
    first = talk.execute("first = get_ipython().execution_count; print(first)")
    (printed,) = (m.content["text"] for m in first.heard if m.msg_type == "stream")
    start = int(printed)
    talk.execute("'a result'")
    talk.execute("%time None")
    for output in (False, True):
        for raw in (False, True):
            content = {"hist_access_type": "range", "session": 0, "start": start, "stop": start + 3}
            content |= {"output": output, "raw": raw}
            talk.request("history_request", content, f"output {output}, raw {raw}")
    content = {"hist_access_type": "range", "session": 0, "start": start + 1, "stop": None}
    talk.request("history_request", content | {"output": False, "raw": True}, "to the end")
    content = {"hist_access_type": "range", "start": start, "stop": start + 1}
    talk.request("history_request", content | {"output": False, "raw": True}, "no session")
