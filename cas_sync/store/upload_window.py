"""How many uploads are on their way at once: more of them for as long as that is faster."""

FIRST = 4
MOST = 8
_WORTH = 1.1


class UploadWindow:
    """A limit that grows while growing pays, and knows no clock of its own.

    It is told of uploads that somebody had to wait for: as long as the limit holds nobody
    up, nothing is learned and nothing changes. On one machine four uploads are as many as
    a server takes; far away, more may be needed to fill the line.

    Args:
        first: The limit to begin with.
        most: The limit is never above this.

    Attributes:
        limit: How many uploads may be on their way.
    """

    def __init__(self, first: int = FIRST, most: int = MOST) -> None:
        self.limit = first
        self._first = first
        self._most = most
        self._is_settled = first >= most
        self._best = 0.0
        self._since: float | None = None
        self._size = 0
        self._n = 0

    def finished(self, size: int, now: float) -> None:
        """Take note of an upload that ended while no other could begin.

        Args:
            size: Its length, in bytes.
            now: Seconds since any moment.
        """
        if self._is_settled:
            return
        if self._since is None:
            self._since = now
            return
        self._size += size
        self._n += 1
        if self._n < self.limit or now <= self._since:
            return
        rate = self._size / (now - self._since)
        if rate > _WORTH * self._best:
            self._best = rate
            self.limit += 1
            self._is_settled = self.limit == self._most
        else:
            # The last one more brought nothing; nor will the next.
            self.limit = max(self.limit - 1, self._first)
            self._is_settled = True
        self._since, self._size, self._n = now, 0, 0
