"""Where qtkernel differs from ipykernel on purpose.

Each entry says why, and how the difference is recognised. docs/differences.md tells the same to
people, under the entry's title. A difference that no entry recognises is a defect; an entry that
recognises nothing any more is, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.conversations.comparison.differing import MISSING
from tests.conversations.comparison.rules import (
    Intended,
    a_link,
    answered,
    error_instead_of_text,
    not_on_this_channel,
    null,
    number_before,
    one_apart,
    own_words,
    refused,
    saying,
    unhandled,
    usage,
    values,
)

INTENDED: Sequence[Intended] = [
    # Headers, topics, metadata
    Intended(
        "One protocol version everywhere",
        "ipykernel's kernel_info_reply says 5.3, and the headers of its messages 5.4.",
        values("5.4", "5.5"),
        {"path": "header.version"},
    ),
    Intended(
        "One protocol version everywhere",
        "ipykernel's kernel_info_reply says 5.3, and the headers of its messages 5.4.",
        values("5.3", "5.5"),
        {"message": "kernel_info_reply", "path": "content.protocol_version"},
    ),
    Intended(
        "The username in headers is the user's",
        "ipykernel sends the word 'username' unless it is configured.",
        lambda d: d.theirs == "username" and d.ours not in ("", MISSING),
        {"path": "header.username"},
    ),
    Intended(
        "One form of IOPub topics",
        "Subscribers can choose by kernel and message type; ipykernel's streams, displays and "
        "comms have topics of their own forms.",
        lambda d: d.ours == f"kernel.<id>.{d.message.split()[0]}",
        {"channel": "iopub", "path": "topic"},
    ),
    Intended(
        "No metadata for ipyparallel",
        "They are for engines; ipykernel itself calls them deprecated.",
        lambda d: d.ours is MISSING and (d.theirs is True or d.theirs.startswith("<id ")),
        {"message": "*_reply", "path": "metadata.[de]*"},
    ),
    Intended(
        "No metadata for ipyparallel",
        "They are for engines; ipykernel itself calls them deprecated.",
        lambda d: d.ours is MISSING and d.theirs["method"] == "execute",
        {"message": "execute_reply", "path": "content.engine_info"},
    ),
    Intended(
        "Each reply's metadata has its status",
        "ipykernel does so for execute_reply only.",
        lambda d: (
            d.theirs in (MISSING, d.their_reply.get("status"))
            and d.ours == d.our_reply.get("status")
        ),
        {"message": "*_reply", "path": "metadata.status"},
    ),
    Intended(
        "Each reply says when its request was begun",
        "ipykernel does so for execute_reply only.",
        lambda d: d.theirs is MISSING and d.ours == "<date>",
        {"message": "*_reply", "path": "metadata.started"},
    ),
    # kernel_info
    Intended(
        "It says in which application it is",
        "The block qtkernel: the application's name and process id, embedded or not, the event "
        "loop, the Qt binding and version, the transport.",
        lambda d: d.theirs is MISSING and "application" in d.ours,
        {"message": "kernel_info_reply", "path": "content.qtkernel"},
    ),
    Intended(
        "It says who it is",
        "The implementation is qtkernel; ipykernel says ipython. The banner and the links are "
        "its own, and links lead to what is there in any case: Python and IPython.",
        lambda d: d.theirs is not MISSING and d.ours is not MISSING,
        {"message": "kernel_info_reply", "path": "content.implementation*"},
    ),
    Intended(
        "It says who it is",
        "The implementation is qtkernel; ipykernel says ipython. The banner and the links are "
        "its own, and links lead to what is there in any case: Python and IPython.",
        saying("IPython", "qtkernel"),
        {"message": "kernel_info_reply", "path": "content.banner"},
    ),
    Intended(
        "It says who it is",
        "The implementation is qtkernel; ipykernel says ipython. The banner and the links are "
        "its own, and links lead to what is there in any case: Python and IPython.",
        a_link,
        {"message": "kernel_info_reply", "path": "content.help_links.*"},
    ),
    Intended(
        "Subshells are not advertised",
        "Frontends would run widgets' callbacks off the GUI thread.",
        values("kernel subshells", MISSING),
        {"message": "kernel_info_reply", "path": "content.supported_features.*"},
    ),
    Intended(
        "kernel_info_reply has the debugger field",
        "Frontends that know protocol 5.4 look there.",
        values(MISSING, True),
        {"message": "kernel_info_reply", "path": "content.debugger"},
    ),
    # Requests
    Intended(
        "No silence",
        "Every request gets a reply: wrong content one that names the field, an unknown type one "
        "that lists the known ones; null, a missing or an unknown field does not matter. "
        "ipykernel leaves these unanswered.",
        answered,
    ),
    Intended(
        "Wrong content is refused",
        "A field of the wrong type is named in an error reply. ipykernel takes it as it is, "
        "and does something.",
        refused,
    ),
    Intended(
        "null is as if the field were missing",
        "ipykernel takes it for False.",
        null,
        {"conversation": "contents_of_execute_request"},
    ),
    Intended(
        "The control channel serves what is its own",
        "It runs on a thread of its own, and what belongs on the shell channel must run in the "
        "GUI thread. ipykernel runs cells there.",
        not_on_this_channel,
        {"conversation": "shell_requests_on_control", "exchange": "*_request on control"},
    ),
    Intended(
        "The control channel serves what is its own",
        "Comms live in the GUI thread, too.",
        not_on_this_channel,
        {"conversation": "information", "exchange": "comm_info_request* on control"},
    ),
    Intended(
        "The control channel serves what is its own",
        "Here it shows in the count of the next cell.",
        one_apart(1),
        {"conversation": "shell_requests_on_control", "exchange": "'afterwards'"},
    ),
    Intended(
        "An aborted cell's reply is complete",
        "It has the fields that an execute_reply must have.",
        lambda d: d.our_reply.get("status") == "aborted" and d.theirs is MISSING,
        {"message": "execute_reply", "path": "content.*"},
    ),
    Intended(
        "One number for a cell",
        "Its execute_input, its results and its reply have the same; ipykernel's reply has the "
        "one before it where the cell is empty, silent or not stored.",
        number_before,
        {"message": "execute_re*", "path": "content.execution_count"},
    ),
    Intended(
        "One number for a cell",
        "Also of one that resets the namespace.",
        one_apart(-1),
        {"exchange": "%reset -f?*", "path": "content.execution_count"},
    ),
    Intended(
        "History rows name their session",
        "IPython calls the current session 0 in ranges and by its number elsewhere.",
        lambda d: d.theirs == 0 and d.ours == 1,
        {"message": "history_reply", "path": "content.history.*.0"},
    ),
    Intended(
        "Replies of the debugger are numbered",
        "As the Debug Adapter Protocol wants it; some of ipykernel's are not.",
        lambda d: d.theirs is MISSING and isinstance(d.ours, int),
        {"message": "debug_reply", "path": "content.seq"},
    ),
    Intended(
        "Replies about unknown subshells are complete",
        "They have the fields of an error reply, and an execute_reply its own.",
        lambda d: d.theirs is MISSING and d.our_reply.get("ename") == "UnknownSubshellError",
        {"message": "*_reply", "path": "content.*"},
    ),
    Intended(
        "usage_reply has its status",
        "As every reply.",
        usage,
        {"message": "usage_reply", "path": "content"},
    ),
    # Errors
    Intended(
        "What fails is an error message",
        "A wrong use of a magic, and an exception group, are published as errors; ipykernel "
        "writes text to stderr, and its reply has no traceback or that of an earlier cell.",
        error_instead_of_text,
    ),
    Intended(
        "What fails is an error message",
        "Here a cell asks for the last error to be shown again.",
        lambda d: "UsageError" in str(d.theirs) or "UsageError" in str(d.ours),
        {"exchange": "get_ipython().showtraceback()", "channel": "iopub", "path": ""},
    ),
    Intended(
        "Errors that nobody catches are error messages",
        "Of threads, destructors and callbacks: with the place that they come from, under the "
        "cell that they belong to. ipykernel writes text to stderr.",
        unhandled,
        {"channel": "iopub", "path": ""},
    ),
    Intended(
        "A result that cannot be shown fails with its own error",
        "ipykernel's reply says NoneType: None.",
        lambda d: d.theirs in ("NoneType", "None") and d.ours not in (MISSING, "", None),
        {"conversation": "results", "message": "execute_reply", "path": "content.e*"},
    ),
    Intended(
        "An exception that cannot say what it is keeps its name",
        "ipykernel shows the error of its __str__ instead, after a first error message.",
        lambda d: d.our_reply["ename"] in ("Bad", "Odd"),
        {"conversation": "errors", "exchange": "class [BO][ad]d*(Exception):*"},
    ),
    Intended(
        "Interrupting an await raises KeyboardInterrupt",
        "As anywhere else in a cell; ipykernel cancels it.",
        saying("Cancelled", "KeyboardInterrupt"),
        {"conversation": "interrupts"},
    ),
    Intended(
        "An interrupted input() ends in the cell",
        "So does its traceback; ipykernel's goes on to wherever it waited, and has a message.",
        lambda d: d.our_reply["ename"] == d.their_reply["ename"] == "KeyboardInterrupt",
        {"conversation": "interrupts", "exchange": "input()", "path": "content.[et]*"},
    ),
    Intended(
        "Some errors have other words",
        "The same exceptions, with messages that say what is wrong.",
        own_words,
    ),
    # Output
    Intended(
        "Text keeps its order",
        "What is written to stdout, stderr and stdout again arrives in that order; ipykernel "
        "joins the text of a stream across the other one.",
        lambda d: d.theirs is MISSING or (d.theirs, d.ours) == ("1\n3\n", "1\n"),
        {"exchange": "print(1); print(2, file=sys.stderr); print(3)", "message": "stream stdout"},
    ),
    Intended(
        "Lone surrogates are text",
        "ipykernel cannot send them: text is lost, cells are not answered.",
        lambda d: "surrogate" in d.exchange,
        {"conversation": "text_of_all_kinds"},
    ),
    Intended(
        "NaN in JSON is null",
        "There is none in JSON; ipykernel sends the string 'nan' and a warning.",
        lambda d: (d.theirs, d.ours) == ("nan", None) or "not JSON compliant" in str(d.theirs),
        {"conversation": "results", "exchange": "NaN and number keys in JSON"},
    ),
    Intended(
        "clear_output's wait is a boolean",
        "Whatever the caller has given.",
        values(1, True),
        {"message": "clear_output", "path": "content.wait"},
    ),
    Intended(
        "sys.stdout is like the stream behind it",
        "It has a buffer, and the encoding, the name and the descriptor of the process's own. What "
        "C code and other programs write there is shown in cells only with `--capture-fds`, of "
        "qtkernel or of qtkernel install.",
        lambda d: d.message in ("execute_result", "error", "execute_reply"),
        {"conversation": "streams", "exchange": "sys.std*.[!w]*"},
    ),
    Intended(
        "Commands' lines end as they are written",
        "They write to a terminal that leaves them as they are; ipykernel's adds \\r.",
        lambda d: d.theirs == str(d.ours).replace("\n", "\r\n"),
        {"message": "stream stdout", "path": "content.text"},
    ),
    Intended(
        "Commands have nothing to read",
        "ipykernel's wait for what nobody can type.",
        saying("a terminal", "nothing"),
        {"exchange": "!test -t 0*"},
    ),
    # What cells find
    Intended(
        "asyncio.run() works in a cell",
        "No asyncio loop runs around one that does not await; in ipykernel one does, and refuses.",
        values("True", "False"),
        {"conversation": "awaiting", "exchange": "asyncio.get_event_loop().is_running()"},
    ),
    Intended(
        "A profile is used if asked for",
        "Startup files and configuration of IPython's, those of the default profile, too: with "
        "`--profile=default`, of qtkernel or of qtkernel install.",
        values("True", "False"),
        {"exchange": "hasattr(*'of_startup')"},
    ),
    Intended(
        "pdb is the standard library's",
        "So are breakpoint() and pdb.set_trace(); ipykernel puts IPython's in their place, in the "
        "whole process.",
        values("'IPython.core.debugger'", "'pdb'"),
        {"exchange": "import pdb; *"},
    ),
    Intended(
        "It is not ipykernel by name",
        "plotly then adds its script, 5 MB, to a notebook (but for "
        "PLOTLY_RENDERER=plotly_mimetype), tqdm.auto shows text (tqdm.notebook shows widgets), "
        "and click drops colours.",
        values("'ipykernel'", "'qtkernel'"),
        {"exchange": "*.__module__.partition*"},
    ),
    Intended(
        "The environment is left alone",
        "TERM, PAGER, CLICOLOR and MPLBACKEND are the process's own.",
        saying("xterm-color", "None, None"),
        {"exchange": "*os.environ.get(n)*"},
    ),
    Intended(
        "Its own command line, names and magics",
        "sys.argv is that of the program; ipykernel has IPKernelApp to configure, a magic about "
        "subshells, and a debugger that adds builtins.",
        saying("['-f']", "['--gui="),
        {"exchange": "*sys.argv*"},
    ),
    Intended(
        "Its own command line, names and magics",
        "sys.argv is that of the program; ipykernel has IPKernelApp to configure, a magic about "
        "subshells, and a debugger that adds builtins.",
        lambda d: (
            d.ours is MISSING
            and (d.theirs["text"] if isinstance(d.theirs, dict) else d.theirs)
            in ("execfile", "runfile", "%subshell")
        ),
        {"message": "complete_reply"},
    ),
    Intended(
        "Its own command line, names and magics",
        "sys.argv is that of the program; ipykernel has IPKernelApp to configure, a magic about "
        "subshells, and a debugger that adds builtins.",
        saying("IPKernelApp", "ZMQInteractiveShell"),
        {"exchange": "%config"},
    ),
    Intended(
        "Its own command line, names and magics",
        "sys.argv is that of the program; ipykernel has IPKernelApp to configure, a magic about "
        "subshells, and a debugger that adds builtins.",
        saying("%subshell", "%quickref"),
        {"exchange": "%quickref"},
    ),
    Intended(
        "The module of cells says what it is",
        "In its docstring.",
        saying("Automatically created module", "The namespace of the cells of this kernel."),
        {"exchange": "__name__, __doc__*"},
    ),
    Intended(
        "getpass() has its usual prompt",
        "As in the standard library; ipykernel asks without a word.",
        values("", "Password: "),
        {"message": "input_request", "path": "content.prompt"},
    ),
    Intended(
        "%edit's line number is a number",
        "As in the messaging document; ipykernel sends what was typed.",
        values("2", 2),
        {"path": "content.payload.*.line_number"},
    ),
    # Comms
    Intended(
        "An unknown comm is no text in a cell",
        "An unknown target is answered by comm_close, other messages are ignored; ipykernel "
        "also writes to stderr.",
        lambda d: d.ours is MISSING and "No such comm" in str(d.theirs),
        {"conversation": "comms*", "message": "stream stderr"},
    ),
    Intended(
        "What fails is an error message",
        "So is what a comm's target raises.",
        lambda d: d.theirs is MISSING and d.ours["content"]["evalue"] == "refused",
        {"conversation": "comms", "exchange": "a target that fails", "message": "error"},
    ),
]
