"""What the operator must know of a host right now, by topic; some of it only for a while."""

from workerkit.clock import Clock


class Notices:
    """Said again, a topic has its latest words."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: dict[str, tuple[str, float | None]] = {}

    def tell(self, topic: str, text: str, seconds: float | None = None) -> None:
        """Says it, for so many seconds or until it is taken back."""
        until = None if seconds is None else self._clock.monotonic() + seconds
        self._said[topic] = (text, until)

    def take_back(self, topic: str) -> None:
        self._said.pop(topic, None)

    def texts(self) -> list[str]:
        """What holds now, in the order in which it was said first."""
        now = self._clock.monotonic()
        self._said = {
            topic: (text, until) for topic, (text, until) in self._said.items() if until is None or until > now
        }
        return [text for text, _ in self._said.values()]
