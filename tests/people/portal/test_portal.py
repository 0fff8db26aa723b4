"""The portal as people and programs meet it: pages without scripts, files, DCAT-AP, CKAN and OGC API, read by clients of others."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from ckanapi import NotFound as CkanNotFound
from ckanapi import RemoteCKAN
from owslib.ogcapi.features import Features
from owslib.ogcapi.records import Records
from pyshacl import validate
from rdflib import Graph
from tests.conftest import shared
from tests.people.portal.publishing import BENCHES, PLAIN, TOLD, Publishing, open_publishing

from madang.engine.database import connect_pool
from madang.lake.datasets.dataset import Described
from madang.trust.audit.recorder import open_recorder

SHAPES = Path(__file__).with_name("dcat-ap-mandatory.ttl")


@pytest_asyncio.fixture(scope="module")
async def city(session_dsn: str, keys_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Publishing]:
    """Published once for all tests here, which only read."""
    folder = tmp_path_factory.mktemp("portal")
    async with await connect_pool(session_dsn, 1, 6) as pool:
        await pool.execute("TRUNCATE dataset CASCADE")
        async with open_publishing(pool, session_dsn, folder, keys_dir, open_recorder(pool, folder, "yard")) as city:
            await city.publish("benches", BENCHES, TOLD)
            await city.publish("waste", PLAIN, Described({"ko": "쓰레기 배출량"}, licence="cc-by-4.0", themes=["ENVI"]))
            yield city


@pytest.fixture
async def http(city: Publishing) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=city.city.url, trust_env=False, timeout=20) as client:
        yield client


async def test_data_is_found_by_words_and_facets(http: httpx.AsyncClient) -> None:
    pages = {
        query: (await http.get("data", params=query)).text for query in ("", "words=벤치", "theme=REGI", "words=없음")
    }
    found = {query: re.findall(r"/data/sets/(\w+)", text) for query, text in pages.items()}
    assert found == {"": ["waste", "benches"], "words=벤치": ["benches"], "theme=REGI": ["benches"], "words=없음": []}
    assert "조건에 맞는 데이터셋이 없습니다." in pages["words=없음"]


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_a_data_set_has_a_page(http: httpx.AsyncClient, language: str) -> None:
    text = (await http.get("data/sets/benches", params={"lang": language})).text
    (marked,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text)
    told = json.loads(marked)
    assert (told["@type"], told["name"], len(told["distribution"])) == ("Dataset", "공원 벤치 위치", 3)
    assert (text.count("<circle"), "서울숲 벤치" in text, text.count("POINT (")) == (3, True, 3)


@pytest.mark.parametrize("name", ["data.exe", "../../x", "data.csv/..", "versions/9/data.csv", "versions/x/data.csv"])
async def test_nothing_else_is_given(http: httpx.AsyncClient, name: str) -> None:
    assert (await http.get(f"open/datasets/benches/{name}")).status_code in (400, 404)


@pytest.mark.parametrize(("form", "name"), [("jsonld", "json-ld"), ("ttl", "turtle"), ("rdf", "xml")])
async def test_the_catalogue_is_dcat_ap(http: httpx.AsyncClient, form: str, name: str) -> None:
    answers = [await http.get(f"open/{path}.{form}") for path in ("catalog", "datasets/benches/about")]
    graphs = [Graph().parse(data=answer.content, format=name) for answer in answers]
    dataset = "http://www.w3.org/ns/dcat#Dataset"
    counts = [len([*graph.subjects(None, None, unique=True)]) > 5 for graph in graphs]
    found = [sum(str(one) == dataset for one in graph.objects()) for graph in graphs]
    assert (counts, found) == ([True, True], [2, 1])


async def told_of(http: httpx.AsyncClient) -> Graph:
    told = Graph()
    for path in ("catalog.ttl", "datasets/benches/about.ttl"):
        told.parse(data=(await http.get(f"open/{path}")).content, format="turtle")
    return told


async def test_it_satisfies_the_mandatory_shapes(http: httpx.AsyncClient) -> None:
    conforms, _, text = validate(await told_of(http), shacl_graph=Graph().parse(SHAPES), inference="none")
    assert conforms, text


async def test_it_satisfies_semiceus_own_shapes(http: httpx.AsyncClient) -> None:
    shapes = Graph().parse(shared("dcat-ap/dcat-ap-SHACL.ttl"))
    conforms, _, text = validate(await told_of(http), shacl_graph=shapes, inference="none")
    assert conforms, text


def test_the_shapes_find_what_is_absent() -> None:
    bare = Graph().parse(data="@prefix dcat: <http://www.w3.org/ns/dcat#> . <urn:x> a dcat:Dataset .", format="turtle")
    conforms, _, _ = validate(bare, shacl_graph=Graph().parse(SHAPES), inference="none")
    assert not conforms


async def test_ckans_own_client_reads_it(city: Publishing) -> None:
    def read() -> dict[str, Any]:
        with RemoteCKAN(city.city.url.rstrip("/")) as ckan:
            told: dict[str, Any] = {"list": ckan.action.package_list()}
            first = ckan.action.package_search(q="", rows=1, start=0)
            second = ckan.action.package_search(q="", rows=1, start=1)
            told["paged"] = [first["count"], sorted(one["name"] for page in (first, second) for one in page["results"])]
            told["filtered"] = [
                one["name"] for one in ckan.action.package_search(q="벤치", fq="license_id:kogl-1")["results"]
            ]
            told["dump"] = [ckan.action.package_show(id=name)["num_resources"] for name in told["list"]]
            rows = ckan.action.datastore_search(resource_id="waste.csv", filters={"dong": "가동"}, limit=1)
            told["rows"] = [rows["total"], rows["records"]]
            with pytest.raises(CkanNotFound):
                ckan.action.package_show(id="none")
            return told

    assert await asyncio.to_thread(read) == {
        "list": ["benches", "waste"],
        "paged": [2, ["benches", "waste"]],
        "filtered": ["benches"],
        "dump": [3, 3],
        "rows": [2, [{"_id": 1, "dong": "가동", "kg": 1.5}]],
    }


async def test_owslib_reads_features_and_records(city: Publishing) -> None:
    def read() -> dict[str, Any]:
        features, records = (kind(f"{city.city.url}ogc") for kind in (Features, Records))
        page = features.collection_items("benches", limit=2)
        near = features.collection_items("benches", bbox=[126.9, 37.56, 127.0, 37.6])
        named = features.collection_items("benches", name="한강 벤치")
        return {
            "features": features.feature_collections(),
            "records": records.records(),
            "page": [page["numberMatched"], page["numberReturned"], [one["rel"] for one in page["links"]]],
            "near": [one["properties"]["name"] for one in near["features"]],
            "named": [one["id"] for one in named["features"]],
            "one": features.collection_item("benches", "1")["geometry"],
            "found": [one["id"] for one in records.collection_items("catalog", q="벤치")["features"]],
            "record": records.collection_item("catalog", "waste")["properties"]["title"],
        }

    assert await asyncio.to_thread(read) == {
        "features": ["benches"],
        "records": ["catalog"],
        "page": [3, 2, ["self", "collection", "next"]],
        "near": ["시청 벤치"],
        "named": [3],
        "one": {"type": "Point", "coordinates": [127.04, 37.54]},
        "found": ["benches"],
        "record": "쓰레기 배출량",
    }


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="GDAL's ogrinfo is not installed (Debian: gdal-bin)")
async def test_gdals_own_client_reads_features(city: Publishing) -> None:
    argv = ["ogrinfo", "-ro", "-al", f"OAPIF:{city.city.url}ogc", "benches"]
    asked = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    out, _ = await asked.communicate()
    told = out.decode()
    assert [
        word
        for word in ("Feature Count: 3", "시청 벤치", "POINT (126.978 37.566)", "seats (Integer) = 3")
        if word not in told
    ] == []


@pytest.mark.parametrize("query", ["bbox=1,2,3", "bbox=a,b,c,d", "limit=0", "limit=x", "colour=red", "offset=-1"])
async def test_what_cannot_be_asked_of_features(http: httpx.AsyncClient, query: str) -> None:
    assert (await http.get(f"ogc/collections/benches/items?{query}")).status_code == 400


@pytest.mark.parametrize("form", ["atom", "rss"])
async def test_what_is_new_is_told(http: httpx.AsyncClient, form: str) -> None:
    import feedparser

    told = feedparser.parse((await http.get(f"open/feed.{form}")).content)
    assert (told.bozo, [one.title for one in told.entries]) == (False, ["쓰레기 배출량", "공원 벤치 위치"])
