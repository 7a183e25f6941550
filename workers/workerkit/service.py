"""The life cycle that every background thread of a host shares."""

import threading


class Service:
    """One daemon thread with a main loop. start() and stop() are idempotent, from any thread, any number of times.

    A subclass writes _main(stopping), which returns soon after `stopping` is set, and _wake() where it waits for
    something else than `stopping`.
    """

    name = "service"
    """Of the thread, for stacks and debuggers."""

    def __init__(self) -> None:
        self._life = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begins the thread, unless it runs."""
        with self._life:
            if self._thread is None:
                self._stopping = threading.Event()
                self._thread = threading.Thread(target=self._main, args=(self._stopping,), name=self.name, daemon=True)
                self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Asks the thread to end and waits at most `timeout` seconds; from the thread itself it does not wait."""
        with self._life:
            thread, self._thread = self._thread, None
            if thread is None:
                return
            self._stopping.set()
            self._wake()
        if thread is not threading.current_thread():
            thread.join(timeout)

    def _main(self, stopping: threading.Event) -> None:
        raise NotImplementedError

    def _wake(self) -> None:
        """Makes a waiting main loop look up."""
