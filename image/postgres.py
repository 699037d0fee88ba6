"""An image in PostgreSQL, by RelStorage: ``postgresql://user@host:port/database?setting=value``.

The location is what libpq calls a connection URI, so that sockets (``host=/run/postgresql``), TLS, service files and
password files work as they do for psql. RelStorage's own URI form knows none of these. Settings of RelStorage
(``cache_local_mb``, ``keep_history`` ...) and of ZODB's connections (``connection_cache_size`` ...) may stand among the
others in the query.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from .errors import BadLocation, ImageUnreachable
from .location import spoken

HANGING = 15  # seconds that a process which hangs in the middle of a commit may keep others waiting
MAKING = 0xBA705  # the lock that is held while tables are made
CONNECTION = frozenset(("connection_cache_size", "connection_cache_size_bytes", "connection_pool_size"))


def open_postgres(location: str, read_only: bool, settings: dict[str, Any]) -> Any:
    """The storage of the image there; its tables are made if need be. What the query says of connections goes into
    ``settings``.

    Raises BadLocation, ImageUnreachable.
    """
    try:
        import psycopg2  # type: ignore[import-untyped]
        from psycopg2.extensions import make_dsn, parse_dsn  # type: ignore[import-untyped]
        from relstorage.adapters.postgresql import PostgreSQLAdapter
        from relstorage.options import Options
        from relstorage.storage import RelStorage
        from relstorage.zodburi_resolver import RelStorageURIResolver
    except ImportError as error:
        raise BadLocation(
            f"postgresql:// needs the package {error.name}: pip install 'bat-os[cluster]'.", spoken(location)
        ) from error
    parts = urlsplit(location)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    try:
        chosen, query = RelStorageURIResolver(None).interpret_kwargs(query)
        for name in CONNECTION.intersection(query):
            settings[name.removeprefix("connection_")] = int(query.pop(name))
        uri = urlunsplit(("postgresql", *parts[1:3], urlencode(query), ""))
        dsn = make_dsn(**parse_dsn(uri))
    except (psycopg2.ProgrammingError, ValueError) as error:
        text = f"{spoken(location)} cannot be read as a location: {str(error).strip()}"
        raise BadLocation(text, spoken(location)) from error
    if read_only:
        chosen["read_only"] = True
    options = Options(**chosen)
    try:
        with closing(psycopg2.connect(dsn)) as guard, guard.cursor() as cursor:
            # Two that make the tables at once: the second waits, and finds them made.
            cursor.execute("select pg_advisory_lock(%s)", (MAKING,))
            adapter = PostgreSQLAdapter(dsn=dsn, options=options)
            adapter.connmanager.add_on_store_opened(_end_if_it_hangs)
            return RelStorage(adapter, options=options)
    except psycopg2.Error as error:
        text = f"{spoken(location)} cannot be opened: {str(error).strip() or type(error).__name__}"
        raise ImageUnreachable(text, spoken(location)) from error


def _end_if_it_hangs(cursor: Any, restart: bool = False) -> None:
    """Have the server end this connection, one that stores, when it hangs in a transaction.

    Between the vote and the end of a commit, which take milliseconds, it holds locks on the objects that it changed.
    A process that dies lets go of them; one that only hangs (stopped, its machine asleep or cut off) does not, and
    whoever wants one of these objects would wait for as long as it hangs. Its transaction is given up, and it learns of
    that when it wakes.
    """
    cursor.execute("set idle_in_transaction_session_timeout = %s", (HANGING * 1000,))
    cursor.connection.commit()  # a rollback would take the setting back
