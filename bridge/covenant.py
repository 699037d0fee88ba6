"""The covenant: every command, reply and event that crosses the Synaptic Bridge, as pydantic models.

A command is a map with `command` (its name), `id` (the sender's number for it, in every reply to it) and its own
fields. A reply or event is a map with `kind`. What a command's answer is, its docstring says. Unknown fields are
refused in commands, since a misspelt `atomc` must not be taken for its default, and ignored in replies, since an
older client shall live with a newer kernel.

Values that cross as data (`dict[str, Any]`, `Any`): nil, booleans, integers of any size, floats, strings, byte arrays,
lists and maps of these. Anything else crosses as a *handle*, `{"handle": "0000000000000a1f", "print": "a Account"}`,
or, if it has a literal form but no msgpack one (a symbol, a fraction), as `{"literal": "#foo"}`.

GetFullStateCommand, UpdatePropertyCommand, CreateMethodCommand and UvmStateUpdateEvent are the seeds' own names and
fields; what was added to them has defaults, so that a seed-style client, which sends no `id` and no `hello`, is
understood.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from .codes import Role

PROTOCOL = 1

MAX_SOURCE = 4 * 1024 * 1024  # characters of source in one command
MAX_TEXT = 1024 * 1024  # characters of any text in a reply: longer ones are cut, and say so
MAX_PAGE = 1000  # entries of one page

Id = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Selector = Annotated[str, Field(min_length=1, max_length=512)]
SlotName = Annotated[str, Field(min_length=1, max_length=512)]
Source = Annotated[str, Field(max_length=MAX_SOURCE)]
Line = Annotated[str, Field(max_length=1024)]
Handle = Annotated[str, Field(pattern=r"^[0-9a-f]{1,16}$")]
Topic = Annotated[str, Field(min_length=1, max_length=128)]
Policy = Literal["off", "ask", "auto"]
Syntax = Literal["auto", "messages", "chunks", "tonel", "tonel-part"]


class Command(BaseModel):
    """What every command has. `id` None: the reply carries none either, and a repeat cannot be recognised."""

    model_config = ConfigDict(extra="forbid", strict=True)
    role: ClassVar[Role] = "read"
    at_once: ClassVar[bool] = False  # answered by the server's loop itself, whatever the workers do
    id: Id | None = None
    owed: Id | None = None  # the lowest id whose answer the sender still waits for; what is below needs no remembering
    resent: bool = False  # it was sent before, to another kernel of this image, which may have carried it out


# -- the session itself -----------------------------------------------------------------------------------------------


class Hello(Command):
    """Opens a session, or takes it up again after a lost connection. Answer: `welcome`, or `error` bad-version."""

    at_once: ClassVar[bool] = True
    command: Literal["hello"] = "hello"
    protocol: int = PROTOCOL
    client: Annotated[str, Field(max_length=128)] = ""
    relay: bool = False  # a broker: it may then speak for sessions of others (role admin)
    observer: bool = False  # it only looks on: a kernel that stays for those who are connected does not stay for it


class Ping(Command):
    """Are you there? Answer: `pong`, within milliseconds even while every worker is busy."""

    at_once: ClassVar[bool] = True
    command: Literal["ping"] = "ping"


class Interrupt(Command):
    """Stops this session's running message (or the one whose id is `target`). Answer: `done`; an evaluate then answers
    with an outcome whose error's code is `interrupted`. A message that has not begun is taken out of the queue, and
    answers `cancelled`."""

    at_once: ClassVar[bool] = True
    command: Literal["interrupt"] = "interrupt"
    target: Id | None = None


class Cancel(Command):
    """Takes a message that has not begun out of this session's queue; without `target`, all of them. Answer: `done`."""

    at_once: ClassVar[bool] = True
    command: Literal["cancel"] = "cancel"
    target: Id | None = None


