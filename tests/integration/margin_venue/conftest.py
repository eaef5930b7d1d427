from tests.own_postgres import postgres_dsn as postgres_dsn  # noqa: PLC0414 - pytest finds the fixture here
