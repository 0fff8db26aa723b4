"""The NGSI-LD resource tree: path segments and method to handler."""

from __future__ import annotations

from functools import partial

from madang.base.errors import BadRequest, MadangError
from madang.context.copies import Copies
from madang.context.entity_maps import EntityMaps
from madang.context.subscriptions import Subscriptions
from madang.federation.federation import Federation
from madang.history.past import Past
from madang.people.conditional import refuse_condition
from madang.people.http import Handler, Request, Response, nothing_here, pick_method, problem
from madang.people.ngsi.allowed import check_parameters
from madang.people.ngsi.attributes import Attributes
from madang.people.ngsi.batch import Batches
from madang.people.ngsi.broker import Broker
from madang.people.ngsi.contexts import ContextResources
from madang.people.ngsi.discovery import DiscoveryResources
from madang.people.ngsi.distributed_batches import DistributedBatches
from madang.people.ngsi.distributed_reads import DistributedReads
from madang.people.ngsi.distributed_tellings import DistributedTellings, Telling
from madang.people.ngsi.distributed_writes import DistributedWrites
from madang.people.ngsi.entities import Entities
from madang.people.ngsi.entity_maps import MapResources
from madang.people.ngsi.identity import Identity
from madang.people.ngsi.intake import Intake
from madang.people.ngsi.parameters import check_media
from madang.people.ngsi.registrations import RegistrationResources
from madang.people.ngsi.shapes import TAGGED, VERSIONED, Table, Through, allowing, may_want_map, shape_of, with_tag_of
from madang.people.ngsi.shared_discovery import SharedDiscovery
from madang.people.ngsi.shared_past import SharedPast
from madang.people.ngsi.sharing import Sharing, is_shared
from madang.people.ngsi.snapshot_door import Keeping
from madang.people.ngsi.snapshot_queries import Filling
from madang.people.ngsi.snapshots import SnapshotResources
from madang.people.ngsi.subscriptions import OF_ENTITIES, OF_SOURCES, SubscriptionResources
from madang.people.ngsi.temporal import Temporal
from madang.people.ngsi.temporal_reads import TemporalReads


