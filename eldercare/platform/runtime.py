"""How often the garbage collector looks."""

import gc


def tune_gc() -> None:
    """Make the collector look seldom, and never again at what is there by now. Call this when a service has been put
    together.

    Messages and rows hold no cycles. Reading them all again and again costs time in which a telephone waits.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
