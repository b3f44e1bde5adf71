"""The driver's link, watched: how long answers took, and how often one had to be asked again."""

from emgrig.driver.native.link import ATTEMPTS, REQUEST_TIMEOUT_S, Answer, Link
from emgrig.protocol.packets import Request
from emgrig.protocol.schema import Message


class WatchedLink(Link):
    """A link that remembers how well requests went."""

    slowest_s = 0.0
    n_repeats = 0

    def ask(
        self,
        request: Request,
        arguments: Message | None = None,
        *,
        timeout_s: float = REQUEST_TIMEOUT_S,
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """Be `Link.ask`, and note how long it took and how often it was asked."""
        answer = super().ask(request, arguments, timeout_s=timeout_s, attempts=attempts)
        if request is not Request.STOP:  # its answer waits for the frames before it
            self.slowest_s = max(self.slowest_s, answer.received_s - answer.sent_s)
        self.n_repeats += answer.attempts - 1
        return answer
