"""The stable error codes of the Synaptic Bridge, and the roles of its clients.

Every `error` reply carries one of these. A code never changes its meaning and is never given to something else:
programs compare codes, people read messages. Errors *of the language* (zero-divide, not-understood, ...) are not
here: they travel inside an `outcome`, as the report the interpreter made.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Role = Literal["read", "write", "approve", "admin"]
ROLES: tuple[Role, ...] = ("read", "write", "approve", "admin")


class Code(StrEnum):
    """Why a command was not carried out."""

    # The frame itself: nothing was looked at beyond its form.
    MALFORMED = "malformed"  # not one frame holding one msgpack map
    OVERSIZE = "oversize"  # the frame is longer than this server takes
    UNKNOWN_COMMAND = "unknown-command"  # `command` is missing or names nothing in the covenant
    BAD_COMMAND = "bad-command"  # a field is missing, unknown, of the wrong type or out of bounds
    HELLO_FIRST = "hello-first"  # a client with an identity of its own did not greet this kernel yet
    BAD_VERSION = "bad-version"  # hello asked for a protocol this server does not speak

    # The server: the command is well formed and was not begun.
    BUSY = "busy"  # the session's queue is full, or there are too many sessions; nothing was queued
    STOPPING = "stopping"  # the kernel is shutting down and begins nothing new
    REFUSED = "refused"  # the session lacks the role that this command asks for
    CANCELLED = "cancelled"  # taken out of the queue before it began
    NO_SUCH_REQUEST = "no-such-request"  # interrupt or cancel named nothing that runs or waits
    NO_SUCH_APPROVAL = "no-such-approval"  # nobody is waiting for an answer by that name
    BAD_TOPIC = "bad-topic"  # subscribe named something that cannot be watched

    # The handler: the command was begun and came to nothing.
    NO_SUCH_OBJECT = "no-such-object"  # the handle names no object of this image
    NO_SUCH_SLOT = "no-such-slot"  # the object has no slot or method by that name
    NO_SUCH_STACK = "no-such-stack"  # no failed message of this session is kept, or it has no such frame
    BAD_VALUE = "bad-value"  # a value that cannot become an object of the image
    BAD_METHOD = "bad-method"  # the method's code does not parse, or defines another selector
    INTERRUPTED = "interrupted"  # stopped by an interrupt
    CANNOT_UNDO = "cannot-undo"  # later work rests on it, or there is nothing to undo
    CONFLICT = "conflict"  # other writers won every retry
    NOT_OFFERED = "not-offered"  # this kernel has no such service
    UNSENDABLE = "unsendable"  # the reply would not fit a frame
    UNKNOWN_OUTCOME = "unknown-outcome"  # it was sent to a kernel that is gone; nobody knows whether it was carried out
    FAILED = "failed"  # our own mistake; the kernel's log has the details

    # The client's side: never on the wire.
    GONE = "gone"  # the kernel cannot be reached any more
    TIMED_OUT = "timed-out"  # no answer within the time the caller gave
