"""Output of processes as lines of a log: splitting, caps, encoding (contract 8.7)."""

from checks import check
from solti import command, equal, sh

def python(text):
    """A process that writes exactly the bytes it is told."""
    return command("python3", "-c", "import os, sys, time\nout = lambda data: sys.stdout.buffer.write(data)\n" + text)


def written(world, text):
    outcome = world.main.run(python(text))
    equal(outcome.phase, "SUCCEEDED", repr(outcome.status))
    return outcome.lines()


@check(60)
def splitting(world):
    """A line ends at LF, a CR before it goes with it, and the last line needs none"""
    text = r"out(b'a\n\nb\r\nc\rd\n\r\r\n \t\n\x00\x1b[31mred\x1b[0m\ne\r')"
    equal(written(world, text), ["a", "", "b", "c\rd", "\r", " \t", "\0\x1b[31mred\x1b[0m", "e\r"], "lines")
    other = "\u2028\x85\xe9\U0001f600\ufeff"
    equal(written(world, "out(%s.encode() + b'\\n')" % ascii(other)), [other], "no LF")
    equal(written(world, ""), [], "no output")


@check(60)
def not_utf8(world):
    """What is not UTF-8 is replaced; what is only cut in pieces is not"""
    equal(
        written(world, r"out(b'\xff|\xc3|\xc3(|\xe2\x82|\xf0\x9f\x98|\xed\xa0\x80|\xc0\xaf|\x80\nok\n\xe2\x82')"),
        ["\ufffd|\ufffd|\ufffd(|\ufffd|\ufffd|\ufffd\ufffd\ufffd|\ufffd\ufffd|\ufffd", "ok", "\ufffd"],
        "lines",
    )
    slowly = "for byte in 'aé€\U0001f600z\\r\\nß\\n'.encode():\n  os.write(1, bytes([byte])); time.sleep(0.002)"
    equal(written(world, slowly), ["aé€\U0001f600z", "ß"], "byte by byte")


@check(60)
def long_lines(world):
    """Long lines are cut with a note, and nothing behind them is lost"""

    def cut(character, lost):
        return character * 4096 + "... (truncated %d bytes)" % lost

    # Of 65,536 bytes on, the first 65,536 and a note of 42 are what the second cap counts.
    for length, line in (
        (4096, "x" * 4096), (4097, cut("x", 1)), (65535, cut("x", 61439)), (65536, cut("x", 61482)),
        (70000, cut("x", 61482)), (1000000, cut("x", 61482)),
    ):
        text = "out(b'x' * %d + b'\\nbehind\\r\\nit\\n')" % length
        equal(written(world, text), [line, "behind", "it"], "%d bytes" % length)
    equal(written(world, "out('\U0001f600'.encode() * 4096)"), ["\U0001f600" * 4096], "characters, not bytes")
    equal(written(world, "out('\U0001f600'.encode() * 4097)"), [cut("\U0001f600", 4)], "characters, not bytes")


@check(60, 61)
def interleaved(world):
    """stdout and stderr are counted apart"""
    outcome = world.main.run(sh("for n in 1 2 3; do echo o$n; echo e$n >&2; done"))
    equal((outcome.lines(), outcome.lines("stderr")), (["o1", "o2", "o3"], ["e1", "e2", "e3"]), "lines")
