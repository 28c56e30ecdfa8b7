"""A job that was cancelled after a long silence: it hung until its time ran out, whatever the log says in words."""

import re

from actions.analysis.trace import Trace

LONG_SILENCE = 10 * 60
"""In seconds; CI systems themselves give up on a job that wrote nothing for that long."""

_DAY = 24 * 60 * 60
_CANCELLED = re.compile(
    r"(?:The operation was cancell?ed|The job was cancell?ed|Job failed: cancell?ed|Build was aborted)"
)
_LAST_LINES = 400


def stalled(trace: Trace) -> int | None:
    """Find the line that ends a long silence with a cancellation.

    Args:
        trace: A cleaned trace.

    Returns:
        The index of the line, or None where the log has no time stamps or no such silence.
    """
    for index in range(len(trace) - 1, max(0, len(trace) - _LAST_LINES), -1):
        if trace.stamps[index] >= 0 and _CANCELLED.search(trace.texts[index]):
            before = next((stamp for stamp in reversed(trace.stamps[:index]) if stamp >= 0), None)
            if before is not None and (trace.stamps[index] - before) % _DAY >= LONG_SILENCE:
                return index
    return None
