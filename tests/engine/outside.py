"""A PostgreSQL and a NATS that Madang did not start: plain tools of the wheels, TCP on loopback, passwords."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from madang.engine.nats import Nats
from madang.engine.postgres import Postgres
from madang.engine.privilege import ENGINE_UID, drop_args, own
from madang.engine.settings import free_port

PASSWORD = "outside"


@contextmanager
def outside_postgres(folder: Path) -> Iterator[str]:
    """initdb and pg_ctl as an administrator would; gives the DSN of an empty database `city`."""
    own(folder, ENGINE_UID)
    data, port, bin_dir = folder / "data", free_port(), Path(Postgres(folder.parent).argv()[0]).parent
    words = folder / "password"
    words.write_text(PASSWORD)
    words.chmod(0o644)

    def run(tool: str, *arguments: str) -> None:
        subprocess.run(
            [str(bin_dir / tool), *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL, **drop_args(ENGINE_UID)
        )

    run("initdb", "-D", str(data), "-U", "owner", "-A", "scram-sha-256", f"--pwfile={words}", "-E", "UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://owner:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


@contextmanager
def outside_nats(folder: Path) -> Iterator[tuple[str, str]]:
    """Its NATS and MQTT addresses."""
    folder.mkdir()
    ports, conf = [free_port(), free_port()], folder / "nats.conf"
    conf.write_text(
        f'server_name: outside\nlisten: "127.0.0.1:{ports[0]}"\njetstream {{ store_dir: "{folder}/store" }}\n'
        f'mqtt {{ listen: "127.0.0.1:{ports[1]}" }}\nauthorization {{ user: city, password: {PASSWORD} }}\n'
    )
    binary = Nats(folder.parent / "unused").argv()[0]
    server = subprocess.Popen([binary, "-c", str(conf)], stderr=subprocess.DEVNULL)
    try:
        yield f"nats://city:{PASSWORD}@127.0.0.1:{ports[0]}", f"mqtt://city:{PASSWORD}@127.0.0.1:{ports[1]}"
    finally:
        server.terminate()
        server.wait(10)
