"""
What differs by design between the published 0.0.2 server and ours (the intended one), with the chapter of the contract
that says so. A check asks `expected(name)`, or is there for ours only.
"""

import grpc

PUBLISHED = "published"
INTENDED = "intended"

# By name: published, intended.
TABLE = {
    # A request over 4 MiB (3.4).
    "oversize": (grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.RESOURCE_EXHAUSTED),
    # An answer over 4 MiB (2.2, 3.5).
    "oversize answer": (grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.RESOURCE_EXHAUSTED),
    # The total of a list counts all that match, or those of its page (4.3).
    "total of all": (False, True),
    # A task that has ended stays; its entry goes at once (9.5).
    "ended stays": (False, True),
    # Attempts are opened and closed once, with their own number (9.3, 9.4).
    "clean markers": (False, True),
    # Whoever subscribes first gets everything from run-started 1 on (6.3).
    "whole log": (False, True),
    # How many markers are behind the last line of a task that succeeds (9.4).
    "end markers": (2, 1),
    # Open logs end with OK when the server is told to end, and it exits with 0; they break off (6.4, 8.8).
    "graceful end": (False, True),
    # Of a text of 5,000 characters so many come.
    "longest text": (5000, 2048),
    # What a server says when a deadline passes that the client has told it, if it says so before the client notices.
    "deadline": ({grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}, {grpc.StatusCode.DEADLINE_EXCEEDED}),
}

_chosen = [INTENDED]


def choose(name):
    if name not in (PUBLISHED, INTENDED):
        raise SystemExit("--expect: %s or %s" % (PUBLISHED, INTENDED))
    _chosen[0] = name


def ours():
    return _chosen[0] == INTENDED


def expected(name):
    published, intended = TABLE[name]
    return intended if ours() else published
