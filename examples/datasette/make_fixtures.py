"""Makes fixtures.db: planets and their moons. Run it again and the same rows are there."""

import sqlite3
import sys
from pathlib import Path

SCHEMA = """
CREATE TABLE planets (id INTEGER PRIMARY KEY, name TEXT NOT NULL, diameter_km INTEGER NOT NULL, kind TEXT NOT NULL);
CREATE TABLE moons (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    planet INTEGER NOT NULL REFERENCES planets(id),
    discovered INTEGER
);
CREATE INDEX moons_planet ON moons(planet);
CREATE VIEW moon_counts AS
    SELECT planets.name AS planet, count(moons.id) AS moons
    FROM planets LEFT JOIN moons ON moons.planet = planets.id
    GROUP BY planets.id ORDER BY moons DESC, planets.id;
"""

PLANETS = [
    (1, "Mercury", 4879, "rock"),
    (2, "Venus", 12104, "rock"),
    (3, "Earth", 12742, "rock"),
    (4, "Mars", 6779, "rock"),
    (5, "Jupiter", 139820, "gas"),
    (6, "Saturn", 116460, "gas"),
    (7, "Uranus", 50724, "ice"),
    (8, "Neptune", 49244, "ice"),
]

MOONS = [
    ("Moon", 3, None),
    ("Phobos", 4, 1877),
    ("Deimos", 4, 1877),
    ("Io", 5, 1610),
    ("Europa", 5, 1610),
    ("Ganymede", 5, 1610),
    ("Callisto", 5, 1610),
    ("Amalthea", 5, 1892),
    ("Mimas", 6, 1789),
    ("Enceladus", 6, 1789),
    ("Titan", 6, 1655),
    ("Iapetus", 6, 1671),
    ("Miranda", 7, 1948),
    ("Titania", 7, 1787),
    ("Oberon", 7, 1787),
    ("Triton", 8, 1846),
    ("Nereid", 8, 1949),
]


def make(path: Path) -> None:
    """Writes the database, replacing an earlier one."""
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    with database:
        database.executescript(SCHEMA)
        database.executemany("INSERT INTO planets VALUES (?, ?, ?, ?)", PLANETS)
        database.executemany("INSERT INTO moons (name, planet, discovered) VALUES (?, ?, ?)", MOONS)
    database.execute("VACUUM")
    database.close()


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("fixtures.db"))
