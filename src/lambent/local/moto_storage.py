"""Keeps on disk what moto keeps in memory for ever: the events of logs, and the bodies of objects in S3.

moto also holds on to every object that it ever created, deleted ones too, for a dashboard that isn't shown here. Call `install`
once per process, after importing moto.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import moto.core.common_models
import moto.logs.models
import moto.s3.models

from lambent.local.log_store import LogEvent, LogStore, StreamKey
from lambent.local.unpack import remove

_IN_MEMORY_MAX = 16 * 1024
_DELETE_GROUP: Any = moto.logs.models.LogsBackend.delete_log_group
_DELETE_STREAM: Any = moto.logs.models.LogGroup.delete_log_stream


def install(logs: LogStore, objects: Path, bodies: Path) -> None:
    """Store events in `logs` and objects in the folder `objects`, which is emptied.

    A body that is also a file in `bodies`, named by its sha256 in hex, takes no more space: it is a link.
    """
    models: Any = moto.core.common_models
    models.BaseModel.__new__ = _new
    _store_events(logs)
    with contextlib.suppress(OSError):
        remove(objects)
    objects.mkdir(parents=True, exist_ok=True)
    s3: Any = moto.s3.models
    s3.tempfile = SimpleNamespace(SpooledTemporaryFile=lambda max_size=0: ObjectBody(objects, bodies))


def _new(cls: Any, *arguments: Any, **options: Any) -> Any:
    return object.__new__(cls)


# --- logs -------------------------------------------------------------------------------------------------------------


def _store_events(logs: LogStore) -> None:
    models: Any = moto.logs.models
    stream, event = models.LogStream, models.LogEvent
    event._event_id = logs.last_id() + 1
    stream.events = property(lambda self: StoredEvents(logs, _key(self), event), lambda self, value: None)
    stream._update = lambda self: _update(self, logs)
    get, filter, filter_group = stream.get_log_events, stream.filter_log_events, models.LogGroup.filter_log_events

    def get_log_events(self: Any, start_time: Any, end_time: Any, *arguments: Any) -> Any:
        with logs.window(start_time, end_time):
            return get(self, start_time, end_time, *arguments)

    def filter_log_events(self: Any, start_time: Any, end_time: Any, *arguments: Any) -> Any:
        with logs.window(start_time, end_time):
            return filter(self, start_time, end_time, *arguments)

    def interleave_streams(self: Any, *arguments: Any) -> Any:
        return filter_group(self, *arguments[:-1], True)  # AWS has ignored the argument since 2019: it sorts by time

    stream.get_log_events, stream.filter_log_events = get_log_events, filter_log_events
    models.LogGroup.filter_log_events = interleave_streams
    _delete_events(logs)


def _delete_events(logs: LogStore) -> None:
    """Delete the events of a stream or group with it. If the disk refuses that, nothing is deleted."""
    models: Any = moto.logs.models
    backend, group = models.LogsBackend, models.LogGroup

    def delete_log_group(self: Any, log_group_name: str) -> Any:
        if log_group_name in self.groups:
            logs.delete(self.region_name, log_group_name)
        return _DELETE_GROUP(self, log_group_name)

    def delete_log_stream(self: Any, log_stream_name: str) -> Any:
        if log_stream_name in self.streams:
            logs.delete(self.region, self.name, log_stream_name)
        return _DELETE_STREAM(self, log_stream_name)

    backend.delete_log_group, group.delete_log_stream = delete_log_group, delete_log_stream


def _key(stream: Any) -> StreamKey:
    return StreamKey(stream.region, stream.log_group.name, stream.log_stream_name)


def _update(stream: Any, logs: LogStore) -> None:
    stream.first_event_timestamp, stream.last_event_timestamp = logs.span(_key(stream))


class StoredEvents:
    """The list of a stream's events as moto uses it: it iterates, appends, and asks whether there are any."""

    def __init__(self, logs: LogStore, key: StreamKey, kind: Any) -> None:
        self._logs = logs
        self._key = key
        self._kind = kind

    def __len__(self) -> int:
        return self._logs.count(self._key)

    def __iter__(self) -> Iterator[Any]:
        for stored in self._logs.read(self._key):
            event = object.__new__(self._kind)
            event.event_id, event.timestamp = stored.id, stored.timestamp
            event.ingestion_time, event.message = stored.ingested, stored.message
            yield event

    def __iadd__(self, events: Sequence[Any]) -> StoredEvents:
        if events:
            stored = [LogEvent(each.event_id, each.timestamp, each.ingestion_time, each.message) for each in events]
            self._logs.append(self._key, stored)
        return self


# --- S3 ---------------------------------------------------------------------------------------------------------------


class ObjectBody:
    """The bytes of an object in S3, as moto uses a temporary file: written at once, read often. Large ones are on disk."""

    def __init__(self, folder: Path, bodies: Path) -> None:
        self._path = folder / uuid.uuid4().hex
        self._bodies = bodies
        self._data: bytes | None = b""
        self._position = 0

    def seek(self, position: int) -> None:
        self._position = position

    def truncate(self) -> None:
        """Delete everything: moto does so at the beginning only."""
        self.close()
        self._data = b""

    def write(self, data: bytes) -> None:
        if len(data) <= _IN_MEMORY_MAX:
            self._data = bytes(data)
            return
        self._data = None
        try:
            os.link(self._bodies / hashlib.sha256(data).hexdigest(), self._path)
        except OSError:  # the request's body had another form, or the disk has no links
            try:
                self._path.write_bytes(data)
            except OSError:
                self.close()
                raise

    def read(self, size: int = -1) -> bytes:
        if self._data is not None:
            end = len(self._data) if size < 0 else self._position + size
            data = self._data[self._position : end]
        else:
            with self._path.open("rb") as file:
                file.seek(self._position)
                data = file.read(size)
        self._position += len(data)
        return data

    def close(self) -> None:
        if self._data is None:
            self._path.unlink(missing_ok=True)
        self._data = None

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            self.close()