class Subscribe(Command):
    """Asks for events. Topics: `state` (the genesis object), an object's handle, `scene` (the world of morphs) or
    `scene:HANDLE` (a morph with all morphs in it). Answer: `done`, then `state` events: the first one whole, later ones
    with only what changed. A scene's events have the target `scene:HANDLE`, and come in pages; see `get_scene`."""

    at_once: ClassVar[bool] = True
    command: Literal["subscribe"] = "subscribe"
    topics: Annotated[list[Topic], Field(min_length=1, max_length=256)]


class Unsubscribe(Command):
    """Ends events; without topics, all of them. Answer: `done`."""

    at_once: ClassVar[bool] = True
    command: Literal["unsubscribe"] = "unsubscribe"
    topics: Annotated[list[Topic], Field(max_length=256)] = []


class Approve(Command):
    """Answers an `approval` event, from whichever session may. Answer: `done`. The asking message then goes on."""

    role: ClassVar[Role] = "approve"
    at_once: ClassVar[bool] = True
    command: Literal["approve"] = "approve"
    approval: Name
    decision: Literal["yes", "no", "edit", "retry"]
    code: Source | None = None  # with "edit": what to install instead
    hint: Annotated[str, Field(max_length=16384)] = ""  # with "retry": what the model should mind


class Pending(Command):
    """Which approvals wait for an answer? Answer: `data`, a list of approval events as maps."""

    role: ClassVar[Role] = "approve"
    at_once: ClassVar[bool] = True
    command: Literal["pending"] = "pending"


class Status(Command):
    """How is the kernel? Answer: `data`: sessions, queues, counters."""

    at_once: ClassVar[bool] = True
    command: Literal["status"] = "status"


class Metrics(Command):
    """The kernel's metrics. Answer: `data`, Prometheus's text format."""

    command: Literal["metrics"] = "metrics"


class Leave(Command):
    """Ends this session: nothing of it is remembered, what waits is not begun. Without it a session ends after ten
    silent minutes. Answer: `done`."""

    at_once: ClassVar[bool] = True
    command: Literal["leave"] = "leave"


class Shutdown(Command):
    """Stops the kernel: running messages finish (or, with `now`, are interrupted), nothing new begins. Answer:
    `done`."""

    role: ClassVar[Role] = "admin"
    at_once: ClassVar[bool] = True
    command: Literal["shutdown"] = "shutdown"
    now: bool = False


# -- the seeds' commands ----------------------------------------------------------------------------------------------


class GetFullStateCommand(Command):
    """The slots of an object (default: the genesis object) as data. Answer: UvmStateUpdateEvent."""

    command: Literal["get_full_state"] = "get_full_state"
    target: Handle | None = None


class UpdatePropertyCommand(Command):
    """Writes a data slot, making it if need be. Answer: `done`."""

    role: ClassVar[Role] = "write"
    command: Literal["update_property"] = "update_property"
    property_name: SlotName
    property_value: Any
    target: Handle | None = None


class CreateMethodCommand(Command):
    """Puts a method into an object. `method_code` is message syntax (`deposit: amount [ ... ]`, or only a body when the
    name is a unary selector) or Python (`def deposit_(self, amount): ...`); language None: told by looking at it.
    Answer: `method`."""

    role: ClassVar[Role] = "write"
    command: Literal["create_method"] = "create_method"
    method_name: Selector
    method_code: Annotated[Source, Field(min_length=1)]
    target: Handle | None = None
    language: Literal["message", "python"] | None = None
    intent: Annotated[str, Field(max_length=16384)] = ""


# -- work in the image ------------------------------------------------------------------------------------------------


