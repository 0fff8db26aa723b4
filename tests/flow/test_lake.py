"""A city with a lake, whole: what is written is asked for in SQL, cut to what one may see; what is erased is gone."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import adbc_driver_flightsql.dbapi as flightsql
import httpx
import pytest

from madang.base.clock import SystemClock
from madang.cli.instance import Instance, demo_env
from madang.engine.database import connect_pool
from madang.engine.temporary import scratch
from madang.lake.publishing.publication import Publications
from madang.sdk.door import DoorError
from madang.sdk.lake import Lake
from tests.flow.conftest import FIXTURES, House
from tests.waiting import until

pytestmark = pytest.mark.engine
with socket.create_server(("127.0.0.1", 0)) as one:
    FLIGHT_PORT = one.getsockname()[1]
LAKE = f"\n[lake]\nevery_s = 1\nflight_port = {FLIGHT_PORT}\n"


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    folder = scratch("madang-flow-")
    city = folder.path / "city.toml"
    text = (FIXTURES / "yard.toml").read_text(encoding="utf-8")
    head, mark, rules = text.partition("[[mqtt]]")
    city.write_text(head + LAKE + mark + rules, encoding="utf-8")
    env = demo_env("operator", folder.path / "tiles", None, None)
    instance = Instance(folder.path, "yard", city, None, env, print)
    await instance.start_engines()
    await instance.start_kernel()
    yield House(instance, folder.path)
    await instance.stop()
    folder.remove()


@pytest.fixture(scope="module")
async def api(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=house.url, trust_env=False, timeout=40) as client:
        await until(lambda: house.member("lake").state.state == "running", "the lake runs")
        yield client


async def ask(api: httpx.AsyncClient, sql: str, **more: object) -> httpx.Response:
    return await api.post("lake/sql", json={"sql": sql, **more})


async def count(api: httpx.AsyncClient, condition: str = "true") -> int | None:
    answer = await ask(api, f"SELECT count(*) FROM observation WHERE {condition}")
    return int(answer.json()["rows"][0][0]) if answer.status_code == 200 else None


async def write(api: httpx.AsyncClient, name: str, value: float) -> None:
    entity = {"id": f"urn:ngsi-ld:Bin:yard:{name}", "type": "Bin", "level": value}
    (await api.post("ngsi-ld/v1/entityOperations/upsert", json=[entity])).raise_for_status()


async def test_what_was_written_is_asked_for_at_once(api: httpx.AsyncClient) -> None:
    for value in (0.25, 0.5, 0.75):
        await write(api, "asked", value)
    answer = await ask(
        api, "SELECT avg(value) AS mean FROM observation WHERE entity_id LIKE '%:asked' AND attribute = 'level'"
    )
    assert (answer.status_code, answer.json()) == (200, {"columns": ["mean"], "rows": [[0.5]], "truncated": False})
    assert answer.headers["content-type"] == "application/json"


async def test_rolled_or_not_it_is_there_once(house: House, api: httpx.AsyncClient) -> None:
    for value in range(20):
        await write(api, "once", value)
    before = await count(api, "entity_id LIKE '%:once'")
    files = house.run_dir / "lake"
    await until(lambda: any(files.rglob("ducklake-*.parquet")), "a file of the lake")
    house.kill("lake")

    async def again() -> bool:
        return await count(api, "entity_id LIKE '%:once'") == 20

    await until(again, "the lake answers again")
    assert before == 20


async def test_forms_by_accept(api: httpx.AsyncClient) -> None:
    await write(api, "form", 1)
    question = {"sql": "SELECT attribute, value FROM observation WHERE entity_id LIKE '%:form'"}
    as_csv = await api.post("lake/sql", json=question, headers={"accept": "text/csv"})
    none = await api.post("lake/sql", json=question, headers={"accept": "image/png"})
    assert (as_csv.text, none.status_code) == ("attribute,value\r\nlevel,1.0\r\n", 406)


async def test_a_notebook_takes_it_as_rows_arrow_polars_and_pandas(house: House, api: httpx.AsyncClient) -> None:
    for value in (1.5, 2.5):
        await write(api, "notebook", value)
    question = Lake(house.url).sql("SELECT seq, value FROM observation WHERE entity_id LIKE '%:notebook' ORDER BY seq")
    taken = [question.rows, question.arrow, question.polars, question.pandas, lambda: list(question.batches())]
    rows, arrow, polars, pandas, batches = await asyncio.gather(*(asyncio.to_thread(one) for one in taken))
    values = [row["value"] for row in rows]
    assert values == [1.5, 2.5]
    assert arrow.column("value").to_pylist() == polars["value"].to_list() == pandas["value"].tolist() == values
    assert [value for batch in batches for value in batch.column("value").to_pylist()] == values


async def test_a_tool_asks_by_flight_sql_what_the_web_asks(api: httpx.AsyncClient) -> None:
    await write(api, "flown", 7.5)
    sql = "SELECT attribute, value FROM observation WHERE entity_id LIKE '%:flown'"

    def fly() -> list[tuple[object, ...]]:
        with flightsql.connect(f"grpc://127.0.0.1:{FLIGHT_PORT}", autocommit=True) as there, there.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    assert await asyncio.to_thread(fly) == [("level", 7.5)]
    assert (await ask(api, sql)).json()["rows"] == [["level", 7.5]]


async def test_whoever_runs_the_city_asks_the_whole_lake_on_dask(
    house: House, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    for value in (1, 2):
        await write(api, "batch", value)
    sql = "SELECT entity_id, sum(value) AS total FROM observation WHERE entity_id LIKE '%:batch' GROUP BY 1"
    (tmp_path / "q.sql").write_text(sql, encoding="utf-8")
    argv = [sys.executable, "-m", "madang", "lake", "run", str(tmp_path / "q.sql"), "--engine", "dask"]
    done = await asyncio.create_subprocess_exec(*argv, "--run", str(house.run_dir), stdout=asyncio.subprocess.PIPE)
    out, _ = await done.communicate()
    assert (done.returncode, out.decode()) == (0, '"entity_id","total"\n"urn:ngsi-ld:Bin:yard:batch",3\n')
    told = (await api.get("madang/v1/audit", params={"what": "lake.run"})).text
    assert "sum(value)" in told


async def test_a_notebook_is_told_what_is_wrong(house: House) -> None:
    with pytest.raises(DoorError, match="no table x") as told:
        await asyncio.to_thread(Lake(house.url).sql("FROM x").rows)
    assert told.value.status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"sql": "SELECT * FROM read_text('/etc/passwd')"}, 400),
        ({"sql": "SELECT 1", "rows": 0}, 400),
        ({"sql": "SELECT 1", "format": "xml"}, 400),
        ({"question": "SELECT 1"}, 400),
    ],
)
async def test_what_cannot_be_answered_is_told(api: httpx.AsyncClient, body: dict[str, object], status: int) -> None:
    answer = await api.post("lake/sql", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_an_erasure_of_the_past_reaches_the_lake_and_the_record(api: httpx.AsyncClient) -> None:
    for value in range(150):
        await write(api, "gone", value)

    async def rolled() -> bool:
        answer = await ask(api, "SELECT max(seq) FROM observation WHERE entity_id LIKE '%:gone'")
        return answer.status_code == 200 and await count(api, "entity_id LIKE '%:gone'") == 150

    await until(rolled, "the lake has it")
    answer = await api.delete("ngsi-ld/v1/temporal/entities/urn:ngsi-ld:Bin:yard:gone")
    assert answer.status_code == 204

    async def erased() -> bool:
        return await count(api, "entity_id LIKE '%:gone'") == 0

    await until(erased, "it is gone from the lake")

    async def recorded() -> bool:
        told = (await api.get("madang/v1/audit", params={"what": "lake.erase"})).text
        return "lake.erase" in told

    await until(recorded, "the erasure is on record")


async def test_a_file_comes_in_behind_walls_and_waits_for_somebody_or_is_in_the_lake(
    house: House, api: httpx.AsyncClient
) -> None:
    told = {"id": "bins", "title": {"ko": "휴지통", "en": "Bins"}}
    assert (await api.post("lake/datasets", json=told)).status_code == 201
    swapped = "이름,위도,경도\n가,126.97,37.56\n나,127.0,37.5\n".encode("cp949")
    sent = await api.post("lake/datasets/bins/files", params={"name": "bins.csv"}, content=swapped)
    arrival = sent.headers["location"].lstrip("/")

    async def decided() -> bool:
        return (await api.get(arrival)).json()["state"] != "waiting"

    await until(decided, "the file is read")
    found = (await api.get(arrival)).json()
    assert (found["state"], [one["code"] for one in found["report"]["findings"]]) == (
        "quarantined",
        ["swapped_coordinates"],
    )
    straight = {"why": "x", "hints": {"longitude": "위도", "latitude": "경도"}}
    assert (await api.post(f"{arrival}/release", json=straight)).status_code == 409  # by whoever sent it
    path = house.run_dir / "bins.csv"
    path.write_bytes("이름,위도,경도\n가,37.56,126.97\n".encode("cp949"))
    argv = [sys.executable, "-m", "madang", "lake", "add", str(path), "--run", str(house.run_dir), "--dataset", "bins"]
    added = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    out, _ = await added.communicate()
    assert (added.returncode, out.decode()) == (0, "bins: loaded, 1 rows\n")
    loaded = (await api.get("lake/datasets/bins")).json()
    assert (loaded["rows"], loaded["report"]["points"]) == (1, [[126.97, 37.56]])
    assert (await ask(api, "SELECT 이름, 위도 FROM bins")).json()["rows"] == [["가", 37.56]]


async def test_what_is_published_is_checked_and_asked_for_by_everybody_who_may_ask(
    house: House, api: httpx.AsyncClient
) -> None:
    told = {"id": "benches", "title": {"ko": "벤치", "en": "Benches"}, "licence": "kogl-1"}
    assert (await api.post("lake/datasets", json=told)).status_code == 201
    body = "장소,전화\n서울숲,010-1234-5678\n".encode()
    await api.post("lake/datasets/benches/files", params={"name": "benches.csv"}, content=body)

    async def loaded() -> bool:
        return (await api.get("lake/datasets/benches")).json()["rows"] == 1

    await until(loaded, "the file is in the lake")
    for columns in ([], ["장소"]):
        assert (await api.post("lake/datasets/benches/publications", json={"columns": columns})).status_code == 202

        async def checked() -> bool:
            return (await api.get("lake/datasets/benches/publications")).json()[0]["state"] != "checking"

        await until(checked, "the gate has looked")
    found = (await api.get("lake/datasets/benches/publications")).json()
    assert [(one["state"], [check["told"]["kind"] for check in one["checks"]]) for one in found] == [
        ("waiting", []),
        ("refused", ["phone"]),
    ]
    async with await connect_pool(house.instance.settings.database, 1, 2) as pool:
        await Publications(pool, SystemClock()).approve("benches", 2, "person:two", "fine")
    page, file = await api.get("data/sets/benches"), await api.get("open/datasets/benches/data.csv")
    rows = (await api.get("api/3/action/datastore_search", params={"resource_id": "benches"})).json()["result"][
        "records"
    ]
    assert (page.status_code, file.text, rows) == (200, "장소\n서울숲\n", [{"_id": 1, "장소": "서울숲"}])

    async def found() -> bool:
        return "/data/sets/benches" in (await api.get("data", params={"words": "벤치를"})).text

    await until(found, "it is found by its morphemes")
