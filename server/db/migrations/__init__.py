"""Written migrations: what a comparison of declarations can't find out, such as a renamed or a converted column.

One is called on a copy of the file, inside a transaction with foreign keys not enforced, and changes tables with
`server.db.rebuild.rebuild_table` alone. It names the columns as they are after it in a `Table` of its own, because the
models go on changing; whatever they add later is added to the tables afterwards. No row of any table may go.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

Migration = Callable[[sqlite3.Connection], None]

MIGRATIONS: dict[int, Migration] = {}
"""By the schema version that each brings a file to. A version that only adds something has none."""