class Evaluate(Command):
    """Runs the statements of `source`, each a transaction of its own unless `atomic`. Answer: `done` with an outcome
    per statement; with `stream`, the outcomes go out one by one as they commit, and `done` holds none of these. A
    failed statement leaves no change behind and does not keep the others from running, unless `stop_on_error`; an
    interrupted one (its error's code is `interrupted`) ends the run. `done.failed`: at least one failed. The workspace
    `@HANDLE` is the object of that handle: it is `self`, and names found nowhere else become its slots. `syntax` says
    how the source is written where it is not to be told from the source itself. Without `echo` values are not
    printed."""

    role: ClassVar[Role] = "write"
    command: Literal["evaluate"] = "evaluate"
    source: Source
    origin: Line = "<input>"
    workspace: Name = "default"
    policy: Policy = "off"
    atomic: bool = False
    stop_on_error: bool = False
    syntax: Syntax = "auto"
    echo: bool = True
    stream: bool = False
    seconds: Annotated[float, Field(gt=0, le=86400)] | None = None  # budget of running time; None: the kernel's default
    megabytes: Annotated[int, Field(gt=0, le=1024 * 1024)] | None = None  # budget of memory; None: the kernel's default
    keep_stack: bool = False  # keep the stack of the last statement that fails, for `stack` and `frame`
    frame: Annotated[int, Field(ge=0)] | None = None  # run in this frame of the kept stack: its self, its variables


class Stack(Command):
    """The stack that this session's last failed evaluate left (with `keep_stack`), for half an hour. Answer: `stack`;
    `error` no-such-stack. An evaluate with `frame` sends messages in a frame of it."""

    command: Literal["stack"] = "stack"


class Inspect(Command):
    """One page of an object's slots and elements. Answer: `page`."""

    command: Literal["inspect"] = "inspect"
    target: Handle | None = None
    start: Annotated[int, Field(ge=0)] = 0
    count: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    find: Annotated[str, Field(max_length=256)] = ""  # only slots whose name contains this


class Complete(Command):
    """What may stand at `position` (a character index) of `source`? Answer: `completions`."""

    command: Literal["complete"] = "complete"
    source: Source
    position: Annotated[int, Field(ge=0)]
    workspace: Name = "default"
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100


class Signature(Command):
    """What does the message being typed at `position` want? Answer: `data`, a list of maps: `owner`, `signature`
    (`at: index put: value`), `comment`."""

    command: Literal["signature"] = "signature"
    source: Source
    position: Annotated[int, Field(ge=0)]
    workspace: Name = "default"
    limit: Annotated[int, Field(ge=1, le=50)] = 3


class Browse(Command):
    """The methods of an object, or one method's source. Answer: `methods`, or `method` if `selector` is given."""

    command: Literal["browse"] = "browse"
    target: Handle | None = None
    selector: Selector | None = None


class GetScene(Command):
    """A morph (default: the world) and all morphs in it, as a window draws them: now, or as a transaction left them.
    `state` maps handles to slots (batos/scene.py says which), in pages. Answer: UvmStateUpdateEvent."""

    command: Literal["get_scene"] = "get_scene"
    target: Handle | None = None
    moment: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None
    start: Annotated[int, Field(ge=0)] = 0
    count: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 500


class Written(Command):
    """The methods of the image that a model wrote, the last one first. Answer: `data`, a list of maps."""

    command: Literal["written"] = "written"
    count: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100


class Revert(Command):
    """Puts back what an object did with a selector before its present method. Answer: `data`, in words."""

    role: ClassVar[Role] = "approve"
    command: Literal["revert"] = "revert"
    target: Handle
    selector: Selector


class JitCommand(Command):
    """What waits in the image for a decision about what a model wrote, and deciding it: `pending` answers `data`, a
    list of maps; `approve` puts the answer through the gates again and installs it; `reject` and `forget` (ask again)
    answer `data`, in words; `policy` says who decides for a prototype and its clones. Approvals that a message waits
    for are answered by `approve` (the command)."""

    role: ClassVar[Role] = "approve"
    command: Literal["jit"] = "jit"
    action: Literal["pending", "approve", "reject", "forget", "policy"]
    prototype: Name | None = None
    selector: Selector | None = None
    policy: Literal["off", "ask", "auto", "none"] | None = None


class WeaverCommand(Command):
    """The CognitiveWeaver: servers and what they hold, facets and what they did, aliases. Answer: `data`, a map (see
    jit/weaver/panel.py); the servers are asked, for at most two seconds."""

    command: Literal["weaver"] = "weaver"


