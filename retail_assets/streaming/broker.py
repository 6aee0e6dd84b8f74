"""The broker: logging in, the partitions of topics, what it still has of them, and its errors in words.

librdkafka connects again by itself, for as long as it takes. What it reports meanwhile is reported once, here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from retail_assets.errors import SettingsError, StreamError, StreamUnreachableError, nearest
from retail_assets.settings.streaming import StreamSettings

try:
    from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
    from confluent_kafka.admin import (  # type: ignore[attr-defined]
        AdminClient,
        OffsetSpec,
    )
except ModuleNotFoundError as e:
    if e.name != "confluent_kafka":
        raise
    raise SettingsError(
        "`stream` needs confluent-kafka, which is not installed. Run: pip install 'retail-assets[streaming]'"
    ) from None

_ANSWER_SECONDS = 5.0
#: Bytes that a usual record takes in librdkafka's queue, and that are asked for at once of each partition.
_QUEUED_RECORD = 500
_FETCHED = 256 << 10
#: The limits of librdkafka.
_MOST_QUEUED, _MOST_QUEUED_KBYTES = 10_000_000, 2_097_151
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_SEEKS, _SEEK_PAUSE = 100, 0.05
_NO_ID = "A" * 22  # what a broker without ids of topics answers
_REFUSED = (
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError._SSL,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)
_GONE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
_UNKNOWN = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)

Say = Callable[[str], None]
Partition = tuple[str, int]


class RecordsGoneError(Exception):
    """The broker does not have the offset that is asked for."""


class UnknownTopicError(Exception):
    """The broker does not know a topic or a partition that it has just had: deleted, or the broker is starting."""


class Broker:
    """One consumer of a cluster. `wait` pauses for some seconds and returns whether to stop; `say` gets lines of text.

    Offsets are assigned, never subscribed to: what has landed decides where to read, not a group.
    """

    def __init__(
        self, settings: StreamSettings, group: str, wait: Callable[[float], bool], say: Say, queue_bytes: int
    ) -> None:
        self._settings, self._group, self._wait, self._say = settings, group, wait, say
        self._queue_bytes = queue_bytes
        self._refusal: str | None = None
        self.away_since: float | None = None
        self._pause, self._next_probe = _FIRST_PAUSE, 0.0
        #: It has nothing assigned. A question must not poll the one that reads: what that returns is a record.
        self._asker = self.consumer(1)
        self._consumer: Any = None

    def consumer(self, partitions: int) -> Any:
        """Return a new consumer, which keeps no more than its share of the memory in its queue."""
        share = self._queue_bytes // max(1, partitions)
        return self._made(
            Consumer,
            {
                **self._login(),
                "group.id": self._group,
                "enable.auto.commit": False,
                "auto.offset.reset": "error",  # never on at another offset than the one asked for
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "allow.auto.create.topics": False,
                "max.poll.interval.ms": 86_400_000,
                # A small record takes three times its size in the queue. What a broker answers is compressed.
                "queued.min.messages": min(max(500, share // _QUEUED_RECORD), _MOST_QUEUED),
                "queued.max.messages.kbytes": min(max(64, share >> 11), _MOST_QUEUED_KBYTES),
                "fetch.message.max.bytes": _FETCHED,
                "fetch.max.bytes": 4 << 20,
                "message.max.bytes": 1 << 20,
                "fetch.wait.max.ms": 200,
                "reconnect.backoff.max.ms": 5_000,
                "error_cb": self._on_error,
                "log_level": 0,
            },
        )

    def _made(self, kind: Callable[[dict[str, Any]], Any], configuration: dict[str, Any]) -> Any:
        """Return a client of librdkafka. Raises StreamError for what it cannot use, such as a certificate."""
        try:
            return kind(configuration)
        except KafkaException as e:
            error = e.args[0] if e.args else None
            why = error.str() if isinstance(error, KafkaError) else str(e)
            raise StreamError(
                f"The Kafka client cannot use the settings: {why.strip()}. Check RETAIL_STREAM_CA, "
                "RETAIL_STREAM_CERTIFICATE, RETAIL_STREAM_KEY (files in PEM) and the login."
            ) from None

    def _login(self) -> dict[str, Any]:
        s = self._settings
        login = {
            "bootstrap.servers": s.servers,
            "client.id": "retail-assets",
            "security.protocol": s.security,
            "ssl.ca.location": s.ca and str(s.ca),
            "ssl.certificate.location": s.certificate and str(s.certificate),
            "ssl.key.location": s.key and str(s.key),
            "sasl.mechanism": s.sasl,
            "sasl.username": s.user,
            "sasl.password": s.password,
        }
        return {name: value for name, value in login.items() if value is not None}

    def _admin(self) -> AdminClient:
        client: AdminClient = self._made(AdminClient, {**self._login(), "log_level": 0})
        return client

    def close(self) -> None:
        self._asker.close()
        if self._consumer is not None:
            self._consumer.close()

    def partitions(self, topics: Iterable[str], patience: float | None = None) -> list[Partition]:
        """Return the partitions of topics, waiting for the broker, but no longer than `patience` seconds.

        Raises StreamError for a topic that it does not have, StreamUnreachableError when patience ends.
        """
        found = self.asked(lambda: self._asker.list_topics(timeout=_ANSWER_SECONDS).topics, patience)
        listed = []
        for topic in topics:
            about = found.get(topic)
            if about is None or about.error is not None or not about.partitions:
                known = sorted(name for name in found if not name.startswith("__"))
                raise StreamError(
                    f"The broker has no topic {topic!r}, or does not show it to this user."
                    f"{nearest(topic, known)} It shows: {', '.join(known[:20]) or 'none'}. Set RETAIL_STREAM_TOPICS, "
                    "create the topic, or let the user describe and read it."
                )
            listed += [(topic, number) for number in sorted(about.partitions)]
        return listed

    def bounds(
        self, partitions: Sequence[Partition], patience: float | None = None
    ) -> dict[Partition, tuple[int, int]]:
        """Return the first offset that the broker still has of each partition, and the one after its last record.

        Open transactions count, which a consumer of committed records cannot see yet. The end may be too small: Tansu
        answers with the first offset of its last batch.
        """

        def ask() -> dict[Partition, tuple[int, int]]:
            admin = self._admin()

            def offsets(spec: Any) -> dict[Partition, int]:
                asked = {TopicPartition(topic, number): spec for topic, number in partitions}
                level = IsolationLevel.READ_UNCOMMITTED
                answers = admin.list_offsets(asked, isolation_level=level, request_timeout=_ANSWER_SECONDS)
                return {(tp.topic, tp.partition): f.result(_ANSWER_SECONDS).offset for tp, f in answers.items()}

            low = offsets(OffsetSpec.earliest())
            high = offsets(OffsetSpec.latest())
            return {partition: (low[partition], high[partition]) for partition in partitions}

        return self.asked(ask, patience)

    def has(self, partition: Partition, offset: int) -> bool:
        """Return whether a partition can be read from an offset: it has a record there or later, or ends there."""
        reader = self.another({partition: offset})
        try:
            while True:
                for message in reader.consume(1, _ANSWER_SECONDS):
                    if message.error() is None or is_end(message):
                        return True
                    if is_gone(message.error()):
                        return False
                if self._wait(0.0):
                    raise StreamUnreachableError("Stopped before the broker answered whether it has the next records.")
        finally:
            reader.close()

    def topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """Return the broker's own ids of topics: a topic made again has another. Empty texts without them."""
        names = list(topics)
        admin = self._admin()  # the answers end with it
        try:
            answers = admin.describe_topics(TopicCollection(names), request_timeout=_ANSWER_SECONDS)
            ids = {name: str(getattr(f.result(_ANSWER_SECONDS), "topic_id", "")) for name, f in answers.items()}
        except (KafkaException, TimeoutError):  # a broker without this question, or a user without the right
            return dict.fromkeys(names, "")
        return {name: "" if found in (_NO_ID, "None") else found for name, found in ids.items()}

    def asked(self, question: Callable[[], Any], patience: float | None = None) -> Any:
        """Return an answer of the broker, asking again with growing pauses while it is away.

        Raises StreamError if it refuses, StreamUnreachableError when patience or the process ends.
        """
        deadline = None if patience is None else time.monotonic() + patience
        while True:
            self._asker.poll(0)  # errors arrive by callback
            self.refuse()
            try:
                answer = question()
            except (KafkaException, TimeoutError) as e:
                self._asker.poll(0)
                self.refuse()
                error = e.args[0] if e.args and isinstance(e.args[0], KafkaError) else None
                if error is not None and error.code() in _REFUSED:
                    raise self._refused(error) from None
                self._away(error)
            else:
                self.answers()
                return answer
            ends = deadline is not None and time.monotonic() >= deadline
            if ends or self._wait(self._grown_pause()):
                raise StreamUnreachableError(
                    f"No broker at {self._settings.servers} answers. Nothing is lost: what has landed stays, the rest "
                    "lands when the broker is back. Check RETAIL_STREAM_SERVERS, RETAIL_STREAM_SECURITY, the network."
                ) from None

    def assign(self, offsets: dict[Partition, int]) -> None:
        """Read these partitions from these offsets, and no others."""
        if self._consumer is not None:
            self._consumer.close()
        self._consumer = self.another(offsets)

    def another(self, offsets: dict[Partition, int]) -> Any:
        """Return a consumer of its own that reads these partitions from these offsets; to be closed."""
        consumer = self.consumer(len(offsets))
        consumer.assign([TopicPartition(topic, number, offset) for (topic, number), offset in offsets.items()])
        return consumer

    def seek(self, partition: Partition, offset: int) -> None:
        """Read a partition on from an offset; what had been fetched of it is dropped."""
        for _ in range(_SEEKS):
            try:
                self._consumer.seek(TopicPartition(*partition, offset))
            except KafkaException:  # it has been assigned a moment ago
                time.sleep(_SEEK_PAUSE)
            else:
                return
        raise StreamUnreachableError(
            f"{partition[0]}/{partition[1]} cannot be read from offset {offset:,}. Start `retail-assets stream` again."
        )

    def records(self, most: int, seconds: float) -> list[Any]:
        """Return up to `most` messages and marks of an end; see `is_end`. Raises what an error means."""
        messages: list[Any] = self._consumer.consume(most, seconds)
        self.refuse()
        found = []
        for message in messages:
            error = message.error()
            if error is None or is_end(message):
                found.append(message)
            elif error.code() in _GONE:
                raise RecordsGoneError
            elif error.code() in _UNKNOWN:
                raise UnknownTopicError
            elif error.code() in _REFUSED:
                raise self._refused(error)
            else:
                self._away(error)
        if found:
            self.answers()
        return found

    def lag(self, partition: Partition, following: int) -> int:
        """Return how many offsets wait from `following` on, as far as fetches have shown."""
        _, high = self._consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)
        return max(0, high - following)

    def commit(self, offsets: dict[Partition, int]) -> None:
        """Report to lag monitors. Whether that succeeds makes no difference to anything that lands."""
        try:
            self._consumer.commit(
                offsets=[TopicPartition(topic, number, offset) for (topic, number), offset in offsets.items()],
                asynchronous=True,
            )
        except KafkaException:
            return

    def probe(self) -> None:
        """While the broker is away, ask from time to time whether it is back, and say so."""
        if self.away_since is None or time.monotonic() < self._next_probe:
            return
        try:
            self._asker.list_topics(timeout=1.0)
        except KafkaException:
            self._next_probe = time.monotonic() + self._grown_pause()
        else:
            self.answers()

    def refuse(self) -> None:
        """Raise StreamError if the broker has refused to let us in."""
        if self._refusal is not None:
            raise StreamError(self._refusal)

    def _refused(self, error: Any) -> StreamError:
        return StreamError(
            f"The broker at {self._settings.servers} refuses: {error.name()}. Check RETAIL_STREAM_SECURITY, the login "
            "or the certificates, and that this user may read the topics."
        )

    def _on_error(self, error: Any) -> None:
        if error.code() in _REFUSED:
            self._refusal = str(self._refused(error))
        elif error.code() in (KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE):
            self._away(error)

    def _away(self, error: Any) -> None:
        if self.away_since is None:
            self.away_since = time.monotonic()
            self._next_probe = self.away_since + self._pause
            unknown = error is not None and error.code() == KafkaError._RESOLVE
            why = ": the name of the host is not known" if unknown else ""
            self._say(
                f"The broker at {self._settings.servers} does not answer{why}. Waiting for it; nothing is lost. If "
                "it is there, check RETAIL_STREAM_SERVERS and RETAIL_STREAM_SECURITY."
            )

    def answers(self) -> None:
        """Note that the broker has answered."""
        if self.away_since is not None:
            self._say(f"The broker answers again, after {time.monotonic() - self.away_since:,.0f} s.")
        self.away_since = None
        self._pause = _FIRST_PAUSE

    def _grown_pause(self) -> float:
        pause, self._pause = self._pause, min(_LONGEST_PAUSE, self._pause * 2)
        return pause


def timestamp_of(message: Any) -> int | None:
    """Return the broker's time of a message in milliseconds since 1970; None if it has none."""
    kind, milliseconds = message.timestamp()
    return milliseconds if kind and milliseconds >= 0 else None


def is_gone(error: Any) -> bool:
    """Return whether an error says that the broker does not have the offset that was asked for."""
    return error.code() in _GONE


def is_end(message: Any) -> bool:
    """Return whether a message says that there is nothing more in its partition; its offset is where that is."""
    error = message.error()
    return error is not None and bool(error.code() == KafkaError._PARTITION_EOF)
