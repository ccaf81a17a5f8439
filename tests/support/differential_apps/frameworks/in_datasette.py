"""Datasette over a small database in memory."""

from datasette import hookimpl
from datasette.app import Datasette
from datasette.plugins import pm


class Rows:
    __name__ = "Rows"

    @hookimpl
    def startup(self, datasette):
        async def fill():
            database = datasette.add_memory_database("small")
            await database.execute_write_script(
                "create table if not exists things (id integer primary key, name text, [odd/name] text);"
                "delete from things; insert into things values (1, 'one', 'a/b'), (2, 'zwei ü', null), (3, '~!%', '%2F');"
            )

        return fill


pm.register(Rows(), "rows")
app = Datasette([], memory=True).app()