class Senders(Command):
    """Which methods send this selector? Answer: `methods`."""

    command: Literal["senders"] = "senders"
    selector: Selector
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 200


class Implementors(Command):
    """Which objects have a method for this selector? Answer: `methods`."""

    command: Literal["implementors"] = "implementors"
    selector: Selector
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 200


class History(Command):
    """What happened lately: transactions, newest first, or the versions of one method. Answer: `data`, a list of
    maps."""

    command: Literal["history"] = "history"
    target: Handle | None = None
    selector: Selector | None = None
    count: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20


class Undo(Command):
    """Takes back the last `count` transactions that are not taken back yet, or the one named. Answer: `data`, what was
    undone; `error` cannot-undo if later work rests on it."""

    role: ClassVar[Role] = "write"
    command: Literal["undo"] = "undo"
    count: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 1
    transaction: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None


class Redo(Command):
    """Brings back what the last undo took back. Answer: `data`; `error` cannot-undo if there is nothing."""

    role: ClassVar[Role] = "write"
    command: Literal["redo"] = "redo"


# -- replies and events -----------------------------------------------------------------------------------------------


class Reply(BaseModel):
    """What every reply has: the `id` of the command it answers; None for an event that answers none."""

    model_config = ConfigDict(extra="ignore")
    final: ClassVar[bool] = True  # no more comes for this id
    id: int | None = None


class Event(Reply):
    final: ClassVar[bool] = False


class Welcome(Reply):
    """Answers `hello`. `kernel` is new with every start. A client that meets another one sends its unanswered commands
    again (`resent`) if `receipts`, which names the image, is what the kernel before said: then this one can tell what
    that one carried out. Otherwise they are lost, done or not."""

    kind: Literal["welcome"] = "welcome"
    protocol: int = PROTOCOL
    kernel: str
    version: str = ""
    image: str = ""
    pid: int = 0
    resumed: bool = False
    roles: list[str] = []
    max_frame: int = 0
    receipts: str = ""


class Pong(Reply):
    kind: Literal["pong"] = "pong"
    running: int = 0
    queued: int = 0


class Done(Reply):
    """The command was carried out. For `evaluate`: the outcomes that were not streamed, and how it went."""

    kind: Literal["done"] = "done"
    outcomes: list[Outcome] = []
    failed: bool = False
    seconds: float = 0.0
    lost: int = 0  # streamed outcomes that this client was too slow to take


class ErrorReply(Reply):
    """The command was not carried out."""

    kind: Literal["error"] = "error"
    code: str
    message: str


class Accepted(Event):
    """The command came before (a resend) and is not finished: `state` says how far it is."""

    kind: Literal["accepted"] = "accepted"
    state: Literal["queued", "running"] = "queued"


class Frame(BaseModel):
    """An error of the language, as data: what was wrong, where, and the stack in message terms."""

    model_config = ConfigDict(extra="ignore")
    code: str
    message: str
    origin: str = ""
    line: int = 0
    column: int = 0
    length: int = 0
    source_line: str = ""
    stack: list[str] = []
    python: str = ""
    text: str = ""  # the whole report as a person reads it
    advice: Annotated[str, Field(max_length=64)] = ""  # "say" (it reads as prose), "write" (no model was asked to)


class Outcome(Event):
    """What became of one statement. It has been committed (or, with `error`, undone) when this is sent."""

    kind: Literal["outcome"] = "outcome"
    statement: str = ""
    line: int = 0
    printed: str | None = None
    transcript: str = ""
    error: Frame | None = None
    handle: str | None = None  # if the value is an object of the image
    seconds: float = 0.0


class UvmStateUpdateEvent(Event):
    """The state of an object: all of it (`whole`), or the slots that changed, with the names of those that went."""

    kind: Literal["state"] = "state"
    final: ClassVar[bool] = True
    state: dict[str, Any]
    target: str = ""
    whole: bool = True
    removed: list[str] = []
    truncated: bool = False  # there is more than `state` shows: ask for pages with `inspect`


