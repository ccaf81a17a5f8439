"""Finds the process that listens on a port of this machine, through Linux's /proc. Elsewhere the answer is None."""

from __future__ import annotations

from pathlib import Path

_LISTENING = "0A"  # proc_net_tcp: TCP_LISTEN


def port_owner(port: int, proc: Path = Path("/proc")) -> str | None:
    """Return the process, such as "node (pid 4711)", or None if it can't be found."""
    sockets = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening_inodes(proc / "net" / table, port)}
    if not sockets:
        return None
    for process in proc.glob("[0-9]*"):
        try:
            if any(str(descriptor.readlink()) in sockets for descriptor in (process / "fd").iterdir()):
                name, pid = (process / "comm").read_text().strip(), process.name
                return f"{name} (pid {pid})"
        except OSError:
            continue  # it belongs to another user, or has ended
    return None


def _listening_inodes(table: Path, port: int) -> list[str]:
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port]
