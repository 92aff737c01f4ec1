"""How a forked child that comes back from the author's function ends."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Callable, NoReturn, Optional


def leave(raised: Optional[BaseException], tell_printed: Callable[[], None]) -> NoReturn:
    """As a program that ends with this: the parent waits for the exit code. Exit handlers are the parent's, and do not run."""
    code = 0
    try:
        if isinstance(raised, SystemExit):
            code = exit_code_of(raised)
        elif raised is not None:
            code = 1
            traceback.print_exception(type(raised), raised, raised.__traceback__)
        tell_printed()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BaseException:
        pass  # Streams that the author has closed: the code is what counts.
    finally:
        os._exit(code)


def exit_code_of(ended: SystemExit) -> int:
    """As the interpreter has it."""
    if ended.code is None:
        return 0
    return ended.code & 0xFF if isinstance(ended.code, int) else 1
