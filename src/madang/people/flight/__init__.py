"""See README.md of the room: the lake for tools that speak Arrow Flight SQL (ODBC, JDBC, ADBC)."""
