"""What this peer shares with the one over HTTP: the list of checks and their reports, processes and their end."""

import os
import sys

from interpreter import HERE

SHARED = os.path.abspath(os.path.join(HERE, "..", "peer"))

sys.path.append(SHARED)
import checks  # noqa: E402
import host  # noqa: E402
from wire import until  # noqa: E402

sys.path.remove(SHARED)
# Its module of that name would hide the package that is generated from the schema.
del sys.modules["solti"]

__all__ = ["checks", "host", "until"]