class Progress(Event):
    """A model works on what this message missed. `text`: what it has written since the last such event."""

    kind: Literal["progress"] = "progress"
    phase: str
    elapsed: float = 0.0
    tokens: int = 0
    text: str = ""


class Approval(Event):
    """A method waits for a person's decision; answer with `approve`. The message that missed waits, nobody else
    does."""

    kind: Literal["approval"] = "approval"
    approval: str = ""
    prototype: str = ""
    selector: str = ""
    explanation: str = ""
    code: str = ""
    replaces: str = ""
    gates: list[dict[str, Any]] = []
    note: str = ""
    title: str = ""  # what it is about, where it is no method that is missing: code of a conversation, to be run


class Goodbye(Event):
    """The kernel stops. Messages of this session that had not begun were refused."""

    kind: Literal["goodbye"] = "goodbye"
    reason: str = ""


class Moved(Event):
    """From a broker: the kernel of this session is gone, another has it now. Say `hello` to it."""

    kind: Literal["moved"] = "moved"


class Entry(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: str
    printed: str
    handle: str | None = None
    method: bool = False


class Page(Reply):
    """Part of an object: entries `start` to `start + len(entries)` of `total`."""

    kind: Literal["page"] = "page"
    target: str
    printed: str
    start: int
    total: int
    entries: list[Entry]


class Completion(BaseModel):
    model_config = ConfigDict(extra="ignore")
    text: str
    what: str = ""  # name, slot, selector, ...
    hint: str = ""


class Completions(Reply):
    """`start` is the character index from which a chosen text replaces what is there."""

    kind: Literal["completions"] = "completions"
    start: int
    items: list[Completion]


class StackFrame(BaseModel):
    """One activation: where it was (line and column from 1 in `source`, which begins at line `first_line` of
    `origin`), and what its self, its variables and self's data slots were when the message failed."""

    model_config = ConfigDict(extra="ignore")
    label: str
    line: int = 0
    column: int = 0
    length: int = 0
    source: str = ""
    origin: str = ""
    first_line: int = 1
    receiver: Entry
    variables: list[Entry] = []
    slots: list[Entry] = []


class StackReply(Reply):
    """Frames innermost first. `missing`, if a message was not understood: `prototype`, `selector`, `parameters`."""

    kind: Literal["stack"] = "stack"
    statement: str
    frames: list[StackFrame]
    missing: dict[str, Any] | None = None


class MethodReply(Reply):
    kind: Literal["method"] = "method"
    target: str
    selector: str
    source: str
    language: str = ""
    author: str = ""
    intent: str = ""
    comment: str = ""


class MethodEntry(BaseModel):
    model_config = ConfigDict(extra="ignore")
    target: str
    owner: str
    selector: str
    language: str = ""


class Methods(Reply):
    kind: Literal["methods"] = "methods"
    methods: list[MethodEntry]
    truncated: bool = False


class Data(Reply):
    """An answer that is plain data."""

    kind: Literal["data"] = "data"
    data: Any


Done.model_rebuild()

AnyCommand = Annotated[
    Hello | Leave | Ping | Interrupt | Cancel | Subscribe | Unsubscribe | Approve | Pending
    | Status | Metrics | Shutdown
    | GetFullStateCommand | UpdatePropertyCommand | CreateMethodCommand
    | Evaluate | Stack | Inspect | Complete | Signature | Browse | GetScene | Written | Revert | JitCommand
    | WeaverCommand
    | Senders | Implementors | History | Undo | Redo,
    Field(discriminator="command"),
]  # fmt: skip
AnyReply = Annotated[
    Welcome | Pong | Done | ErrorReply | Accepted | Outcome | UvmStateUpdateEvent | Progress | Approval | Goodbye
    | Moved
    | Page | Completions | StackReply | MethodReply | Methods | Data,
    Field(discriminator="kind"),
]  # fmt: skip

COMMANDS: TypeAdapter[Command] = TypeAdapter(AnyCommand)
REPLIES: TypeAdapter[Reply] = TypeAdapter(AnyReply)
