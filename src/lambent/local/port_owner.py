"""Who listens on a port of this machine. Linux's /proc only; elsewhere nobody is named."""

from __future__ import annotations

from pathlib import Path

_LISTENING = "0A"


def occupant(port: int, proc: Path = Path("/proc")) -> str | None:
    """Such as "node (pid 4711)", or None when that cannot be told."""
    wanted = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _inodes(proc / "net" / table, port)}
    if not wanted:
        return None
    for process in proc.glob("[0-9]*"):
        try:
            if any(str(descriptor.readlink()) in wanted for descriptor in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue  # another user's, or gone meanwhile
    return None


def _inodes(table: Path, port: int) -> list[str]:
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port]