class NgsiLd:
    """Everything below `/ngsi-ld/v1`."""

    def __init__(
        self,
        broker: Broker,
        subscriptions: Subscriptions,
        past: Past,
        federation: Federation,
        maps: EntityMaps,
        keeping: Keeping | None,
    ) -> None:
        entities = Entities(broker)
        attributes = Attributes(broker)
        batches = Batches(broker)
        identity = Identity(broker)
        stored = ContextResources(broker)
        discovery = DiscoveryResources(broker)
        resources = SubscriptionResources(broker, subscriptions, OF_ENTITIES)
        watchers = SubscriptionResources(broker, federation.subscriptions, OF_SOURCES)
        temporal, times = Temporal(broker, past), TemporalReads(broker, past)
        sources = RegistrationResources(broker, federation)
        sharing = Sharing(broker, federation)
        reads, writes = DistributedReads(sharing), DistributedWrites(sharing)
        mapped = MapResources(maps, entities, sharing, reads, times)
        self._table: Table = {
            "entities": {"GET": entities.query, "POST": entities.create, "DELETE": entities.purge},
            "entities/*": {
                "GET": entities.get,
                "PUT": entities.replace,
                "PATCH": entities.merge,
                "DELETE": entities.delete,
            },
            "entities/*/attrs": {"POST": attributes.append, "PATCH": attributes.update},
            "entities/*/attrs/*": {
                "PATCH": attributes.patch,
                "PUT": attributes.put,
                "DELETE": attributes.delete,
            },
            "entityOperations/create": {"POST": batches.create},
            "entityOperations/upsert": {"POST": batches.upsert},
            "entityOperations/update": {"POST": batches.update},
            "entityOperations/merge": {"POST": batches.merge},
            "entityOperations/delete": {"POST": batches.delete},
            "entityOperations/query": {"POST": batches.query},
            "types": {"GET": discovery.types},
            "types/*": {"GET": discovery.type},
            "attributes": {"GET": discovery.attributes},
            "attributes/*": {"GET": discovery.attribute},
            "jsonldContexts": {"GET": stored.page, "POST": stored.add},
            "jsonldContexts/*": {"GET": stored.get, "DELETE": stored.delete},
            "info/sourceIdentity": {"GET": identity.get},
            "subscriptions": {"GET": resources.page, "POST": resources.create},
            "subscriptions/*": {"GET": resources.get, "PATCH": resources.update, "DELETE": resources.delete},
            "temporal/entities": {"GET": times.query, "POST": temporal.create},
            "temporal/entities/*": {"GET": times.get, "DELETE": temporal.delete},
            "temporal/entities/*/attrs": {"POST": temporal.append},
            "temporal/entities/*/attrs/*": {"DELETE": temporal.delete_attribute},
            "temporal/entities/*/attrs/*/*": {"PATCH": temporal.change_instance, "DELETE": temporal.delete_instance},
            "temporal/entityOperations/query": {"POST": times.query_by_body},
            "entityMaps": {"GET": mapped.create, "POST": mapped.create_by_body},
            "entityMaps/*": {"GET": mapped.get, "PATCH": mapped.update, "DELETE": mapped.delete},
            "temporal/entityMaps": {"GET": mapped.create_temporal, "POST": mapped.create_temporal_by_body},
            "csourceRegistrations": {"GET": sources.page, "POST": sources.create},
            "csourceRegistrations/*": {"GET": sources.get, "PATCH": sources.update, "DELETE": sources.delete},
            "csourceSubscriptions": {"GET": watchers.page, "POST": watchers.create},
            "csourceSubscriptions/*": {"GET": watchers.get, "PATCH": watchers.update, "DELETE": watchers.delete},
        }
        self._snapshots = None if keeping is None else open_snapshots(broker, keeping, mapped, times)
        if self._snapshots is not None:
            self._table |= snapshot_table(self._snapshots)
        self._mapped: dict[tuple[str, str], Through] = {
            ("entities", "GET"): mapped.query,
            ("entities", "DELETE"): mapped.purge,
            ("entities/*", "GET"): mapped.retrieve,
            ("entityOperations/query", "POST"): mapped.query_by_body,
            ("temporal/entities", "GET"): mapped.query_past,
            ("temporal/entityOperations/query", "POST"): mapped.query_past_by_body,
        }
        self._federation, self.intake = federation, Intake(broker, subscriptions, federation)
        many = DistributedBatches(sharing, writes)
        tellings, base = DistributedTellings(sharing, past), "temporal/entities"
        attribute = f"{base}/{{id}}/attrs/{{name}}"
        ages = TemporalReads(broker, past, SharedPast(sharing))
        wide = DiscoveryResources(broker, SharedDiscovery(sharing))
        one, path = writes.of_entity, "entities/{id}"
        self._shared: Table = {
            "entities": {
                "GET": reads.query,
                "POST": one("createEntity", "POST", "entities", entities.create),
                "DELETE": lambda request: many.purge(request, entities.purge),
            },
            "entities/*": {
                "GET": reads.get,
                "PUT": one("replaceEntity", "PUT", path, entities.replace),
                "PATCH": one("mergeEntity", "PATCH", path, entities.merge),
                "DELETE": lambda request: writes.delete(request, entities.delete),
            },
            "entities/*/attrs": {
                "POST": one("appendAttrs", "POST", f"{path}/attrs", attributes.append),
                "PATCH": one("updateEntity", "PATCH", f"{path}/attrs", attributes.update),
            },
            "entities/*/attrs/*": {
                "PATCH": writes.of_attribute("updateAttrs", "PATCH", attributes.patch),
                "PUT": writes.of_attribute("replaceAttrs", "PUT", attributes.put),
                "DELETE": writes.of_attribute("deleteAttrs", "DELETE", attributes.delete),
            },
            "entityOperations/create": {"POST": many.of("createBatch", "create", batches.create)},
            "entityOperations/upsert": {"POST": many.of("upsertBatch", "upsert", batches.upsert)},
            "entityOperations/update": {"POST": many.of("updateBatch", "update", batches.update)},
            "entityOperations/merge": {"POST": many.of("mergeBatch", "merge", batches.merge)},
            "entityOperations/delete": {"POST": many.of("deleteBatch", "delete", batches.delete)},
            "entityOperations/query": {"POST": reads.query_batch},
            "types": {"GET": wide.types},
            "types/*": {"GET": wide.type},
            "attributes": {"GET": wide.attributes},
            "attributes/*": {"GET": wide.attribute},
            "temporal/entities": {
                "GET": ages.query,
                "POST": tellings.of_entity(Telling("upsertTemporal", "POST", base, temporal.create)),
            },
            "temporal/entities/*": {
                "GET": ages.get,
                "DELETE": tellings.of_all(Telling("deleteTemporal", "DELETE", f"{base}/{{id}}", temporal.delete)),
            },
            "temporal/entities/*/attrs": {
                "POST": tellings.of_entity(
                    Telling("appendAttrsTemporal", "POST", f"{base}/{{id}}/attrs", temporal.append)
                ),
            },
            "temporal/entities/*/attrs/*": {
                "DELETE": tellings.of_attribute(
                    Telling("deleteAttrsTemporal", "DELETE", attribute, temporal.delete_attribute)
                ),
            },
            "temporal/entities/*/attrs/*/*": {
                "PATCH": tellings.of_attribute(
                    Telling(
                        "updateAttrInstanceTemporal", "PATCH", f"{attribute}/{{instance}}", temporal.change_instance
                    )
                ),
                "DELETE": tellings.of_attribute(
                    Telling(
                        "deleteAttrInstanceTemporal", "DELETE", f"{attribute}/{{instance}}", temporal.delete_instance
                    )
                ),
            },
            "temporal/entityOperations/query": {"POST": ages.query_by_body},
        }

    @property
    def routes(self) -> set[tuple[str, str]]:
        """`(shape, method)` of everything that is answered; `*` stands for an id or a name."""
        return {(shape, method) for shape, methods in self._table.items() for method in methods}

    async def tidy(self) -> None:
        """Deletes snapshots that are over. Raises Unavailable."""
        if self._snapshots is not None:
            await self._snapshots.tidy()

    async def close(self) -> None:
        """Lets snapshots go."""
        if self._snapshots is not None:
            await self._snapshots.close()

    async def handle(self, request: Request) -> Response:
        """Errors are application/json here (clause 6.3.3)."""
        try:
            return await self._handler(request)(request)
        except MadangError as error:
            return problem(error, b"application/json")

    def _handler(self, request: Request) -> Handler:
        if b"ngsild-snapshot" in request.headers and self._snapshots is not None:
            return self._snapshots.door.handle
        shape = shape_of(request.parts)
        if b"//" in request.scope.get("raw_path", b""):
            raise BadRequest("an id or a name is missing in the path")
        handlers = self._table.get(shape)
        if handlers is None:
            raise nothing_here(request)
        if request.method == "OPTIONS":
            return allowing(handlers)
        handler = pick_method(request, handlers)
        check_media(request)
        method = "GET" if request.method == "HEAD" else request.method
        check_parameters(shape, method, request.raw_query)
        if method in ("PUT", "PATCH", "DELETE") and shape not in VERSIONED:
            refuse_condition(request)
        if len(self._federation) and is_shared(request):
            handler = self._shared.get(shape, {}).get(method, handler)
        if may_want_map(request) and (through := self._mapped.get((shape, method))) is not None:
            handler = partial(through, without=handler)
        return partial(with_tag_of, handler) if method == "GET" and shape in TAGGED else handler


def open_snapshots(broker: Broker, keeping: Keeping, mapped: MapResources, past: TemporalReads) -> SnapshotResources:
    copies = Copies(keeping.pool)
    return SnapshotResources(broker, keeping, copies, Filling(keeping.pool, copies, mapped, past))


def snapshot_table(snapshots: SnapshotResources) -> Table:
    return {
        "snapshots": {"POST": snapshots.create, "DELETE": snapshots.purge},
        "snapshots/*": {"GET": snapshots.get, "PATCH": snapshots.update, "DELETE": snapshots.delete},
        "snapshots/*/clone": {"POST": snapshots.clone},
    }
